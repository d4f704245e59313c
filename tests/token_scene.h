/* Tokens of a signer of the tests' own: attestation results (EAR) and attesters' tokens
 * (EAT), as JWT and CWT, and policies that accept them. */
#ifndef TESTS_TOKEN_SCENE_H
#define TESTS_TOKEN_SCENE_H

#include <jansson.h>

#include "pki/cert.h"
#include "tobichi/verify.h"
#include "token/cmw.h"

enum { TOKEN_NOW = 1900000000 };

enum token_form { TOKEN_JWT, TOKEN_CWT };
enum token_header {
	TOKEN_NO_KEY,	 /* the policy's keys are tried */
	TOKEN_NAMES_KEY, /* jwk; kid of a CWT */
	TOKEN_HAS_CHAIN, /* x5c; x5chain */
};

struct token_scene {
	EVP_PKEY *signer, *other, *attester;
	struct writer ca, leaf; /* DER: a CA, and the signer's certificate by it */
	struct tobi_bytes chain[2];
	/* What a test changes. */
	enum token_form form;
	enum token_header header;
	EVP_PKEY *signs;   /* signer, unless a test says another */
	EVP_PKEY *names;   /* whose key the header names: the same */
	json_t *claims;	   /* of a JWT, or of the CWT: see token_scene_cbor() */
	const char *tier;  /* "ear", "eat" */
	const char *more;  /* of the policy */
	const char *roots; /* "key", "ca", "both", "none" */
	struct tobi_bytes nonce;
	const struct tobi_bytes *pieces;
	size_t piece_count;
	int64_t now;
	uint8_t attester_spki[SHA256_SIZE];
};

/* A right result of a verifier in the new generation, or a right token. */
void token_scene_ear(struct token_scene *scene);
void token_scene_eat(struct token_scene *scene);
void token_scene_done(struct token_scene *scene);
void token_scene_write(struct token_scene *scene, struct writer *out);
/* Claims under the names of claims_tree.h as CBOR, integer keys where there are some. */
void token_scene_cbor(const json_t *claims, struct writer *out);
/* Signs any content: a payload of a JWT or of a CWT. */
void token_scene_sign(const struct token_scene *scene, struct tobi_bytes payload,
		      struct writer *out);
void token_scene_policy(const struct token_scene *scene, struct writer *out);
struct tobi_result *token_scene_appraise(struct token_scene *scene);
/* The same of other bytes. */
enum tobi_err token_scene_try(struct token_scene *scene, struct tobi_bytes evidence,
			      struct tobi_result **ret_result, struct tobi_fault *fault);
/* A claims-buffer with the attester's key, or another one. */
void token_scene_claims(const struct token_scene *scene, bool own_key,
			struct writer *out);
/* The token, as it is by now, in a collection beside claims about that key. evidence: the
 * record without its value. What it is of is done after it. */
enum tobi_err token_scene_collect(struct token_scene *scene, struct cmw_record evidence,
				  struct tobi_bytes claims, const struct cmw_record *more,
				  struct tobi_result **ret_result);
/* The first that has failed is this check: what could not be read is not compared. */
void token_scene_refused(struct tobi_result *result, const char *code);
#define FIRST_FAILS(code, result) token_scene_refused((result), (code))

#endif
