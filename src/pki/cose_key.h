/* COSE_Key (RFC 9052 section 7; RFC 9053 section 7; RFC 8230 section 4): public keys. In
 * a token's claims they are read as a JWK is, by token/claims_tree.h. */
#ifndef TOBI_PKI_COSE_KEY_H
#define TOBI_PKI_COSE_KEY_H

#include "base/writer.h"
#include "pki/key.h"

/* EC2 of P-256, P-384 or P-521 with both coordinates, or OKP of Ed25519; an algorithm, if
 * one is named, must be the curve's. Other labels are passed over. EVP_PKEY_free() it.
 * Errors: the decoder's; TOBI_E_UNSUPPORTED for another kind of key; TOBI_E_MALFORMED for
 * what is no point; _MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err cose_key_read(struct tobi_bytes item, const char *object,
					  EVP_PKEY **ret_key, struct tobi_fault *fault);
/* Appended, in deterministic encoding: EC2, OKP (Ed25519), RSA. TOBI_E_UNSUPPORTED. */
TOBI_MUST_USE enum tobi_err cose_key_write(struct writer *out, EVP_PKEY *key);

#endif
