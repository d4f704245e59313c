/* COSE_Key (RFC 9052 section 7): public keys, written. They are read as a JWK is, by
 * token/claims_tree.h. */
#ifndef TOBI_CODEC_COSE_KEY_H
#define TOBI_CODEC_COSE_KEY_H

#include <openssl/evp.h>

#include "base/writer.h"

/* Appended, in deterministic encoding: EC2, OKP (Ed25519), RSA. TOBI_E_UNSUPPORTED. */
TOBI_MUST_USE enum tobi_err cose_key_write(struct writer *out, EVP_PKEY *key);

#endif
