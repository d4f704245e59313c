/*
 * Structures of a TPM 2.0 as verifiers need them: what a TPM says (TPMS_ATTEST), its
 * signature (TPMT_SIGNATURE), and keys (TPMT_PUBLIC). Reading bytes only; needs no TPM.
 *
 * Source: TCG TPM 2.0 Library, part 2 (structures), revision 1.59; sections are named
 * where they are read. All numbers are big-endian.
 */
#ifndef TOBI_TEE_TPM_STRUCTS_H
#define TOBI_TEE_TPM_STRUCTS_H

#include <stdbool.h>

#include "pki/verifying.h"
#include "pki/key.h"

enum tpm_algorithm {
	TPM_ALG_RSA = 0x0001,
	TPM_ALG_SHA1 = 0x0004,
	TPM_ALG_AES = 0x0006,
	TPM_ALG_SHA256 = 0x000b,
	TPM_ALG_SHA384 = 0x000c,
	TPM_ALG_SHA512 = 0x000d,
	TPM_ALG_NULL = 0x0010,
	TPM_ALG_RSASSA = 0x0014,
	TPM_ALG_RSAPSS = 0x0016,
	TPM_ALG_ECDSA = 0x0018,
	TPM_ALG_ECC = 0x0023,
};

enum {
	TPM_CURVE_P256 = 3,
	TPM_CURVE_P384 = 4,

	TPM_ATTEST_CERTIFY = 0x8017,
	TPM_ATTEST_QUOTE = 0x8018,

	TPM_SELECTIONS_MAX = 16,
	TPM_HASH_MAX = 64,
	TPM_STRUCT_NAME_MAX = 2 + TPM_HASH_MAX,
	TPM_RSA_MAX = 512,
};

/* TPMS_ATTEST begins with it; only what the TPM itself made may be signed so by a
 * restricted key. */
#define TPM_GENERATED UINT32_C(0xff544347)

enum tpm_attribute {
	TPM_FIXED_TPM = 1 << 1,
	TPM_FIXED_PARENT = 1 << 4,
	TPM_SENSITIVE_ORIGIN = 1 << 5,
	TPM_ENCRYPTED_DUPLICATION = 1 << 11,
	TPM_RESTRICTED = 1 << 16,
	TPM_DECRYPT = 1 << 17,
	TPM_SIGN = 1 << 18,
};

/* PCRs of one bank; bit n: PCR n. */
struct tpm_selection {
	unsigned hash;
	uint32_t pcrs;
};

/* Everything borrows from the bytes that were read. */
struct tpm_attest {
	uint32_t magic;
	unsigned type;
	struct tobi_bytes signer; /* qualified name */
	struct tobi_bytes extra;
	uint64_t clock;
	uint32_t resets, restarts;
	bool safe;
	uint64_t firmware;
	/* of a quote */
	struct tpm_selection selections[TPM_SELECTIONS_MAX];
	size_t selection_count;
	struct tobi_bytes pcr_digest;
	/* of a certification */
	struct tobi_bytes name, qualified_name;
};

struct tpm_signature {
	unsigned alg, hash;
	struct tobi_bytes rsa;	/* RSASSA, RSAPSS */
	struct tobi_bytes r, s; /* ECDSA */
};

struct tpm_public {
	unsigned type, name_alg;
	uint32_t attributes;
	struct tobi_bytes policy;
	unsigned scheme, scheme_hash; /* TPM_ALG_NULL: none of its own */
	unsigned curve;
	struct tobi_bytes x, y;
	unsigned bits;
	uint32_t exponent; /* 0: 65537 */
	struct tobi_bytes modulus;
};

/* Magic and type are read, not judged; a type other than quote and certify is
 * TOBI_E_UNSUPPORTED. */
TOBI_MUST_USE enum tobi_err tpm_attest_parse(struct tobi_bytes bytes,
					     struct tpm_attest *ret_attest,
					     struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err tpm_signature_parse(struct tobi_bytes bytes,
						struct tpm_signature *ret_signature,
						struct tobi_fault *fault);
/* RSA and ECC keys. */
TOBI_MUST_USE enum tobi_err tpm_public_parse(struct tobi_bytes bytes,
					     struct tpm_public *ret_public,
					     struct tobi_fault *fault);
/* A key of P-256, P-384, or RSA of 2048 to 4096 bits. */
TOBI_MUST_USE enum tobi_err tpm_public_key(const struct tpm_public *public,
					   EVP_PKEY **ret_key, struct tobi_fault *fault);
/* Whether it is of a kind that tpm_public_key() gives. */
bool tpm_key_is_supported(EVP_PKEY *key);
/* The same of a SubjectPublicKeyInfo (DER); nothing may follow it. */
TOBI_MUST_USE enum tobi_err tpm_spki_key(struct tobi_bytes spki, const char *object,
					 EVP_PKEY **ret_key, struct tobi_fault *fault);
/* Whether it signs nothing but what its TPM says, and is made in it and fixed in it. */
bool tpm_public_is_ak(const struct tpm_public *public);
/* Whether it opens secrets alone, and is made in its TPM and fixed in it. */
bool tpm_public_is_ek(const struct tpm_public *public);
/* Whether it is a signing key that was made in its TPM and cannot leave it. */
bool tpm_public_is_resident(const struct tpm_public *public);
/* The Name of an object: the algorithm, and the hash of its TPMT_PUBLIC's bytes. */
TOBI_MUST_USE enum tobi_err tpm_name(struct tobi_bytes public_bytes, unsigned name_alg,
				     uint8_t ret_name[static TPM_STRUCT_NAME_MAX],
				     size_t *ret_size, struct tobi_fault *fault);
/* Of a hash that a TPM may have a PCR bank of; 0 for one that is not known here. */
size_t tpm_hash_size(unsigned hash);
/* "sha256"; NULL for one that is not known here. */
const char *tpm_hash_name(unsigned hash);
/* The inverse, of the same names; TPM_ALG_NULL for any other. */
unsigned tpm_hash_named(const char *name);
/* SHA-1 is none of them: what is signed, named or compared here needs more. Size: as
 * tpm_hash_size() says. */
TOBI_MUST_USE enum tobi_err tpm_hash(unsigned hash, struct tobi_bytes bytes,
				     uint8_t ret_hash[static TPM_HASH_MAX]);
/* Over the bytes exactly as they came. SHA-256, SHA-384, SHA-512; ECDSA, RSASSA, RSAPSS.
 * made is of this key, or NULL; it serves where it is of the signature's scheme and hash.
 * TOBI_E_SIGNATURE when it is not the key's. */
TOBI_MUST_USE enum tobi_err tpm_signature_verify(const struct tpm_signature *signature,
						 EVP_PKEY *key,
						 const struct verifying *made,
						 struct tobi_bytes message,
						 struct tobi_fault *fault);

#endif
