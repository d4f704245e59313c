/* What is accepted borrows only from the input, and a second parse agrees. */
#include <stdlib.h>

#include "token/claims_buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct tobi_bytes part, const uint8_t *data, size_t size)
{
	if (part.size && (part.ptr < data || part.size > size ||
			  (size_t)(part.ptr - data) > size - part.size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct claims_buffer claims;

	if (claims_buffer_parse((struct tobi_bytes){data, size}, &claims, NULL))
		return 0;
	inside(claims.nonce, data, size);
	inside(claims.pubkey_hash, data, size);
	inside(claims.binding, data, size);
	if (claims.pubkey_hash.size != 32)
		abort();
	return 0;
}
