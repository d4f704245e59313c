/*
 * The key that signs tokens and log heads, made of the store keys: for a broker that has
 * no file to keep one in, as in an enclave. All brokers of the database have the same,
 * and rotation of the store keys does not change it.
 */
#ifndef TOBI_BROKER_TOKEN_KEY_H
#define TOBI_BROKER_TOKEN_KEY_H

#include "broker/keyring.h"
#include "pki/key.h"

/* P-256. Errors: those of keyring_derive(), TOBI_E_CRYPTO, _MEMORY. */
TOBI_MUST_USE enum tobi_err token_key_derive(struct keyring *keyring, EVP_PKEY **ret_key,
					     struct tobi_fault *fault);

#endif
