/* What is accepted borrows only from the input, and has a hash of the right size. */
#include "fuzz/fuzz.h"
#include "token/claims_buffer.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct claims_buffer claims;

	if (claims_buffer_parse(input, &claims, NULL))
		return false;
	must_be_inside(claims.nonce, input);
	must_be_inside(claims.pubkey_hash, input);
	must_be_inside(claims.binding, input);
	must(claims.pubkey_hash.size == (claims.hash == CLAIMS_SHA256	? 32
					 : claims.hash == CLAIMS_SHA384 ? 48
									: 64));
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const uint8_t some[32] = {1, 2, 3};
	const struct tobi_bytes all = {some, sizeof(some)}, none = {0};

	if (number > 2)
		return FUZZ_NO_SEED;
	claims_buffer_write(out, number ? all : none, some, TOBI_ROLE_SERVER,
			    number > 1 ? all : none);
	return FUZZ_GOOD;
}
