/*
 * What binds evidence to a session and to a key of the attester: a hash over canonical
 * JSON (docs/PROTOCOL.md section 18.1.3), which the evidence carries as its nonce. And
 * that key, to which secrets are encrypted.
 */
#ifndef TOBI_BROKER_KBS_BINDING_H
#define TOBI_BROKER_KBS_BINDING_H

#include <jansson.h>

#include "pki/key.h"

enum { KBS_HASH_SIZE = SHA384_SIZE, KBS_REPORT_DATA_SIZE = 64, KBS_SHORT_SIZE = 32 };

/*
 * The attester's key: EC on P-256, P-384 or P-521 with "alg" ECDH-ES+A256KW, RSA of 2048
 * bits or more with RSA-OAEP-256. RSA1_5 is refused: who asks this broker often enough
 * may open what is encrypted so. Errors: TOBI_E_MALFORMED, _UNSUPPORTED, _CRYPTO.
 */
TOBI_MUST_USE enum tobi_err kbs_key_read(const json_t *jwk, EVP_PKEY **ret_key,
					 struct tobi_fault *fault);
/*
 * Of the primary evidence: SHA-384 over {"additional-evidence", "nonce", "tee-pubkey"},
 * of which the key is hashed as it was received. In 64 bytes, the rest zero. Errors:
 * those of jcs_write(), TOBI_E_CRYPTO.
 */
TOBI_MUST_USE enum tobi_err
kbs_binding_primary(const char *nonce, const json_t *jwk, const char *additional,
		    uint8_t ret_data[static KBS_REPORT_DATA_SIZE],
		    struct tobi_fault *fault);
/* Of each device beside: the same without "additional-evidence". */
TOBI_MUST_USE enum tobi_err
kbs_binding_devices(const char *nonce, const json_t *jwk,
		    uint8_t ret_data[static KBS_REPORT_DATA_SIZE],
		    struct tobi_fault *fault);

#endif
