#include "appraise/policy_epid.h"

#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/epid_scene.h"

static struct test_service service;

static int enter(void **state)
{
	(void)state;
	test_service_make(&service, NULL, NULL);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	test_service_done(&service);
	return 0;
}

static struct tobi_result *appraise(const char *status, const char *advisories,
				    const char *section)
{
	struct test_epid epid;

	test_epid_make(&epid, &service);
	epid.status = status;
	epid.advisories = advisories;
	epid.section = section;
	return test_epid_appraise(&epid);
}

static void test_policy_epid__status_that_is_not_ok__fails_alone(void **state)
{
	static const char *const statuses[] = {
	    "GROUP_OUT_OF_DATE", "CONFIGURATION_NEEDED", "SW_HARDENING_NEEDED",
	    "CONFIGURATION_AND_SW_HARDENING_NEEDED"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		FAILS("POLICY-EPID-STATUS", appraise(statuses[i], NULL, ""));
		FAILS("POLICY-EPID-STATUS",
		      appraise(statuses[i], NULL, "sgx-epid: {}\n"));
	}
	FAILS("POLICY-EPID-STATUS",
	      appraise("GROUP_OUT_OF_DATE", NULL,
		       "sgx-epid:\n  status: [SW_HARDENING_NEEDED]\n"));
}

static void test_policy_epid__status_by_name__accepted_and_said(void **state)
{
	struct tobi_result *result =
	    appraise("GROUP_OUT_OF_DATE", NULL,
		     "sgx-epid:\n  status: [SW_HARDENING_NEEDED, GROUP_OUT_OF_DATE]\n");

	(void)state;
	expect_allowance(result, "GROUP_OUT_OF_DATE");
	expect_accepted(result);
}

static struct tobi_result *with_advisories(const char *const *list, size_t count,
					   const char *section)
{
	char json[2048] = "[";

	for (size_t i = 0; i < count; i++)
		snprintf(json + strlen(json), sizeof(json) - strlen(json), "%s\"%s\"",
			 i ? "," : "", list[i]);
	strcat(json, "]");
	return appraise("OK", json, section);
}

static void test_policy_epid__advisories_not_named__all_are_said(void **state)
{
	static const char *const three[] = {"INTEL-SA-00289", "INTEL-SA-00334",
					    "INTEL-SA-00615"};
	struct tobi_result *result =
	    with_advisories(three, 3, "sgx-epid:\n  advisories: [INTEL-SA-00334]\n");

	(void)state;
	assert_non_null(
	    strstr(tobi_result_reason(result), "found: INTEL-SA-00289 INTEL-SA-00615"));
	FAILS("POLICY-EPID-ADVISORIES", result);
}

static void test_policy_epid__advisories_named__accepted_and_said(void **state)
{
	static const char *const two[] = {"INTEL-SA-00289", "INTEL-SA-00334"};
	struct tobi_result *result = with_advisories(
	    two, 2, "sgx-epid:\n  advisories: [INTEL-SA-00334, INTEL-SA-00289]\n");

	(void)state;
	expect_allowance(result, "ADVISORIES: INTEL-SA-00289 INTEL-SA-00334 apply");
	expect_accepted(result);
}

static void test_policy_epid__advisory_not_named__fails_alone(void **state)
{
	static const char both[] = "[\"INTEL-SA-00334\",\"INTEL-SA-00615\"]";

	(void)state;
	FAILS("POLICY-EPID-ADVISORIES", appraise("OK", both, ""));
	FAILS("POLICY-EPID-ADVISORIES",
	      appraise("OK", both, "sgx-epid:\n  advisories: [INTEL-SA-00334]\n"));
	expect_accepted(appraise(
	    "OK", both, "sgx-epid:\n  advisories: [INTEL-SA-00615, INTEL-SA-00334]\n"));
	expect_accepted(appraise("OK", "[]", ""));
}

static void test_policy_epid__nonce_of_the_service__compared(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.section = "sgx-epid:\n  nonce: 35E8FB64ACFB4A8E\n";
	FAILS("POLICY-EPID-NONCE", test_epid_appraise(&epid));
	epid.nonce = "35E8FB64ACFB4A8F";
	FAILS("POLICY-EPID-NONCE", test_epid_appraise(&epid));
	epid.nonce = "35E8FB64ACFB4A8E";
	expect_accepted(test_epid_appraise(&epid));
}

static void expect_refused(const char *tier, const char *section, const char *field)
{
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		 "version: 1\ntiers: [%s]\nsigners: [%064d]\nidentity:\n  mode: "
		 "any-instance\n%s",
		 tier, 1, section);
	assert_int_equal(tobi_policy_parse(text_bytes(yaml), "test", &policy, &fault),
			 TOBI_E_MALFORMED);
	assert_string_equal(fault.field, field);
}

/* Those by which Intel says that there is nothing to accept cannot be named. */
static void test_policy_epid__wrong_keys__fail(void **state)
{
	(void)state;
	expect_refused("sgx-epid", "sgx-epid:\n  status: [KEY_REVOKED]\n",
		       "sgx-epid.status");
	expect_refused("sgx-epid", "sgx-epid:\n  status: [SIGNATURE_INVALID]\n",
		       "sgx-epid.status");
	expect_refused("sgx-epid", "sgx-epid:\n  status: [GROUP_REVOKED]\n",
		       "sgx-epid.status");
	expect_refused("sgx-epid", "sgx-epid:\n  status: [OK]\n", "sgx-epid.status");
	expect_refused("sgx-epid",
		       "sgx-epid:\n  nonce: 012345678901234567890123456789012\n",
		       "sgx-epid.nonce");
	expect_refused("sgx-epid", "sgx-epid:\n  colour: red\n", "");
	/* A section for nobody would look like a check. */
	expect_refused("sgx", "sgx-epid:\n  nonce: a\n", "sgx-epid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_epid__status_that_is_not_ok__fails_alone),
	    cmocka_unit_test(test_policy_epid__status_by_name__accepted_and_said),
	    cmocka_unit_test(test_policy_epid__advisory_not_named__fails_alone),
	    cmocka_unit_test(test_policy_epid__advisories_not_named__all_are_said),
	    cmocka_unit_test(test_policy_epid__advisories_named__accepted_and_said),
	    cmocka_unit_test(test_policy_epid__nonce_of_the_service__compared),
	    cmocka_unit_test(test_policy_epid__wrong_keys__fail),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
