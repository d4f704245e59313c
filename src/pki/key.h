/* Keys: generating, reading, writing, naming. Key material stays inside OpenSSL. */
#ifndef TOBI_PKI_KEY_H
#define TOBI_PKI_KEY_H

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/writer.h"

enum key_kind { KEY_P256, KEY_P384, KEY_ED25519 };

enum { SHA256_SIZE = 32, SHA384_SIZE = 48 };

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)

TOBI_MUST_USE enum tobi_err key_new(enum key_kind kind, EVP_PKEY **ret_key,
				    struct tobi_fault *fault);
/* One private key, PKCS#8 PEM, not encrypted, P-256, P-384 or Ed25519. */
TOBI_MUST_USE enum tobi_err key_read_private(struct tobi_bytes pem, const char *object,
					     EVP_PKEY **ret_key,
					     struct tobi_fault *fault);
/* A public key (PEM), or that of a private key. */
TOBI_MUST_USE enum tobi_err key_read_public(struct tobi_bytes pem, const char *object,
					    EVP_PKEY **ret_key, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err key_write_private(EVP_PKEY *key, struct writer *out,
					      struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err key_write_public(EVP_PKEY *key, struct writer *out,
					     struct tobi_fault *fault);
/* DER SubjectPublicKeyInfo; nothing may follow it. P-256, P-384, Ed25519. */
TOBI_MUST_USE enum tobi_err key_read_spki(struct tobi_bytes der, const char *object,
					  EVP_PKEY **ret_key, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err key_spki(EVP_PKEY *key, struct writer *out,
				     struct tobi_fault *fault);
/* SHA-256 and SHA-384 of the SubjectPublicKeyInfo. */
TOBI_MUST_USE enum tobi_err key_spki_sha256(EVP_PKEY *key,
					    uint8_t ret_hash[static SHA256_SIZE],
					    struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err key_spki_sha384(EVP_PKEY *key,
					    uint8_t ret_hash[static SHA384_SIZE],
					    struct tobi_fault *fault);

/* Hashes of whole messages. They fail only when OpenSSL does. */
TOBI_MUST_USE enum tobi_err hash_sha256(struct tobi_bytes bytes,
					uint8_t ret_hash[static SHA256_SIZE]);
TOBI_MUST_USE enum tobi_err hash_sha384(struct tobi_bytes bytes,
					uint8_t ret_hash[static SHA384_SIZE]);
/* HKDF-SHA-256 without salt (RFC 5869). */
TOBI_MUST_USE enum tobi_err hkdf_sha256(struct tobi_bytes secret, struct tobi_bytes info,
					uint8_t *ret_key, size_t size);
/* The first error of OpenSSL's queue as a fault; empties the queue. */
enum tobi_err fault_openssl(struct tobi_fault *fault, const char *object,
			    const char *field, const char *what);

#endif
