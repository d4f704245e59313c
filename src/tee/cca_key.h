/* The realm's key (RAK), and what a platform's token says of it, remembered: the token is
 * the same for as long as the realm runs. */
#ifndef TOBI_TEE_CCA_KEY_H
#define TOBI_TEE_CCA_KEY_H

#include "pki/memo.h"
#include "tee/cca_token.h"

enum { CCA_WHY_MAX = 128 };

struct cca_key {
	struct memo_value head;
	EVP_PKEY *rak; /* NULL: it cannot be read, and why is in rak_wrong */
	char rak_wrong[CCA_WHY_MAX];
	bool is_signed; /* a key that is trusted signed the platform's token */
	char why[CCA_WHY_MAX];
	uint8_t signer[SHA256_SIZE]; /* of its SubjectPublicKeyInfo */
};

/* A reference of the caller's own: memo_unref() its head. TOBI_E_MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err
cca_key_get(const struct cca_token *token, const struct cca_claims *claims,
	    enum cca_key_form form, const struct tee_request *request,
	    struct cca_key **ret_key, struct tobi_fault *fault);
/* The key of claim 44237. TOBI_E_MALFORMED for another form or a point off the curve,
 * TOBI_E_UNSUPPORTED for another curve. */
TOBI_MUST_USE enum tobi_err cca_key_read(struct tobi_bytes bytes, enum cca_key_form form,
					 EVP_PKEY **ret_key, struct tobi_fault *fault);
/* Its hash with the algorithm of that name. */
TOBI_MUST_USE bool cca_key_hash(struct tobi_bytes bytes, struct tobi_bytes algorithm,
				uint8_t ret_hash[static 64], size_t *ret_size);

#endif
