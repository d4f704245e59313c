/*
 * JWS in its compact form (RFC 7515), and JWK (RFC 7517).
 *
 * Signs with ES256, ES384, EdDSA; verifies those and ES512, PS256, PS384, RS256. Refused
 * are "none" and every algorithm with a shared key, critical headers (none is understood
 * here), what is encrypted, names that are there twice, padding, stray bits and blanks. A
 * key or a chain in the header is untrusted input: the caller looks for it among those
 * that he trusts. Nothing is fetched (jku, x5u).
 *
 * The signature is OpenSSL's, the JSON jansson's, the framing ours: of the libraries in
 * Debian 12 libjwt 1.10 takes names that are there twice and tells nothing of a header
 * that is critical, and cjose is no longer kept up.
 */
#ifndef TOBI_CODEC_JOSE_H
#define TOBI_CODEC_JOSE_H

#include <jansson.h>

#include "codec/cose.h"

/* Owned, except signed_bytes: jws_done() it. */
struct jws {
	enum cose_alg alg;
	json_t *header;
	const char *typ, *cty, *kid; /* in the header; NULL where absent */
	struct writer payload_bytes, signature_bytes, chain_bytes;
	struct tobi_bytes payload, signature;
	struct tobi_bytes signed_bytes;		     /* of the input */
	struct tobi_bytes x5chain[LIMIT_COSE_CHAIN]; /* DER, leaf first, untrusted */
	size_t x5chain_count;
	EVP_PKEY *jwk; /* untrusted; or NULL */
};

/* Whether bytes begin and look as a JWS does: base64url of a JSON object, and two dots.
 */
bool jws_is(struct tobi_bytes bytes);
/* Errors: TOBI_E_MALFORMED, _LIMIT, _MEMORY; _UNSUPPORTED for an algorithm or a header
 * that is not known here. */
TOBI_MUST_USE enum tobi_err jws_parse(struct tobi_bytes bytes, const char *object,
				      struct jws *ret_jws, struct tobi_fault *fault);
void jws_done(struct jws *jws);
/* The key must be of the kind that alg names. TOBI_E_SIGNATURE when it does not verify.
 */
TOBI_MUST_USE enum tobi_err jws_verify(const struct jws *jws, EVP_PKEY *key,
				       const char *object, struct tobi_fault *fault);

struct jws_headers {
	const char *typ, *cty;		  /* or NULL */
	json_t *jwk;			  /* the signer's, borrowed; or NULL */
	const struct tobi_bytes *x5chain; /* DER, leaf first, or NULL */
	size_t x5chain_count;
};
/* Appends header.payload.signature. */
TOBI_MUST_USE enum tobi_err jws_write(struct writer *out,
				      const struct cose_signer *signer,
				      const struct jws_headers *headers,
				      struct tobi_bytes payload,
				      struct tobi_fault *fault);

/* A public key: EC on P-256, P-384 or P-521, OKP on Ed25519, RSA. What else a JWK says is
 * not read, but a private part is refused: whoever has it is not alone.
 * TOBI_E_MALFORMED, _UNSUPPORTED, _CRYPTO. EVP_PKEY_free() it. */
TOBI_MUST_USE enum tobi_err jwk_read(const json_t *jwk, const char *object,
				     EVP_PKEY **ret_key, struct tobi_fault *fault);
/* Of the public half, as RFC 7638 writes it; NULL for another kind of key than above, and
 * without memory. */
json_t *jwk_write(EVP_PKEY *key);

#endif
