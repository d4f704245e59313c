/*
 * OpenSSL's library context in which public keys and certificates are read, and
 * signatures verified.
 *
 * OpenSSL 3.0 takes longer to read the key of a certificate than to verify a signature of
 * P-256, as it asks each of its some 80 decoders anew what it can do. This one has the
 * algorithms of the default provider, and of its decoders only those of public keys in
 * SubjectPublicKeyInfo of the kinds that evidence has (EC, RSA, Ed25519): a third of the
 * time. Nothing is verified otherwise than with OpenSSL's own code.
 *
 * Of a certificate with a key of another kind X509_get0_pubkey() is NULL.
 */
#ifndef TOBI_CODEC_KEY_LIBRARY_H
#define TOBI_CODEC_KEY_LIBRARY_H

#include <openssl/types.h>

/* Made with the first call, for the life of the process. NULL, which is OpenSSL's own
 * one: the application has configured that without the default provider, or no other can
 * be made. Any thread. */
OSSL_LIB_CTX *key_library(void);
/* Digests that are looked up once: OpenSSL looks up EVP_sha256() with each use, under
 * locks that all threads share. For the life of the process. */
const EVP_MD *key_library_sha256(void);
const EVP_MD *key_library_sha384(void);

#endif
