/*
 * What OpenSSL needs to verify signatures by one key, set up once. To set it up takes a
 * sixth as long as to verify by RSA-2048, so that who verifies by a key more than once
 * keeps it.
 */
#ifndef TOBI_PKI_VERIFYING_H
#define TOBI_PKI_VERIFYING_H

#include "pki/key.h"

enum verifying_scheme { VERIFYING_ECDSA, VERIFYING_RSASSA, VERIFYING_RSAPSS };

/* Never changed once it is made: many threads may share it. */
struct verifying {
	enum verifying_scheme scheme;
	const EVP_MD *hash;
	EVP_MD_CTX *context; /* NULL: not made */
};

/* TOBI_E_CRYPTO, too for a key that makes no such signatures; _MEMORY. */
TOBI_MUST_USE enum tobi_err verifying_make(EVP_PKEY *key, enum verifying_scheme scheme,
					   const EVP_MD *hash,
					   struct verifying *ret_verifying,
					   struct tobi_fault *fault);
/* For what such a key signs most likely: RSASSA with SHA-256; ECDSA with SHA-256, and
 * with SHA-384 from P-384 on. Not made for a key of another kind, or without memory: then
 * each use has to make its own. */
struct verifying verifying_usual(EVP_PKEY *key);
/* Accepts a zeroed one. */
void verifying_done(struct verifying *verifying);

bool verifying_is(const struct verifying *verifying, enum verifying_scheme scheme,
		  const EVP_MD *hash);
/* Whether the key signed exactly message; ECDSA signatures in DER. False for one that was
 * not made. */
bool verifying_holds(const struct verifying *verifying, struct tobi_bytes signature,
		     struct tobi_bytes message);

#endif
