/* The claims of a PSA token: those that break no rule are all there. */
#include "fuzz/fuzz.h"
#include "tee/psa_token.h"
#include "tests/psa_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct arm_claims *claims = arena_alloc(&arena, sizeof(*claims));
	struct tobi_fault fault = {0};
	struct arm_token token;
	bool known = psa_token_is(input), good = false;
	enum tobi_err err = arm_token_parse(input, "PSA token", &arena, &token, &fault);

	must(claims != NULL && fault.code == err);
	if (!err)
		err = psa_claims_read(token.payload, claims, &fault);
	if (!err && !claims->wrong[0]) {
		good = true;
		must(known);
		must(claims->values[ARM_INSTANCE].size == ARM_INSTANCE_SIZE);
		must(claims->values[ARM_NONCE].size >= 32);
		must(claims->has[ARM_CLIENT] && claims->has[ARM_LIFECYCLE]);
		must(claims->has[ARM_NO_COMPONENTS] != (claims->component_count > 0));
	}
	arena_done(&arena);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct test_psa psa;

	if (number >= 6)
		return FUZZ_NO_SEED;
	test_psa_make(&psa, (enum psa_generation)(number % 3));
	if (number == 3)
		test_psa_share_key(&psa);
	if (number == 4)
		test_claim_int(&psa.token, psa_labels[PSA_2].client, 0);
	if (number == 5)
		psa.token.components[0].value.size = 0;
	test_psa_write(&psa, out);
	test_psa_done(&psa);
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
