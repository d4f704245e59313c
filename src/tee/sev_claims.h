/* What evidence of AMD SEV says beside what all evidence says. Everything lies in the
 * arena of the appraisal. */
#ifndef TOBI_TEE_SEV_CLAIMS_H
#define TOBI_TEE_SEV_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "pki/key.h"

struct sev_claims {
	const char *generation; /* "rome"; "" for one that is not known here */
	/* Of the firmware: of the launch, or where none was measured, of the PEK. */
	uint8_t api_major, api_minor;
	bool measured; /* a launch: what follows is so */
	uint8_t build;
	uint32_t policy; /* enum sev_policy */
	bool has_owner;
	uint8_t owner[SHA256_SIZE]; /* of the OCA's SubjectPublicKeyInfo */
};

#endif
