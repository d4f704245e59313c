/*
 * Protection of what is stored: each secret is sealed under a data key of its own, data
 * keys are wrapped by a store key, and store keys by a provider outside of the database:
 * a file, PKCS#11, a TPM, Vault's transit engine, or the enclave in which the broker
 * runs. Whoever has the database alone opens nothing.
 *
 * Store keys have generations: rotation makes a new one, which all new seals use; older
 * ones open what they sealed until keyring_rewrap() has moved it.
 */
#ifndef TOBI_BROKER_KEYRING_H
#define TOBI_BROKER_KEYRING_H

#include "base/secret.h"
#include "base/writer.h"
#include "db/db.h"

struct keyring;

/*
 * location: "file:PATH" (0600; made by keyring_init()), "pkcs11:MODULE?token=LABEL",
 * "tpm:TCTI", "vault:URL/KEY" (token in pin_file), "enclave:" (the agent's socket);
 * docs/BROKER.md has each.
 * Errors: TOBI_E_NOT_FOUND when the provider has not the key that the database's store
 * keys were wrapped by (the fault names it and says that without it nothing can be
 * opened), TOBI_E_MISMATCH (another key), TOBI_E_DENIED, TOBI_E_SYSTEM (the device or the
 * server is away).
 */
TOBI_MUST_USE enum tobi_err keyring_open(struct db *db, const char *location,
					 const char *pin_file,
					 struct keyring **ret_keyring,
					 struct tobi_fault *fault);
void keyring_free(struct keyring *keyring);
/* Makes wrap key and first store key. TOBI_E_EXISTS. */
TOBI_MUST_USE enum tobi_err keyring_init(struct db *db, const char *location,
					 const char *pin_file, struct tobi_fault *fault);

/*
 * AES-256-GCM under a fresh data key; context (which resource, version, owner) must be
 * given again to open. Appends a self-contained blob that names the generation.
 */
TOBI_MUST_USE enum tobi_err keyring_seal(struct keyring *keyring,
					 struct tobi_bytes context,
					 struct tobi_bytes plain, struct writer *out,
					 struct tobi_fault *fault);
/* TOBI_E_SIGNATURE when blob or context were changed; TOBI_E_NOT_FOUND for a generation
 * that is not there. */
TOBI_MUST_USE enum tobi_err keyring_open_blob(struct keyring *keyring,
					      struct tobi_bytes context,
					      struct tobi_bytes blob,
					      struct secret *ret_plain,
					      struct tobi_fault *fault);
/* A key of this broker's for a purpose, the same on each broker of the database: 32
 * bytes. For challenges, cookies, one-time tokens. */
TOBI_MUST_USE enum tobi_err keyring_derive(struct keyring *keyring, const char *purpose,
					   uint8_t ret_key[static 32],
					   struct tobi_fault *fault);

/* A new generation; other brokers of the database take it when they next look. */
TOBI_MUST_USE enum tobi_err keyring_rotate(struct keyring *keyring,
					   uint64_t *ret_generation,
					   struct tobi_fault *fault);
/* The same plain text under the present generation; blob unchanged when it is there. */
TOBI_MUST_USE enum tobi_err keyring_rewrap(struct keyring *keyring,
					   struct tobi_bytes context,
					   struct tobi_bytes blob, struct writer *out,
					   bool *ret_changed, struct tobi_fault *fault);
/*
 * The same store keys, wrapped anew by another provider, which is made as by
 * keyring_init(): secrets are not touched. Other brokers go on with what they have in
 * memory, fail keyring_check() from now on, and are started with the new location.
 * No other thread may use this keyring meanwhile.
 */
TOBI_MUST_USE enum tobi_err keyring_move(struct keyring *keyring, const char *location,
					 const char *pin_file, struct tobi_fault *fault);
/* Whether the provider answers, for readiness. */
TOBI_MUST_USE enum tobi_err keyring_check(struct keyring *keyring,
					  struct tobi_fault *fault);

#endif
