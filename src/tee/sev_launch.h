/*
 * What a platform says of one launch of a guest: the keyed hash that its firmware made
 * (LAUNCH_MEASURE), and what went into it beside the guest's memory.
 *
 * Nothing of it is believed: with the key that only the guest's owner and the firmware
 * know, one value of each makes the hash, and no other.
 *
 * Source: AMD 55766, SEV API, revision 0.24, section 6.5; docs/PROTOCOL.md section 14.4.
 */
#ifndef TOBI_TEE_SEV_LAUNCH_H
#define TOBI_TEE_SEV_LAUNCH_H

#include <stdbool.h>

#include "pki/key.h"
#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum {
	SEV_MEASURE_SIZE = 32,
	SEV_MNONCE_SIZE = 16,
	SEV_BLOB_SIZE = SEV_MEASURE_SIZE + SEV_MNONCE_SIZE,
	SEV_DIGEST_SIZE = 32,
	SEV_TIK_SIZE = 16,
};

enum sev_policy {
	SEV_POLICY_NODBG = 0x01,
	SEV_POLICY_NOKS = 0x02,
	SEV_POLICY_ES = 0x04,
	SEV_POLICY_NOSEND = 0x08,
	SEV_POLICY_DOMAIN = 0x10,
	SEV_POLICY_SEV = 0x20,
};

struct sev_launch {
	bool has_blob;
	uint8_t measure[SEV_MEASURE_SIZE];
	uint8_t mnonce[SEV_MNONCE_SIZE];
	bool has_api, has_build, has_policy;
	uint8_t api_major, api_minor, build;
	uint32_t policy;
};

/*
 * Takes what a piece has, by its form: the blob, 48 bytes or the base64 of them; an
 * answer of QEMU's query-sev-launch-measure or query-sev (JSON); or what `virsh
 * domlaunchsecinfo` prints. Two pieces that say different things are TOBI_E_MALFORMED;
 * one that is none of these is left alone (*ret_known is false).
 */
TOBI_MUST_USE enum tobi_err sev_launch_take(struct tobi_bytes piece,
					    struct sev_launch *launch, bool *ret_known,
					    struct tobi_fault *fault);
/* What was not given, or NULL. */
const char *sev_launch_lacks(const struct sev_launch *launch);
/* HMAC-SHA-256 with the TIK over what the firmware measured. TOBI_E_CRYPTO. */
TOBI_MUST_USE enum tobi_err sev_launch_measure(const struct sev_launch *launch,
					       struct tobi_bytes tik,
					       struct tobi_bytes digest,
					       uint8_t ret_measure[static 32]);

#endif
