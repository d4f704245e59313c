/* What a TPM says in its quotes, whatever kind of evidence they came with. */
#ifndef TOBI_TEE_TPM_CLAIMS_H
#define TOBI_TEE_TPM_CLAIMS_H

#include <stdbool.h>

#include "tobichi/bytes.h"

enum { TPM_PCRS = 24, TPM_BANKS_MAX = 4 };

/* PCR values of one hash algorithm. */
struct tpm_bank {
	unsigned hash;			  /* TPM_ALG_SHA256, ... */
	struct tobi_bytes pcrs[TPM_PCRS]; /* empty: not there */
};

/* Borrowed from the appraisal's arena. */
struct tpm_claims {
	/* What was quoted, and nothing else; of several quotes together. */
	struct tpm_bank banks[TPM_BANKS_MAX];
	size_t bank_count;
	/* Of the first quote. */
	uint64_t clock;		   /* milliseconds that the TPM has run */
	uint32_t resets, restarts; /* since it was cleared; since the last reset */
	bool safe;		   /* the clock never had a later value */
	uint64_t firmware;
	struct tobi_bytes extra;  /* what the quote is bound to */
	struct tobi_bytes signer; /* qualified name of the attestation key */
};

/* NULL when the bank is not there. */
static inline const struct tpm_bank *tpm_claims_bank(const struct tpm_claims *claims,
						     unsigned hash)
{
	for (size_t i = 0; i < claims->bank_count; i++) {
		if (claims->banks[i].hash == hash)
			return &claims->banks[i];
	}
	return NULL;
}

#endif
