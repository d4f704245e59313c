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

struct gce_identity; /* gce_identity.h */

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
	/* The digest over the values, and by which hash: where no values came, all that
	 * there is. */
	struct tobi_bytes digest;
	unsigned digest_hash;
	uint32_t selected[TPM_BANKS_MAX]; /* PCRs that were quoted, of banks[] */
	/* Of the tier tpm alone, from here on. */
	bool has_ak;	      /* its public area came: its attributes are known */
	bool certified;	      /* by a certificate, not by the policy's own word */
	struct tobi_bytes ak; /* SHA-256 of its SubjectPublicKeyInfo */
	struct tobi_bytes ek; /* the same of the endorsement key, where the AK's
			       * certificate names it; or empty */
	struct tobi_bytes certified_key; /* the same of a key that the AK certifies */
	const struct gce_identity *gce;	 /* or NULL */
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
