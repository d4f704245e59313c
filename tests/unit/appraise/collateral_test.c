/* Whose choice of vendors' documents counts: POLICY-COLLATERAL. */
#include "appraise/appraise.h"
#include "base/hex.h"
#include "collateral/bundle.h"
#include "tests/check.h"
#include "tests/evidence.h"
#include "tests/vendor_scene.h"

#include <stdlib.h>

/* A policy that names this signer of bundles, or none, and what it says of the set. */
static struct tobi_result *appraise(EVP_PKEY *named, const struct tobi_collateral *set)
{
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_EVIDENCE);
	struct tobi_verify_request request = {.time = TEST_NOW, .collateral = set};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	struct test_scene scene;
	char more[256] = "", id[2 * SHA384_SIZE + 1];
	uint8_t signer[SHA384_SIZE];

	test_scene_make(&scene);
	if (named) {
		assert_int_equal(key_spki_sha384(named, signer, NULL), 0);
		hex_write((struct tobi_bytes){signer, sizeof(signer)}, id, sizeof(id));
		snprintf(more, sizeof(more), "collateral: {signers: [\"%s\"]}\n", id);
		scene.more = more;
	}
	test_scene_policy(&scene, &yaml);
	test_scene_evidence(&scene, &evidence);
	request.evidence = wr_view(&evidence);
	request.nonce = scene.given_nonce;
	if (tobi_policy_parse(wr_view(&yaml), "scene.yaml", &policy, &fault) ||
	    tobi_verify(policy, &request, &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	tobi_policy_free(policy);
	wr_done(&yaml);
	wr_done(&evidence);
	test_scene_done(&scene);
	return result;
}

static enum tobi_outcome outcome_of(const struct tobi_result *result)
{
	const struct tobi_check_result *line;

	for (size_t i = 0; (line = tobi_result_check(result, i)); i++) {
		if (strcmp(line->code, "POLICY-COLLATERAL") == 0)
			return line->outcome;
	}
	fail_msg("the row is not there");
	return TOBI_NOT_RUN;
}

static struct tobi_collateral *loose_set(void)
{
	struct vendor_scene vendor;
	struct tobi_collateral *set = tobi_collateral_new();

	vendor_scene_make(&vendor, TEST_NOW);
	assert_int_equal(tobi_collateral_add(set, wr_view(&vendor.amd_crl), "f", NULL),
			 0);
	vendor_scene_done(&vendor);
	return set;
}

static struct tobi_collateral *bundled_set(EVP_PKEY *key)
{
	struct tobi_collateral *loose = loose_set(), *set = tobi_collateral_new();
	struct writer bundle = wr_init(64 << 10);

	assert_int_equal(bundle_write(loose, key, TEST_NOW, &bundle, NULL), 0);
	assert_int_equal(tobi_collateral_add(set, wr_view(&bundle), "f", NULL), 0);
	tobi_collateral_free(loose);
	wr_done(&bundle);
	return set;
}

struct keys {
	EVP_PKEY *named, *other;
};

static struct keys make_keys(void)
{
	struct keys keys = {0};

	assert_int_equal(key_new(KEY_P384, &keys.named, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &keys.other, NULL), 0);
	return keys;
}

static void keys_done(struct keys *keys)
{
	EVP_PKEY_free(keys->named);
	EVP_PKEY_free(keys->other);
}

#define FAILS(code, make)                                                                \
	{                                                                                \
		code, make                                                               \
	}

/* Loose files, and another's bundle. */
static void test_collateral__of_nobody_named__refuses_alone(void **state)
{
	struct keys keys = make_keys();
	struct {
		const char *code;
		struct tobi_collateral *set;
	} cases[] = {
	    FAILS("POLICY-COLLATERAL", loose_set()),
	    FAILS("POLICY-COLLATERAL", bundled_set(keys.other)),
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tobi_result *result = appraise(keys.named, cases[i].set);
		const struct tobi_check_result *line;

		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		for (size_t n = 0; (line = tobi_result_check(result, n)); n++) {
			if (line->outcome == TOBI_FAILED)
				assert_string_equal(line->code, cases[i].code);
		}
		assert_int_equal(outcome_of(result), TOBI_FAILED);
		tobi_result_free(result);
		tobi_collateral_free(cases[i].set);
	}
	keys_done(&keys);
}

static void test_collateral__of_who_is_named__passes(void **state)
{
	struct keys keys = make_keys();
	struct tobi_collateral *set = bundled_set(keys.named), *loose = loose_set();
	struct tobi_result *result;

	(void)state;
	assert_int_equal(collateral_put(set, collateral_at(loose, 0), NULL), 0);
	result = appraise(keys.named, set);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_int_equal(outcome_of(result), TOBI_PASSED);
	/* The loose one beside it was not counted. */
	assert_int_equal(result->collateral_given, 2);
	assert_int_equal(result->collateral_counted, 1);
	tobi_result_free(result);
	tobi_collateral_free(set);
	tobi_collateral_free(loose);
	keys_done(&keys);
}

static void test_collateral__nobody_named_or_none_given__is_not_asked(void **state)
{
	struct keys keys = make_keys();
	struct tobi_collateral *sets[] = {loose_set(), bundled_set(keys.other), NULL};
	struct tobi_result *result;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		result = appraise(NULL, sets[i]);
		assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
		assert_int_equal(outcome_of(result), TOBI_NOT_ASKED);
		tobi_result_free(result);
		tobi_collateral_free(sets[i]);
	}
	result = appraise(keys.named, NULL);
	assert_int_equal(outcome_of(result), TOBI_NOT_ASKED);
	tobi_result_free(result);
	keys_done(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_collateral__of_nobody_named__refuses_alone),
	    cmocka_unit_test(test_collateral__of_who_is_named__passes),
	    cmocka_unit_test(test_collateral__nobody_named_or_none_given__is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
