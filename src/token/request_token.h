/*
 * How an owner signs a request: a JWT in the header Authorization, over method, target,
 * body and broker, for a few minutes and for once (docs/PROTOCOL.md section 18.3).
 */
#ifndef TOBI_TOKEN_REQUEST_TOKEN_H
#define TOBI_TOKEN_REQUEST_TOKEN_H

#include "codec/cose.h"

#define REQUEST_TOKEN_TYPE "tobichi-request+jwt"

enum {
	REQUEST_TOKEN_SECONDS = 300,   /* from iat to exp, at most */
	REQUEST_TOKEN_NUMBER_MIN = 16, /* characters of jti */
};

/* Borrowed. */
struct request_token {
	const char *method;   /* "PUT" */
	const char *target;   /* path and query: "/v1/secrets/a/b/c" */
	const char *audience; /* "host" or "host:port", as in the URL */
	struct tobi_bytes body;
	int64_t now;
};

/* Appends the JWT. Errors: TOBI_E_CRYPTO, _MEMORY, _UNSUPPORTED (a key of another kind).
 */
TOBI_MUST_USE enum tobi_err request_token_write(const struct request_token *token,
						EVP_PKEY *key, struct writer *out,
						struct tobi_fault *fault);

#endif
