/* AES-256-GCM (NIST SP 800-38D) with a fresh random nonce: nonce (12), text, tag (16). */
#ifndef TOBI_BROKER_KEYRING_AEAD_H
#define TOBI_BROKER_KEYRING_AEAD_H

#include "base/secret.h"
#include "base/writer.h"

enum { AEAD_KEY = 32, AEAD_NONCE = 12, AEAD_TAG = 16, AEAD_MORE = AEAD_NONCE + AEAD_TAG };

/* Appends. */
TOBI_MUST_USE enum tobi_err aead_seal(const uint8_t key[static AEAD_KEY],
				      struct tobi_bytes bound, struct tobi_bytes plain,
				      struct writer *out, struct tobi_fault *fault);
/* Into sealed.size - AEAD_MORE bytes, of which none is left when it fails.
 * TOBI_E_SIGNATURE: another key, or changed; TOBI_E_TRUNCATED. */
TOBI_MUST_USE enum tobi_err aead_open(const uint8_t key[static AEAD_KEY],
				      struct tobi_bytes bound, struct tobi_bytes sealed,
				      uint8_t *ret_plain, struct tobi_fault *fault);

#endif
