/*
 * Trust anchors that are bare public keys, for kinds of evidence whose keys have no
 * certificates: attestation keys of Arm's platforms, of a TPM whose owner has looked at
 * it, of a verifier that signs results.
 */
#ifndef TOBI_PKI_ANCHOR_KEYS_H
#define TOBI_PKI_ANCHOR_KEYS_H

#include "pki/verifying.h"

enum { ANCHOR_KEYS_MAX = 64 };

struct anchor_keys {
	EVP_PKEY *keys[ANCHOR_KEYS_MAX];	     /* owned */
	struct verifying verifying[ANCHOR_KEYS_MAX]; /* by each of them */
	uint8_t spki[ANCHOR_KEYS_MAX][SHA256_SIZE];
	size_t count;
};

/* Every PUBLIC KEY of a PEM text, in its order; other blocks are passed over, and none at
 * all is no error. P-256, P-384, P-521, Ed25519, RSA of 2048 to 8192 bits.
 * anchor_keys_done() what it returns. Errors: TOBI_E_MALFORMED, _UNSUPPORTED (another
 * kind of key, a private one), _LIMIT, _MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err anchor_keys_read(struct tobi_bytes pem, const char *object,
					     struct anchor_keys *ret_keys,
					     struct tobi_fault *fault);
/* Accepts a zeroed one. */
void anchor_keys_done(struct anchor_keys *keys);
/* The key itself; NULL when it is not one of them. */
EVP_PKEY *anchor_keys_find(const struct anchor_keys *keys,
			   const uint8_t spki[static SHA256_SIZE]);

#endif
