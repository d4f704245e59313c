/* The section psa of a policy: each key is asked, refuses alone, and is read strictly. */
#include "appraise/policy_psa.h"
#include "tests/alone.h"
#include "tests/psa_scene.h"

#define ID_1A "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"
#define ID_1B "1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b"
#define INSTANCE "011d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
#define OTHER "011e1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
#define SIGNER "5151515151515151515151515151515151515151515151515151515151515151"
#define ANY "  components:\n    - signer: \"" SIGNER "\"\n"

typedef void (*change_fn)(struct test_psa *psa);

static struct tobi_result *appraise(enum psa_generation generation, const char *section,
				    change_fn change)
{
	struct test_psa psa;
	struct tobi_result *result;

	test_psa_make(&psa, generation);
	psa.section = section;
	if (change)
		change(&psa);
	result = test_psa_appraise(&psa);
	test_psa_done(&psa);
	return result;
}

static void accepts(const char *section, change_fn change)
{
	expect_accepted(appraise(PSA_TFM, section, change));
}

static void is_of_assembly(struct test_psa *psa)
{
	test_claim_int(&psa->token, 2395, 0x1000);
}
static void is_debugged(struct test_psa *psa)
{
	test_claim_int(&psa->token, 2395, 0x5000);
}

static void test_policy_psa__lifecycle(void **state)
{
	struct tobi_result *result = appraise(PSA_TFM, ANY, is_debugged);

	(void)state;
	ALSO_FAILS("POLICY-PSA-LIFECYCLE", result);
	ALSO_FAILS("POLICY-DEBUG", result);
	tobi_result_free(result);
	FAILS("POLICY-PSA-LIFECYCLE", appraise(PSA_TFM, ANY, is_of_assembly));
	accepts(ANY "  lifecycle: [assembly]\n", is_of_assembly);
}

static void test_policy_psa__ids(void **state)
{
	(void)state;
	accepts(ANY "  implementation-ids: [\"" ID_1A "\"]\n", NULL);
	FAILS("POLICY-PSA-IMPLEMENTATION",
	      appraise(PSA_TFM, ANY "  implementation-ids: [\"" ID_1B "\"]\n", NULL));
	accepts(ANY "  instance-ids: [\"" INSTANCE "\"]\n", NULL);
	FAILS("POLICY-PSA-INSTANCE",
	      appraise(PSA_TFM, ANY "  instance-ids: [\"" OTHER "\"]\n", NULL));
}

static void is_a_partition(struct test_psa *psa)
{
	test_claim_int(&psa->token, 2394, 3002);
}

static void test_policy_psa__client(void **state)
{
	(void)state;
	accepts(ANY "  client-ids: [-7]\n", NULL);
	accepts(ANY "  client-ids: [1, 3002]\n", is_a_partition);
	FAILS("POLICY-PSA-CLIENT", appraise(PSA_TFM, ANY "  client-ids: [7]\n", NULL));
	FAILS("POLICY-PSA-CLIENT",
	      appraise(PSA_TFM, ANY "  client-ids: [-7]\n", is_a_partition));
}

static void is_certified(struct test_psa *psa)
{
	test_claim_text(&psa->token, 2398, "0604565272829-10010");
}

static void test_policy_psa__certification(void **state)
{
	static const char asked[] =
	    ANY "  certification-references: [\"0604565272829-10010\"]\n";

	(void)state;
	accepts(asked, is_certified);
	FAILS("POLICY-PSA-CERTIFICATION", appraise(PSA_TFM, asked, NULL));
	FAILS("POLICY-PSA-CERTIFICATION",
	      appraise(PSA_TFM,
		       ANY "  certification-references: [\"0604565272829-10011\"]\n",
		       is_certified));
}

static void says_another_profile(struct test_psa *psa)
{
	test_claim_text(&psa->token, psa_labels[psa->generation].profile,
			"http://example.com");
}
static void says_no_profile(struct test_psa *psa)
{
	test_claim_remove(&psa->token, psa_labels[psa->generation].profile);
}

static void test_policy_psa__profile(void **state)
{
	static const char example[] = ANY "  profiles: [\"http://example.com\"]\n";

	(void)state;
	for (int i = 0; i < PSA_GENERATIONS; i++) {
		enum psa_generation generation = (enum psa_generation)i;

		FAILS("POLICY-PSA-PROFILE",
		      appraise(generation, ANY, says_another_profile));
		expect_accepted(appraise(generation, example, says_another_profile));
		FAILS("POLICY-PSA-PROFILE", appraise(generation, example, NULL));
	}
	/* Whoever names profiles asks for one. */
	FAILS("POLICY-PSA-PROFILE", appraise(PSA_1, example, says_no_profile));
}

static void has_another(struct test_psa *psa)
{
	psa->token.components[1].signer = test_bytes_of(0x52, 32);
}
static void measures_nothing(struct test_psa *psa)
{
	psa->token.components_label = 0;
	test_claim_int(&psa->token, -75007, 1);
}

static void test_policy_psa__components(void **state)
{
	(void)state;
	FAILS("POLICY-PSA-COMPONENTS", appraise(PSA_TFM, ANY, has_another));
	FAILS("POLICY-PSA-COMPONENTS", appraise(PSA_1, ANY, measures_nothing));
	expect_accepted(
	    appraise(PSA_1, "  no-measurements: allowed\n", measures_nothing));
	/* It does not stand for components that are named. */
	FAILS("POLICY-PSA-COMPONENTS",
	      appraise(PSA_1, ANY "  no-measurements: allowed\n", measures_nothing));
}

static void refuses_to_read(const char *section, const char *field)
{
	struct test_psa psa;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	test_psa_make(&psa, PSA_TFM);
	psa.section = section;
	assert_int_equal(test_psa_try(&psa, &result, &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, field);
	test_psa_done(&psa);
}

static void test_policy_psa__what_is_no_rule__is_an_error(void **state)
{
	(void)state;
	refuses_to_read(NULL, "images"); /* it names nothing that may run */
	refuses_to_read("  lifecycle: [secured]\n", "images");
	refuses_to_read("  no-measurements: yes\n", "psa.no-measurements");
	refuses_to_read(ANY "  client-ids: [0]\n", "psa.client-ids");
	refuses_to_read(ANY "  client-ids: [1a]\n", "psa.client-ids");
	refuses_to_read(ANY "  client-ids: [\"-\"]\n", "psa.client-ids");
	refuses_to_read(ANY "  client-ids: [2147483648]\n", "psa.client-ids");
	refuses_to_read(ANY "  client-ids: [-2147483649]\n", "psa.client-ids");
	refuses_to_read(ANY "  lifecycle: [locked]\n", "psa.lifecycle");
	refuses_to_read("  components:\n    - version: \"1\"\n", "psa.components");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_psa__lifecycle),
	    cmocka_unit_test(test_policy_psa__ids),
	    cmocka_unit_test(test_policy_psa__client),
	    cmocka_unit_test(test_policy_psa__certification),
	    cmocka_unit_test(test_policy_psa__profile),
	    cmocka_unit_test(test_policy_psa__components),
	    cmocka_unit_test(test_policy_psa__what_is_no_rule__is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
