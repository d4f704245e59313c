/* What a result says besides its verdict, over genuine evidence. */
#include "tests/check.h"

#include "appraise/appraise.h"
#include "tests/evidence.h"

static struct tobi_result *accepted(struct test_scene *scene)
{
	struct tobi_result *result = test_scene_appraise(scene);

	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	return result;
}

static void test_result_getters__strict_policy__no_allowance(void **state)
{
	struct tobi_result *result;
	struct test_scene scene;

	(void)state;
	test_scene_make(&scene);
	result = accepted(&scene);
	assert_string_equal(tobi_result_tier(result), "soft");
	assert_non_null(strstr(tobi_result_tier_meaning(result), "not root"));
	assert_non_null(strstr(tobi_result_identity(result), "owner"));
	assert_null(tobi_result_allowance(result, 0));
	tobi_result_free(result);
	test_scene_done(&scene);
}

static void test_result_getters__loose_policy__each_allowance_once(void **state)
{
	struct tobi_result *result;
	struct test_scene scene;

	(void)state;
	test_scene_make(&scene);
	scene.identity = "identity:\n  mode: any-instance\n";
	scene.more = "allow: [debug, no-nonce]\n";
	scene.claims.dbgstat = 0;
	scene.given_nonce = (struct tobi_bytes){0};
	result = accepted(&scene);
	assert_string_equal(tobi_result_identity(result), "any instance of this image");
	assert_non_null(strstr(tobi_result_allowance(result, 0), "DEBUG"));
	assert_non_null(strstr(tobi_result_allowance(result, 1), "NO NONCE"));
	assert_non_null(strstr(tobi_result_allowance(result, 2), "ANY INSTANCE"));
	assert_null(tobi_result_allowance(result, 3));
	assert_null(tobi_result_allowance(result, SIZE_MAX));
	tobi_result_free(result);
	test_scene_done(&scene);
}

static void test_result_getters__null_or_unexamined__empty(void **state)
{
	struct tobi_policy policy = {.name = "test"};
	struct tobi_result *result = NULL;

	(void)state;
	assert_int_equal(appraisal_new(&policy, TEST_NOW, &result, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(tobi_result_tier(i ? result : NULL), "");
		assert_string_equal(tobi_result_tier_meaning(i ? result : NULL), "");
		assert_string_equal(tobi_result_identity(i ? result : NULL), "");
		assert_null(tobi_result_allowance(i ? result : NULL, 0));
	}
	tobi_result_free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_result_getters__strict_policy__no_allowance),
	    cmocka_unit_test(test_result_getters__loose_policy__each_allowance_once),
	    cmocka_unit_test(test_result_getters__null_or_unexamined__empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
