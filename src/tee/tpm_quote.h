/* The quote of a TPM that comes with another kind of evidence: its checks
 * (docs/PROTOCOL.md section 3.5). */
#ifndef TOBI_TEE_TPM_QUOTE_H
#define TOBI_TEE_TPM_QUOTE_H

#include "tee/tee.h"
#include "tee/tpm_structs.h"

extern const struct check *const tpm_quote_checks[]; /* NULL at the end */

struct tpm_quote_request {
	struct tobi_bytes evidence;    /* the submodule's value; empty: there is none */
	EVP_PKEY *key;		       /* the platform key, which signed the token */
	struct tobi_bytes nonce;       /* the token's */
	struct tobi_bytes anchors_pem; /* for the attestation key; may be empty */
	int64_t time;
	struct chain_cache *chains; /* or NULL */
};

/* Owes them all. */
void tpm_quote_owe(struct checklist *list);
/* Records them, and gives the PCR values as far as the evidence can be read. */
void tpm_quote_examine(const struct tpm_quote_request *request, struct checklist *list,
		       struct tee_claims *claims);

#endif
