/* What only documents of AWS Nitro say (docs/PROTOCOL.md section 14.5). */
#ifndef TOBI_TEE_NITRO_CLAIMS_H
#define TOBI_TEE_NITRO_CLAIMS_H

#include <stdbool.h>

#include "tobichi/bytes.h"

enum { NITRO_PCRS = 32, NITRO_TPM_PCRS = 24, NITRO_PCR_SIZE = 48 };
/* What the PCRs of an enclave are of; those of a NitroTPM are the TCG's. */
enum {
	NITRO_PCR_IMAGE = 0,
	NITRO_PCR_KERNEL = 1,
	NITRO_PCR_APPLICATION = 2,
	NITRO_PCR_ROLE = 3,
	NITRO_PCR_INSTANCE = 4,
	NITRO_PCR_SIGNER = 8,
	NITRO_TPM_PCR_BOOT = 4, /* the boot loader or unified kernel image */
};

/* Borrowed from the appraisal's arena. */
struct nitro_claims {
	bool tpm;
	struct tobi_bytes module_id;
	struct tobi_bytes pcrs[NITRO_PCRS]; /* empty: not in the document */
	/* ptr NULL: absent, which is another thing than empty. */
	struct tobi_bytes public_key, user_data, nonce;
};

#endif
