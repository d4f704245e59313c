/* What only SGX says of an enclave, for the section "sgx" of a policy. */
#ifndef TOBI_TEE_SGX_CLAIMS_H
#define TOBI_TEE_SGX_CLAIMS_H

#include <stdbool.h>

#include "tobichi/bytes.h"

struct sgx_claims {
	uint64_t flags; /* of the attributes: SGX_DEBUG, ... */
	uint64_t xfrm;
	bool kss; /* the fields below mean something */
	uint16_t config_svn;
	struct tobi_bytes family, ext_product; /* 16 each */
};

#endif
