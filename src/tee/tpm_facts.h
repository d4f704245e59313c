/* What a TPM's quote says, for people. */
#ifndef TOBI_TEE_TPM_FACTS_H
#define TOBI_TEE_TPM_FACTS_H

#include "tee/tee.h"
#include "tee/tpm_claims.h"
#include "tee/tpm_signer.h"

/* Of the quote: firmware, counters, banks, and the PCRs of the strongest one. */
void tpm_facts_quote(const struct tpm_claims *tpm, struct arena *arena,
		     struct tee_claims *claims);
/* Of its key, and whoever vouches for it. */
void tpm_facts_signer(const struct tpm_signer *signer, struct arena *arena,
		      struct tee_claims *claims);
/* The TPM, as reference values speak of one: by the name of its attestation key, and its
 * maker where that is certified (or NULL). */
struct tee_environment
tpm_environment(struct tobi_bytes ak, const struct tpm_maker *maker, struct arena *arena);
/* Its PCRs, as they speak of these. environment: NULL where all the evidence is of the
 * TPM. */
void tpm_measure(const struct tpm_claims *tpm, const struct tee_environment *environment,
		 struct arena *arena, struct tee_claims *claims);

#endif
