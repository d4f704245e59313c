/*
 * JWE in flattened JSON (RFC 7516 section 7.2.2) for one receiver, as Confidential
 * Containers' clients read it: content under AES-256-GCM, its key wrapped for the
 * receiver's, by ECDH-ES+A256KW (RFC 7518 section 4.6) or RSA-OAEP-256 (section 4.3).
 *
 * Writing only. The header's bytes are in one order, {"alg","enc","epk":{"crv","kty","x",
 * "y"}}, for their Rust client writes the header anew to know what was authenticated.
 * RSA1_5 is not written: whoever can ask a receiver often enough opens it.
 *
 * All of it is OpenSSL's but the JSON: ECDH, the KDF of one step (NIST SP 800-56C, which
 * RFC 7518 calls Concat KDF), AES key wrap, OAEP, GCM.
 */
#ifndef TOBI_CODEC_JWE_H
#define TOBI_CODEC_JWE_H

#include <openssl/evp.h>

#include "base/writer.h"

enum { JWE_KEY_SIZE = 32, JWE_IV_SIZE = 12 };

/* The algorithm that a key of this kind takes: EC on P-256, P-384, P-521, or RSA of at
 * least 2048 bits; NULL for any other. */
const char *jwe_algorithm(EVP_PKEY *receiver);
/* Appends. Errors: TOBI_E_UNSUPPORTED for another kind of key, _CRYPTO, _LIMIT, _MEMORY.
 */
TOBI_MUST_USE enum tobi_err jwe_encrypt(EVP_PKEY *receiver, struct tobi_bytes plain,
					struct writer *out, struct tobi_fault *fault);

/* What must be new for each message. */
struct jwe_fresh {
	EVP_PKEY *ephemeral; /* on the receiver's curve; NULL for RSA */
	uint8_t key[JWE_KEY_SIZE], iv[JWE_IV_SIZE];
};
/* jwe_encrypt() with a fresh one is this. Nothing else should call it but a test that
 * knows the answer. */
TOBI_MUST_USE enum tobi_err jwe_write(EVP_PKEY *receiver, const struct jwe_fresh *fresh,
				      struct tobi_bytes plain, struct writer *out,
				      struct tobi_fault *fault);

#endif
