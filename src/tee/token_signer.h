/*
 * Signed claims of others: a CWT (COSE_Sign1) or a JWT (JWS), who has signed it, and
 * whether the policy trusts him. What the claims mean is for eat.c and ear.c.
 */
#ifndef TOBI_TEE_TOKEN_SIGNER_H
#define TOBI_TEE_TOKEN_SIGNER_H

#include "codec/cose.h"
#include "codec/jose.h"
#include "tee/tee.h"

/* Borrows from the input, and owns the rest: signed_token_done() it. */
struct signed_token {
	bool is_jwt;
	struct jws jws;
	struct cose_sign1 sign1;
	enum cose_alg alg;
	json_t *tree; /* of claims; see token/claims_tree.h */
};

/* A CWT: tag 61 may be there, and 18; or a JWT. Errors: the readers'; a COSE_Mac0 is
 * TOBI_E_MALFORMED. */
TOBI_MUST_USE enum tobi_err signed_token_read(struct tobi_bytes bytes, const char *object,
					      struct signed_token *ret_token,
					      struct tobi_fault *fault);
/* The same, whatever its content is: the tree stays NULL. */
TOBI_MUST_USE enum tobi_err signed_token_open(struct tobi_bytes bytes, const char *object,
					      struct signed_token *ret_token,
					      struct tobi_fault *fault);
void signed_token_done(struct signed_token *token);

/*
 * Finds whose key signed it, among the keys that the policy names (request->keys), or by
 * a chain of certificates that came with it to one of request->pins; and checks the
 * signature. Records both rows: signature only when there is a key to check it with.
 */
void signed_token_examine(const struct tee_request *request,
			  const struct signed_token *token, const struct check *signer,
			  const struct check *signature, struct checklist *list);
/* The same, without a record: for a token in a token. */
bool signed_token_holds(const struct tee_request *request,
			const struct signed_token *token);

#endif
