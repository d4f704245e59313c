/*
 * The binding of evidence to one TLS session (docs/PROTOCOL.md section 4.2): pure
 * functions over bytes, and an exporter that the caller supplies.
 *
 * Source: attested TLS, section 5.3; RFC 8446 section 7.5; RFC 5705 section 4.
 */
#ifndef TOBI_ATLS_BINDING_H
#define TOBI_ATLS_BINDING_H

#include "base/writer.h"
#include "pki/key.h"
#include "token/claims_buffer.h"

/* Where keying material comes from: a TLS session, or a test's stand-in. */
struct atls_exporter {
	/* Exactly 32 bytes for the label and the (present) context of 32 bytes. */
	enum tobi_err (*run)(void *context, const char *label,
			     const uint8_t over[static SHA256_SIZE],
			     uint8_t ret_key[static SHA256_SIZE],
			     struct tobi_fault *fault);
	void *context;
};

/* What the claims-buffer of one direction is made of. Everything is borrowed. */
struct atls_binding {
	enum tobi_role role;	 /* of the attester */
	struct tobi_bytes nonce; /* of the verifier, 32 bytes */
	const uint8_t *attester; /* SHA-256 of its SubjectPublicKeyInfo */
	const uint8_t *verifier; /* the same; NULL: it showed no certificate */
};

/* The exporter's label when the side of this role attests. */
const char *atls_binding_label(enum tobi_role attester);

/*
 * EKM for the attester's role over ctx = SHA-256(OFFER frame, ANSWER frame). Fails
 * closed: TOBI_E_CRYPTO when the exporter fails or gives zeros only. The key is secret:
 * wipe it.
 */
TOBI_MUST_USE enum tobi_err atls_binding_export(const struct atls_exporter *exporter,
						enum tobi_role attester,
						const uint8_t ctx[static SHA256_SIZE],
						uint8_t ret_ekm[static SHA256_SIZE],
						struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err atls_binding_binder(const struct atls_binding *binding,
						const uint8_t ekm[static SHA256_SIZE],
						uint8_t ret_binder[static SHA256_SIZE],
						struct tobi_fault *fault);
/*
 * Export, binder and claims-buffer in one: what an attester quotes, and what a verifier
 * expects. Appended to out.
 */
TOBI_MUST_USE enum tobi_err atls_binding_claims(const struct atls_binding *binding,
						const struct atls_exporter *exporter,
						const uint8_t ctx[static SHA256_SIZE],
						struct writer *out,
						struct tobi_fault *fault);

#endif
