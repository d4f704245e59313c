/* COSE's algorithms and numbers, for cose.c and cose_sign.c. */
#ifndef TOBI_CODEC_COSE_ALG_H
#define TOBI_CODEC_COSE_ALG_H

#include "base/cleanup.h"
#include "codec/cose.h"

enum {
	COSE_TAG_MAC0 = 17,
	COSE_TAG_SIGN1 = 18,
	COSE_TAG_CWT = 61, /* RFC 8392 section 6: may stand before either */
	COSE_HEADER_ALG = 1,
	COSE_HEADER_CRIT = 2,
	COSE_HEADER_CONTENT_TYPE = 3,
	COSE_HEADER_KID = 4,
	COSE_HEADER_X5CHAIN = 33,
};

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

struct cose_alg_row {
	enum cose_alg alg;
	const char *key;    /* OpenSSL's name of the key type */
	const char *group;  /* of an EC key, else NULL */
	const char *digest; /* NULL for EdDSA */
	size_t half;	    /* bytes of r and of s; 0 when the signature is not ECDSA's */
};

/* NULL when it is not supported. */
const struct cose_alg_row *cose_alg_find(int64_t alg);
/* The row for signing with the key; NULL when there is none. */
const struct cose_alg_row *cose_alg_for_key(EVP_PKEY *key);
bool cose_alg_fits(const struct cose_alg_row *row, EVP_PKEY *key);

/* Of HMAC with SHA-2, not cut short: the size of its hash; 0 for any other algorithm. */
size_t cose_mac_size(int64_t alg);
/* Over exactly message; ECDSA's is r||s. TOBI_E_SIGNATURE for a key of another kind (row
 * NULL: of any) and when it does not verify. */
TOBI_MUST_USE enum tobi_err cose_alg_verify(const struct cose_alg_row *row, EVP_PKEY *key,
					    struct tobi_bytes signature,
					    struct tobi_bytes message, const char *object,
					    struct tobi_fault *fault);
/* RSASSA-PKCS1-v1_5, of JOSE alone: no COSE_Sign1 may name it. */
extern const struct cose_alg_row cose_alg_rs256;

/* ECDSA signatures: DER to r||s, and back. */
enum tobi_err cose_ecdsa_to_raw(struct tobi_bytes der, size_t half, struct writer *out,
				struct tobi_fault *fault);
enum tobi_err cose_ecdsa_to_der(struct tobi_bytes raw, size_t half, uint8_t **ret_der,
				size_t *ret_size, struct tobi_fault *fault);

void cose_to_be_signed(struct writer *out, struct tobi_bytes protected_bytes,
		       struct tobi_bytes external_aad, struct tobi_bytes payload);

#endif
