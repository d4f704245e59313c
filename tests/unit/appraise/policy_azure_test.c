/* What a policy asks of Azure's confidential VMs: each check refuses alone, and a rule
 * that cannot be met as it is written is none. */
#include "appraise/policy_azure.h"

#include <stdio.h>

#include "tests/azure_scene.h"
#include "tests/bytes.h"
#include "tests/check.h"

static struct tobi_result *appraise(const char *lines, const char *configuration)
{
	struct azure_scene scene;
	struct tobi_result *result;
	enum tobi_err err;

	azure_scene_make(&scene, false);
	scene.lines = lines;
	if (configuration)
		scene.configuration = configuration;
	result = azure_scene_verify(&scene, &err);
	assert_int_equal(err, 0);
	azure_scene_done(&scene);
	return result;
}

static void accepts(const char *lines, const char *configuration)
{
	struct tobi_result *result = appraise(lines, configuration);

	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		fail_msg("%s: %s", lines, tobi_result_reason(result));
	tobi_result_free(result);
}

#undef FAILS
/* This code, and no other. */
static void FAILS(const char *code, const char *lines, const char *configuration)
{
	struct tobi_result *result = appraise(lines, configuration);
	bool found = false;

	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);
		bool is_it = strcmp(line->code, code) == 0;

		found |= is_it && line->outcome == TOBI_FAILED;
		if (!is_it && line->outcome == TOBI_FAILED)
			fail_msg("%s: %s fails, too", code, line->code);
	}
	assert_true(found);
	tobi_result_free(result);
}

static void is_refused(const char *lines, const char *field)
{
	struct azure_scene scene;
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	azure_scene_make(&scene, false);
	scene.lines = lines;
	azure_scene_policy(&scene, &yaml);
	if (!tobi_policy_parse(wr_view(&yaml), "test", &policy, &fault))
		fail_msg("a policy: %s", lines);
	assert_string_equal(fault.field, field);
	wr_done(&yaml);
	azure_scene_done(&scene);
}

static void test_policy_azure__without_section__asks_nothing(void **state)
{
	(void)state;
	accepts("", NULL);
	accepts("", "{}");
}

static void test_policy_azure__secure_boot__must_be_said_to_be_on(void **state)
{
	static const char lines[] = "azure:\n  secure-boot: required\n";

	(void)state;
	accepts(lines, NULL);
	FAILS("POLICY-AZURE-SECURE-BOOT", lines, "{\"secure-boot\":false}");
	FAILS("POLICY-AZURE-SECURE-BOOT", lines, "{}");
}

static void test_policy_azure__console__must_be_said_to_be_off(void **state)
{
	static const char lines[] = "azure:\n  console: refused\n";

	(void)state;
	accepts(lines, NULL);
	FAILS("POLICY-AZURE-CONSOLE", lines, "{\"console-enabled\":true}");
	FAILS("POLICY-AZURE-CONSOLE", lines, "{}");
}

static void test_policy_azure__vm__is_one_of_the_list(void **state)
{
	(void)state;
	accepts("azure:\n  vm-ids: [x, 69047f12-7ad4-4970-9b31-1157dc14de07]\n", NULL);
	FAILS("POLICY-AZURE-VM", "azure:\n  vm-ids: [69047f12]\n", NULL);
	FAILS("POLICY-AZURE-VM", "azure:\n  vm-ids: [x]\n", "{}");
}

static void test_policy_azure__root_certificate__is_one_of_the_list(void **state)
{
	static const char lines[] = "azure:\n  root-cert-thumbprints: [thumb, other]\n";

	(void)state;
	accepts(lines, NULL);
	FAILS("POLICY-AZURE-ROOT-CERT", lines, "{\"root-cert-thumbprint\":\"Thumb\"}");
	FAILS("POLICY-AZURE-ROOT-CERT", lines, "{}");
}

static void test_policy_azure__user_data__is_filled_with_zeros(void **state)
{
	(void)state;
	accepts("azure:\n  user-data: \"0102030405060708090a0b0c0d0e0f10\"\n", NULL);
	FAILS("POLICY-AZURE-USER-DATA",
	      "azure:\n  user-data: \"0102030405060708090a0b0c0d0e0f11\"\n", NULL);
	FAILS("POLICY-AZURE-USER-DATA", "azure:\n  user-data: \"01\"\n", NULL);
}

static void test_policy_azure__hardware__is_asked_by_its_own_section(void **state)
{
	(void)state;
	accepts("snp:\n  generations: [Milan]\n", NULL);
	FAILS("POLICY-SNP-GENERATION", "snp:\n  generations: [Turin]\n", NULL);
}

static void test_policy_azure__pcrs__are_asked_by_the_section_tpm(void **state)
{
	char lines[256], value[65];

	(void)state;
	memset(value, '4', 64);
	value[64] = 0;
	/* PCR 4 is of 0x44 in the scene. */
	snprintf(lines, sizeof(lines), "tpm:\n  pcrs:\n  - index: 4\n    value: \"%s\"\n",
		 value);
	accepts(lines, NULL);
	snprintf(lines, sizeof(lines), "tpm:\n  pcrs:\n  - index: 5\n    value: \"%s\"\n",
		 value);
	FAILS("POLICY-PCRS", lines, NULL);
}

static void test_policy_azure__rule_that_is_none__is_refused(void **state)
{
	(void)state;
	is_refused("azure:\n  secure-boot: on\n", "azure.secure-boot");
	is_refused("azure:\n  console: required\n", "azure.console");
	is_refused("azure:\n  user-data: \"0\"\n", "azure.user-data");
	is_refused("azure:\n  user-data: \"xx\"\n", "azure.user-data");
	is_refused(
	    "azure:\n  vm-ids: "
	    "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
	    "azure.vm-ids");
	is_refused("tdx:\n  event-log: required\n", "tdx");
}

static void test_policy_azure__section_without_tier__is_refused(void **state)
{
	static const char yaml[] =
	    "version: 1\ntiers: [snp]\nidentity:\n  mode: "
	    "any-instance\nimages: [\"00112233445566778899aabbccddeeff"
	    "00112233445566778899aabbccddeeff\"]\nazure:\n  console: "
	    "refused\n";
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(tobi_policy_parse(text_bytes(yaml), "test", &policy, &fault),
			 TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "azure");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_azure__without_section__asks_nothing),
	    cmocka_unit_test(test_policy_azure__secure_boot__must_be_said_to_be_on),
	    cmocka_unit_test(test_policy_azure__console__must_be_said_to_be_off),
	    cmocka_unit_test(test_policy_azure__vm__is_one_of_the_list),
	    cmocka_unit_test(test_policy_azure__root_certificate__is_one_of_the_list),
	    cmocka_unit_test(test_policy_azure__user_data__is_filled_with_zeros),
	    cmocka_unit_test(test_policy_azure__hardware__is_asked_by_its_own_section),
	    cmocka_unit_test(test_policy_azure__pcrs__are_asked_by_the_section_tpm),
	    cmocka_unit_test(test_policy_azure__rule_that_is_none__is_refused),
	    cmocka_unit_test(test_policy_azure__section_without_tier__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
