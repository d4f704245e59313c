/* What the providers of the root of trust share. */
#ifndef TOBI_ROOT_PROVIDER_H
#define TOBI_ROOT_PROVIDER_H

#include "base/secret.h"
#include "pki/chain.h"
#include "root/root.h"

struct root {
	const char *kind;
	EVP_PKEY *key;	    /* the platform key */
	struct secret seal; /* the seal root */
	struct writer chain_bytes, owner_bytes;
	struct tobi_bytes chain[LIMIT_COSE_CHAIN];
	size_t chain_count;
	struct tobi_bytes owner_chain[LIMIT_COSE_CHAIN];
	size_t owner_count;
	uint8_t ueid[33];
};

extern const struct root_provider root_file_provider;

#endif
