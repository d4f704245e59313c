/* Keys in a CoRIM: what its tags 554, 555, 558 and 562 hold, as keys that verify. */
#ifndef TOBI_CORIM_KEY_H
#define TOBI_CORIM_KEY_H

#include "base/writer.h"
#include "corim/corim.h"
#include "pki/key.h"

/* The public key itself. EVP_PKEY_free() it. Errors: TOBI_E_UNSUPPORTED for a thumbprint,
 * a path, an identifier, or another kind of key; TOBI_E_MALFORMED, _MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err corim_key_open(const struct corim_key *key,
					   const char *object, EVP_PKEY **ret_key,
					   struct tobi_fault *fault);
/* Whether it names this key: by itself, by its certificate, or by its thumbprint. */
bool corim_key_is(const struct corim_key *key, EVP_PKEY *other);

#endif
