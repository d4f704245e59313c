/*
 * A sealed secret as the database has it (docs/PROTOCOL.md section 18.5): which
 * generation, a data key that is used once, wrapped by that generation's store key, and
 * the secret under it. What the caller says of the secret (context) is bound to both.
 */
#ifndef TOBI_BROKER_KEYRING_BLOB_H
#define TOBI_BROKER_KEYRING_BLOB_H

#include "broker/keyring_aead.h"

enum {
	BLOB_VERSION = 1,
	BLOB_HEADER = 1 + 8,
	BLOB_WRAPPED = AEAD_KEY + AEAD_MORE,
	BLOB_MORE = BLOB_HEADER + BLOB_WRAPPED + AEAD_MORE,
};

struct keyring_blob {
	uint64_t generation; /* from 1 */
	struct tobi_bytes header, wrapped, body;
};

/* Borrows. TOBI_E_TRUNCATED, _UNSUPPORTED (another version), _MALFORMED, _LIMIT. */
TOBI_MUST_USE enum tobi_err keyring_blob_parse(struct tobi_bytes bytes,
					       struct keyring_blob *ret_blob,
					       struct tobi_fault *fault);
/* Appends. TOBI_E_LIMIT: over LIMIT_KEYRING_PLAIN. */
TOBI_MUST_USE enum tobi_err keyring_blob_seal(uint64_t generation,
					      const uint8_t store_key[static AEAD_KEY],
					      struct tobi_bytes context,
					      struct tobi_bytes plain, struct writer *out,
					      struct tobi_fault *fault);
/* TOBI_E_SIGNATURE: another key, another context, or changed. */
TOBI_MUST_USE enum tobi_err keyring_blob_open(const struct keyring_blob *blob,
					      const uint8_t store_key[static AEAD_KEY],
					      struct tobi_bytes context,
					      struct secret *ret_plain,
					      struct tobi_fault *fault);

#endif
