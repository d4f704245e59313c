/*
 * COSE_Sign1 (RFC 9052 §4, algorithms of RFC 9053 and RFC 8812).
 *
 * Signs with ES256, ES384, EdDSA (Ed25519); verifies those and ES512, PS256, PS384. The
 * algorithm is read from the protected header only; a label in both headers and an
 * unknown critical label are refused, and COSE_Mac0 (tag 17) wherever it was not asked
 * for by cose_parse_either(). Signatures are verified over the protected bytes exactly as
 * received.
 */
#ifndef TOBI_CODEC_COSE_H
#define TOBI_CODEC_COSE_H

#include <openssl/evp.h>

#include "base/limits.h"
#include "base/writer.h"

enum cose_alg {
	COSE_NONE = 0,
	COSE_ES256 = -7,
	COSE_EDDSA = -8,
	COSE_ES384 = -35,
	COSE_ES512 = -36,
	COSE_PS256 = -37,
	COSE_PS384 = -38,
	/* Of COSE_Mac0 alone. */
	COSE_HMAC256 = 5,
	COSE_HMAC384 = 6,
	COSE_HMAC512 = 7,
	COSE_RS256 = -257, /* of JOSE alone */
};

/* Everything borrows from the input. */
struct cose_sign1 {
	enum cose_alg alg;
	struct tobi_bytes protected_bytes; /* content of the bstr, as received */
	struct tobi_bytes payload;	   /* ptr NULL when detached */
	struct tobi_bytes signature;
	struct tobi_bytes content_type; /* header 3 when text, else empty */
	struct tobi_bytes kid;
	struct tobi_bytes
	    x5chain[LIMIT_COSE_CHAIN]; /* header 33, leaf first, untrusted */
	size_t x5chain_count;
};

/*
 * rules: of the outer structure and the headers. object names it in faults.
 * Errors: the decoder's; TOBI_E_UNSUPPORTED for an algorithm or critical header.
 */
enum cose_tagging { COSE_TAGGED, COSE_TAG_OPTIONAL };
TOBI_MUST_USE enum tobi_err cose_parse(struct tobi_bytes bytes, bool deterministic,
				       enum cose_tagging tagging, const char *object,
				       struct cose_sign1 *ret_sign1,
				       struct tobi_fault *fault);

/*
 * COSE_Sign1 or COSE_Mac0, as the tag says, which must be there, alone or behind the tag
 * of a CWT (61); of COSE_Mac0 the MAC is in signature. For formats whose verifier records
 * what is wrong: alg is COSE_NONE when it is not in the protected header, or not known
 * here.
 */
TOBI_MUST_USE enum tobi_err cose_parse_either(struct tobi_bytes bytes, const char *object,
					      bool *ret_is_mac,
					      struct cose_sign1 *ret_sign1,
					      struct tobi_fault *fault);

/*
 * Whether whoever has the secret made the MAC of a COSE_Mac0 over this payload, without
 * external data. False for an algorithm that is no MAC, and for an empty secret.
 */
bool cose_mac_holds(const struct cose_sign1 *mac0, struct tobi_bytes secret,
		    struct tobi_bytes payload);

/*
 * payload: that of the structure, or the detached one. The key must be of the type and
 * curve that alg names. TOBI_E_SIGNATURE when it does not verify.
 */
TOBI_MUST_USE enum tobi_err cose_verify(const struct cose_sign1 *sign1, EVP_PKEY *key,
					struct tobi_bytes external_aad,
					struct tobi_bytes payload, const char *object,
					struct tobi_fault *fault);

/* Whoever holds a private key: in this process, or in another (the signer). */
struct cose_signer {
	enum cose_alg alg;
	/* Appends the raw signature (r||s for ECDSA) over message. */
	enum tobi_err (*sign)(void *context, struct tobi_bytes message,
			      struct writer *ret_signature, struct tobi_fault *fault);
	void *context;
};

/* A signer over a key in memory, which must outlive it. alg follows the key's type. */
TOBI_MUST_USE enum tobi_err cose_signer_for_key(EVP_PKEY *key,
						struct cose_signer *ret_signer,
						struct tobi_fault *fault);

/* A protected header more: its label, over 4, and one encoded item. */
struct cose_extra {
	int64_t label;
	struct tobi_bytes item;
};

struct cose_headers {
	const char *content_type;	  /* protected header 3, or NULL */
	const struct tobi_bytes *x5chain; /* unprotected header 33, or NULL */
	size_t x5chain_count;
	const struct cose_extra *extras; /* by their labels, upward; or NULL */
	size_t extra_count;
	struct tobi_bytes kid; /* unprotected header 4, or empty */
};

/* Appends the tagged structure. detached: the payload is signed but left out. */
TOBI_MUST_USE enum tobi_err cose_write(struct writer *out,
				       const struct cose_signer *signer,
				       const struct cose_headers *headers,
				       struct tobi_bytes payload, bool detached,
				       struct tobi_fault *fault);

#endif
