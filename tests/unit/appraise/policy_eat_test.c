/* The section eat of a policy: each rule refuses alone. */
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/token_scene.h"

static struct tobi_result *with(const char *more)
{
	struct token_scene scene;
	struct tobi_result *result;

	token_scene_eat(&scene);
	scene.more = more;
	result = token_scene_appraise(&scene);
	token_scene_done(&scene);
	return result;
}

static struct tobi_result *of_profile(const char *profile, const char *more)
{
	struct token_scene scene;
	struct tobi_result *result;

	token_scene_eat(&scene);
	scene.more = more;
	if (profile)
		json_object_set_new(scene.claims, "eat_profile", json_string(profile));
	else
		json_object_del(scene.claims, "eat_profile");
	result = token_scene_appraise(&scene);
	token_scene_done(&scene);
	return result;
}

static void test_policy_eat__all_that_it_says__accepts(void **state)
{
	(void)state;
	expect_accepted(with("eat:\n  sw-names: [firmware, other]\n  issuers: [maker]\n"
			     "  hw-models: [6d6f64656c]\n  oem-ids: [\"4711\"]\n"
			     "  profiles: [\"urn:ietf:rfc:rfc9711\"]\n"));
	expect_accepted(with("eat:\n  hw-models: [6d6f64656c]\n"));
}

static void test_policy_eat__profile__named_or_the_standard_one(void **state)
{
	static const char plain[] = "eat:\n  sw-names: [firmware]\n";
	static const char named[] = "eat:\n  sw-names: [firmware]\n  profiles: [mine]\n";

	(void)state;
	expect_accepted(of_profile("mine", named));
	FAILS("POLICY-EAT-PROFILE", of_profile("mine", plain));
	FAILS("POLICY-EAT-PROFILE", of_profile(NULL, plain));
	FAILS("POLICY-EAT-PROFILE", of_profile(NULL, named));
	FAILS("POLICY-EAT-PROFILE", of_profile("urn:ietf:rfc:rfc9711", named));
}

static void test_policy_eat__each_rule__refuses_alone(void **state)
{
	(void)state;
	FAILS("POLICY-EAT-SOFTWARE", with("eat:\n  sw-names: [other]\n"));
	FAILS("POLICY-EAT-ISSUER",
	      with("eat:\n  sw-names: [firmware]\n  issuers: [other]\n"));
	FAILS("POLICY-EAT-MODEL", with("eat:\n  hw-models: [\"00\"]\n"));
	FAILS("POLICY-EAT-MODEL",
	      with("eat:\n  sw-names: [firmware]\n  oem-ids: [\"4712\"]\n"));
	FAILS("POLICY-EAT-SUBMODS",
	      with("eat:\n  sw-names: [firmware]\n  submods: [gpu]\n"));
}

static void test_policy_eat__nothing_named__not_a_policy(void **state)
{
	static const char yaml[] =
	    "version: 1\ntiers: [eat]\nidentity: {mode: any-instance}\n"
	    "eat:\n  issuers: [maker]\n";
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(tobi_policy_parse(text_bytes(yaml), "test", &policy, &fault),
			 TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "images");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_eat__all_that_it_says__accepts),
	    cmocka_unit_test(test_policy_eat__profile__named_or_the_standard_one),
	    cmocka_unit_test(test_policy_eat__each_rule__refuses_alone),
	    cmocka_unit_test(test_policy_eat__nothing_named__not_a_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
