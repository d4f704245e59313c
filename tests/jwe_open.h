/* A receiver of JWE for tests: opens what codec/jwe.h writes, by steps of its own. */
#ifndef TESTS_JWE_OPEN_H
#define TESTS_JWE_OPEN_H

#include <jansson.h>
#include <openssl/evp.h>

#include "base/writer.h"

/* An EC key pair of a curve ("prime256v1") from its private number and its point. */
EVP_PKEY *jwe_open_key(const char *group, struct tobi_bytes private, struct tobi_bytes x,
		       struct tobi_bytes y);
/* The bytes of a member of a JSON object, base64url; false when there is none. */
bool jwe_open_member(const json_t *json, const char *name, struct writer *out);
/* Appends the content. False when it is not for this key, or was changed. */
bool jwe_open(struct tobi_bytes message, EVP_PKEY *receiver, struct writer *out);

#endif
