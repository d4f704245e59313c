/* A collection that is read is known by its start, and has claims of both tokens; those
 * that break no rule are all there. */
#include "fuzz/fuzz.h"
#include "tee/cca_token.h"
#include "tests/cca_scene.h"

static bool is_right(const struct cca_claims *claims)
{
	const struct arm_claims *platform = &claims->platform, *realm = &claims->realm;

	if (platform->wrong[0] || realm->wrong[0])
		return false;
	must(platform->values[ARM_INSTANCE].size == ARM_INSTANCE_SIZE);
	must(platform->values[ARM_IMPLEMENTATION].size == ARM_IMPLEMENTATION_SIZE);
	must(platform->component_count > 0);
	must(realm->values[ARM_NONCE].size == CCA_CHALLENGE_SIZE);
	must(realm->values[ARM_KEY].size > 0);
	for (size_t i = 0; i < CCA_REMS; i++)
		must(realm->rems[i].size == realm->values[ARM_RIM].size);
	return true;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct cca_claims *claims = arena_alloc(&arena, sizeof(*claims));
	struct tobi_fault fault = {0};
	struct cca_token token;
	bool good = false;
	enum tobi_err err = cca_token_parse(input, &arena, &token, &fault);

	must(claims != NULL && fault.code == err);
	if (!err) {
		must(cca_token_is(input));
		must_be_inside(token.platform_bytes, input);
		err = cca_claims_read(&token, claims, &fault);
		good = !err && is_right(claims);
	}
	arena_done(&arena);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct test_cca cca;

	if (number >= 5)
		return FUZZ_NO_SEED;
	test_cca_make(&cca, (enum cca_generation)(number % 3));
	cca.indicator = number == 2 ? 4 : 0;
	if (number == 3)
		cca.without_realm = true;
	if (number == 4)
		test_claim_remove(&cca.realm, 44238);
	test_cca_write(&cca, out);
	test_cca_done(&cca);
	return number < 3 ? FUZZ_GOOD : FUZZ_BAD;
}
