/*
 * The data of a paravisor that a hardware's report has the hash of: the keys of the
 * virtual TPM, how the machine is set up, and what its user has put in. JSON.
 *
 * Source: docs/PROTOCOL.md section 14.12; keys as in RFC 7517.
 */
#ifndef TOBI_TEE_AZURE_DATA_H
#define TOBI_TEE_AZURE_DATA_H

#include "codec/json.h"
#include "pki/key.h"
#include "tee/azure_claims.h"
#include "tee/tee.h"

enum { AZURE_KEYS_MAX = 8 };

struct azure_data {
	json_t *json;		     /* owned */
	const json_t *key;	     /* named HCLAkPub; NULL: none */
	size_t key_count;	     /* of that name */
	const json_t *configuration; /* an object */
	struct azure_claims claims;  /* texts and bytes are in the arena */
};

/* Errors: TOBI_E_MALFORMED for what is not of this form, _LIMIT, _MEMORY. */
TOBI_MUST_USE enum tobi_err azure_data_read(struct tobi_bytes bytes, struct arena *arena,
					    struct azure_data *ret_data,
					    struct tobi_fault *fault);
void azure_data_done(struct azure_data *data);
/* The key of the virtual TPM: RSA of 2048 to 4096 bits, exponent 65537. Errors:
 * TOBI_E_MALFORMED, _UNSUPPORTED, _CRYPTO. */
TOBI_MUST_USE enum tobi_err azure_data_key(const struct azure_data *data,
					   EVP_PKEY **ret_key, struct tobi_fault *fault);
/* How the machine is set up, each member as it is. */
void azure_data_facts(const struct azure_data *data, struct arena *arena,
		      struct tee_claims *claims);

#endif
