/* Claims that are read are written again as the same bytes: there is one encoding. */
#include "fuzz/fuzz.h"
#include "token/soft_token.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct writer out = wr_init(input.size);
	struct soft_claims claims;
	struct tobi_fault fault = {0};

	if (soft_claims_parse(input, &claims, &fault)) {
		must(fault.code && fault.has_offset && fault.offset <= input.size);
		return false;
	}
	must(claims.signer_count <= LIMIT_SIGNERS);
	soft_claims_write(&out, &claims);
	must(bytes_equal(wr_view(&out), input));
	wr_done(&out);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const uint8_t some[48] = {1, 2, 3};
	const struct tobi_bytes hash = {some, 48};
	struct soft_claims claims = {
	    .issued = 1900000000,
	    .nonce = {some, 32},
	    .ueid = {some, 33},
	    .profile = text_of(SOFT_PROFILE),
	    .swname = text_of("tobichid"),
	    .swversion = text_of("0"),
	    .tier = text_of("soft"),
	    .image_id = hash,
	    .signers = {hash, hash},
	    .signer_count = number,
	    .config_id = hash,
	    .product = 7,
	    .svn = 1000,
	    .agent = hash,
	    .service = hash,
	    .protections = UINT64_MAX,
	    .instance = {some, 16},
	    .root_kind = text_of("file"),
	    .owner = number ? hash : (struct tobi_bytes){0},
	    .tpm = number > 1 ? hash : (struct tobi_bytes){0},
	};

	if (number > 2)
		return FUZZ_NO_SEED;
	soft_claims_write(out, &claims);
	return FUZZ_GOOD;
}
