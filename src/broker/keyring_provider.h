/*
 * Who wraps store keys: one const row for each provider, one open provider for a keyring.
 * What a provider is given is 44 bytes; what it makes of them lies in the database, and
 * only it (its file, its device, its server) makes them of it again.
 */
#ifndef TOBI_BROKER_KEYRING_PROVIDER_H
#define TOBI_BROKER_KEYRING_PROVIDER_H

#include "base/secret.h"
#include "base/writer.h"

enum { KEY_ID_MAX = 255 };

struct key_provider_ops;

/* Providers have one of these first in a structure of their own. */
struct key_provider {
	const struct key_provider_ops *ops;
	/* Which wrap key, for people and to tell one from another: never secret. */
	char id[KEY_ID_MAX + 1];
};

struct key_provider_ops {
	const char *kind; /* "file": of a location "file:..." */
	/*
	 * place: the location behind the kind. make: where there is no wrap key yet one
	 * is made. wanted: the id that the database's store keys were wrapped by; NULL
	 * when there are none. TOBI_E_NOT_FOUND: it is not there; TOBI_E_MISMATCH:
	 * another is.
	 */
	enum tobi_err (*open)(const char *place, const char *pin_file, const char *wanted,
			      struct key_provider **ret_provider,
			      struct tobi_fault *fault);
	void (*close)(struct key_provider *provider);
	/* Both may be called by several threads. wrap appends. */
	enum tobi_err (*wrap)(struct key_provider *provider, struct tobi_bytes plain,
			      struct writer *out, struct tobi_fault *fault);
	/* TOBI_E_SIGNATURE: changed, or not of this key. */
	enum tobi_err (*unwrap)(struct key_provider *provider, struct tobi_bytes wrapped,
				struct secret *ret_plain, struct tobi_fault *fault);
};

extern const struct key_provider_ops key_provider_file, key_provider_pkcs11,
    key_provider_tpm, key_provider_vault, key_provider_enclave;

/* By a location. TOBI_E_ARGUMENT: of no known kind; the fault lists them. */
TOBI_MUST_USE enum tobi_err key_provider_open(const char *location, const char *pin_file,
					      const char *wanted,
					      struct key_provider **ret_provider,
					      struct tobi_fault *fault);
/* Accepts NULL. */
void key_provider_close(struct key_provider *provider);
/* "file:" and what is behind it, apart; NULL: of no known kind. */
const struct key_provider_ops *key_provider_find(const char *location,
						 const char **ret_place);

#endif
