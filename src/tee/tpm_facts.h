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
/* Environment and measurements, as reference values speak of them. */
void tpm_measure(const struct tpm_claims *tpm, const struct tpm_signer *signer,
		 struct arena *arena, struct tee_claims *claims);

#endif
