/* Reports of Intel's retired Attestation Service for SGX (docs/PROTOCOL.md section 14.6).
 */
#ifndef TOBI_TEE_EPID_H
#define TOBI_TEE_EPID_H

#include "tee/tee.h"

extern const struct tee_verifier tee_epid;

#endif
