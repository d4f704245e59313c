/* ECDSA signatures as hardware writes them: two numbers of fixed size. */
#ifndef TOBI_PKI_SIGNATURE_H
#define TOBI_PKI_SIGNATURE_H

#include "pki/verifying.h"

enum { ECDSA_NUMBER_MAX = 66, ECDSA_DER_MAX = 2 * (ECDSA_NUMBER_MAX + 3) + 3 };

/* The size of the signature as OpenSSL reads it: a sequence of r and s, big-endian, which
 * may begin with zeros. 0: a number is longer than ECDSA_NUMBER_MAX. */
size_t ecdsa_to_der(struct tobi_bytes r, struct tobi_bytes s,
		    uint8_t ret_der[static ECDSA_DER_MAX]);
/* A public key of a curve from its point, x and y big-endian, 32 (P-256) or 48 bytes
 * (P-384) each. TOBI_E_MALFORMED for a point that is not on the curve. */
TOBI_MUST_USE enum tobi_err ec_key_read(enum key_kind kind, struct tobi_bytes point,
					const char *object, EVP_PKEY **ret_key,
					struct tobi_fault *fault);
/* The same from the point as SEC 1 writes it, not compressed: 04, x, y; 65 bytes for
 * P-256, 97 for P-384, 133 for P-521. TOBI_E_MALFORMED for anything else, too. */
TOBI_MUST_USE enum tobi_err ec_key_read_sec1(struct tobi_bytes point, const char *object,
					     EVP_PKEY **ret_key,
					     struct tobi_fault *fault);
/* Whether the key, which must be of P-256 for 64 bytes and of P-384 for 96, signed
 * exactly message: r and s big-endian, over SHA-256 and SHA-384. */
bool ec_signature_holds(EVP_PKEY *key, struct tobi_bytes message,
			struct tobi_bytes signature);
/* The same by what verifying_make() has set up for ECDSA. */
bool ec_signature_holds_by(const struct verifying *verifying, struct tobi_bytes message,
			   struct tobi_bytes signature);

#endif
