/* What the certificate of a device's firmware says of the device. */
#ifndef TOBI_TEE_NVIDIA_IDENTITY_H
#define TOBI_TEE_NVIDIA_IDENTITY_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "tee/nvidia_claims.h"

/* The hash of the firmware that has the key (TCG DICE): of a CompositeDeviceID (Hopper),
 * or of a DiceTcbInfo (Blackwell). False without exactly one of both. */
bool nvidia_fwid(const X509 *leaf, uint8_t ret_fwid[static NVIDIA_FWID_SIZE]);
/* The chip's name and number: an otherName of DMTF's, "NVIDIA:GH100:48B0...". */
bool nvidia_chip(X509 *leaf, char ret_chip[static NVIDIA_TEXT_MAX],
		 uint8_t ret_ueid[static NVIDIA_UEID_SIZE]);

#endif
