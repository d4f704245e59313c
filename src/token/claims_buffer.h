/* The claims-buffer of CCC interoperable RA-TLS (docs/PROTOCOL.md sections 3.2, 4.2). */
#ifndef TOBI_TOKEN_CLAIMS_BUFFER_H
#define TOBI_TOKEN_CLAIMS_BUFFER_H

#include "base/writer.h"

/* IANA named information hash algorithms. Tobichi writes SHA-256 only. */
enum claims_hash { CLAIMS_SHA256 = 1, CLAIMS_SHA384 = 7, CLAIMS_SHA512 = 8 };

enum tobi_role { TOBI_ROLE_CLIENT = 1, TOBI_ROLE_SERVER = 2 };

/*
 * nonce may be empty (left out); binder is 32 bytes, or empty outside a session.
 */
void claims_buffer_write(struct writer *out, struct tobi_bytes nonce,
			 const uint8_t spki_sha256[static 32], enum tobi_role role,
			 struct tobi_bytes binder);

struct claims_buffer {
	struct tobi_bytes nonce;       /* may be empty */
	struct tobi_bytes pubkey_hash; /* of the SubjectPublicKeyInfo, as long as: */
	enum claims_hash hash;
	struct tobi_bytes binding; /* the "tobichi-atls" value, or empty */
};
/* Any key order, no duplicates, other keys ignored (as CCC says). */
TOBI_MUST_USE enum tobi_err claims_buffer_parse(struct tobi_bytes bytes,
						struct claims_buffer *ret_claims,
						struct tobi_fault *fault);

#endif
