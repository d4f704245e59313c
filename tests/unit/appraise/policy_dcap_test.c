/* What a policy asks of Intel's platforms, over whole quotes. */
#include "tests/tdx_run.h"

#include <stdio.h>

static void test_policy_dcap__up_to_date__accepted_by_default(void **state)
{
	tdx_run_accepted(*state, "");
}

static void test_policy_dcap_tcb_status__not_named__refused(void **state)
{
	static const char *const names[] = {"SWHardeningNeeded", "ConfigurationNeeded",
					    "ConfigurationAndSWHardeningNeeded",
					    "OutOfDate", "OutOfDateConfigurationNeeded"};
	struct tdx_run *run = *state;
	char lines[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		run->collateral.tcb.levels[0].status = names[i];
		POLICY_FAILS("POLICY-DCAP-TCB-STATUS", run, "");
		POLICY_FAILS("POLICY-DCAP-TCB-STATUS", run,
			     i ? "tdx:\n  tcb-status: [SWHardeningNeeded]\n"
			       : "tdx:\n  tcb-status: [OutOfDate]\n");
		snprintf(lines, sizeof(lines), "tdx:\n  tcb-status: [UpToDate, %s]\n",
			 names[i]);
		tdx_run_accepted(run, lines);
	}
}

/* What is accepted although it is not best is said in the result. */
static void test_policy_dcap_tcb_status__named__said_in_the_result(void **state)
{
	struct tdx_run *run = *state;
	struct tobi_result *result;
	bool said = false;
	const char *text;

	run->collateral.tcb.levels[0].status = "OutOfDate";
	result = tdx_run_verify(run, "tdx:\n  tcb-status: [OutOfDate]\n");
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	for (size_t i = 0; (text = tobi_result_allowance(result, i)); i++)
		said |= strstr(text, "TCB OutOfDate") != NULL;
	assert_true(said);
	tobi_result_free(result);
}

static void test_policy_dcap_tcb_status__relaunch_advised__by_name_only(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_kind(run, 5, DCAP_TD15);
	run->scene.body[0] = 2;
	run->scene.body[585] = 1;
	run->collateral.tcb.modules[0].levels[1].advisories = NULL;
	POLICY_FAILS("POLICY-DCAP-TCB-STATUS", run, "tdx:\n  tcb-status: [OutOfDate]\n");
	tdx_run_accepted(run, "tdx:\n  tcb-status: [TDRelaunchAdvised]\n");
}

static void test_policy_dcap_tcb_status__revoked_or_unknown__no_policy(void **state)
{
	const struct tdx_run *run = *state;

	tdx_run_bad_policy(run, "tdx:\n  tcb-status: [Revoked]\n");
	tdx_run_bad_policy(run, "tdx:\n  tcb-status: [uptodate]\n");
	tdx_run_bad_policy(run, "tdx:\n  tcb-status: []\n");
}

static void warns(struct tdx_run *run, const char *lines, const char *says)
{
	struct tobi_result *result = tdx_run_verify(run, lines);
	bool said = false;
	const char *allowance;

	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	for (size_t i = 0; (allowance = tobi_result_allowance(result, i)); i++)
		said |= strcmp(allowance, says) == 0;
	assert_true(said);
	tobi_result_free(result);
}

static void test_policy_dcap_advisories__one_not_named__refused(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.tcb.levels[0].advisories =
	    "\"INTEL-SA-00615\",\"INTEL-SA-00289\"";
	POLICY_FAILS("POLICY-DCAP-ADVISORIES", run, "");
	POLICY_FAILS("POLICY-DCAP-ADVISORIES", run,
		     "tdx:\n  advisories: [INTEL-SA-00289]\n");
	POLICY_FAILS("POLICY-DCAP-ADVISORIES", run,
		     "tdx:\n  advisories: [INTEL-SA-0028, INTEL-SA-00615]\n");
	warns(run, "tdx:\n  advisories: [INTEL-SA-00289, INTEL-SA-00615]\n",
	      "ADVISORIES: INTEL-SA-00289 INTEL-SA-00615 apply to this platform, and the "
	      "policy allows them");
	warns(run, "tdx:\n  advisories: [any]\n",
	      "ADVISORIES: INTEL-SA-00289 INTEL-SA-00615 apply to this platform, and the "
	      "policy allows any");
	tdx_run_bad_policy(run, "tdx:\n  advisories: [any, INTEL-SA-00289]\n");
	tdx_run_bad_policy(run, "tdx:\n  advisories: [SA-00289]\n");
}

static void test_policy_dcap_evaluation__too_old__refused(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_accepted(run, "tdx:\n  min-tcb-evaluation: 17\n");
	POLICY_FAILS("POLICY-DCAP-EVALUATION", run, "tdx:\n  min-tcb-evaluation: 18\n");
	run->collateral.qe.document.evaluation = 16;
	POLICY_FAILS("POLICY-DCAP-EVALUATION", run, "tdx:\n  min-tcb-evaluation: 17\n");
	tdx_run_bad_policy(run, "tdx:\n  min-tcb-evaluation: 017\n");
	tdx_run_bad_policy(run, "tdx:\n  min-tcb-evaluation: -1\n");
	tdx_run_bad_policy(run, "tdx:\n  min-tcb-evaluation: 1234567890\n");
	tdx_run_bad_policy(run, "tdx:\n  min-tcb-evaluation: 1x\n");
}

static void test_policy_dcap_fmspc__other_or_refused_model__refused(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_accepted(run, "tdx:\n  fmspc: [00906EA10000, 00806f050000]\n");
	POLICY_FAILS("POLICY-DCAP-FMSPC", run, "tdx:\n  fmspc: [00806f050000]\n");
	tdx_run_accepted(run, "tdx:\n  fmspc-refused: [00806f050000]\n");
	POLICY_FAILS("POLICY-DCAP-FMSPC", run, "tdx:\n  fmspc-refused: [00906ea10000]\n");
	POLICY_FAILS("POLICY-DCAP-FMSPC", run,
		     "tdx:\n  fmspc: [00906ea10000]\n  fmspc-refused: [00906ea10000]\n");
	tdx_run_bad_policy(run, "tdx:\n  fmspc: [00906ea100]\n");
	tdx_run_bad_policy(run, "tdx:\n  fmspc-refused: [zz906ea10000]\n");
}

static void test_policy_dcap_platform__another__refused(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_accepted(run, "tdx:\n  platforms: [a1a20000000000000000000000000000]\n");
	POLICY_FAILS("POLICY-DCAP-PLATFORM", run,
		     "tdx:\n  platforms: [a1a20000000000000000000000000001]\n");
	tdx_run_bad_policy(run, "tdx:\n  platforms: [a1a2]\n");
}

/* SGX has a section of its own: that of TDX says nothing of it. */
static void test_policy_dcap__quote_of_sgx__section_sgx_counts(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_kind(run, 3, DCAP_SGX);
	run->collateral.tcb.levels[0].status = "SWHardeningNeeded";
	POLICY_FAILS("POLICY-DCAP-TCB-STATUS", run, "");
	tdx_run_accepted(run, "sgx:\n  tcb-status: [SWHardeningNeeded]\n");
	tdx_run_bad_policy(run, "tdx:\n  tcb-status: [SWHardeningNeeded]\n");
	run->collateral.tcb.levels[0].status = "UpToDate";
	run->collateral.tcb.document.version = 2;
	tdx_run_accepted(run, "");
}

static void test_policy_dcap__test_root__refused_by_default(void **state)
{
	struct tdx_run *run = *state;

	run->no_roots = true;
	POLICY_FAILS("DCAP-PCK-CHAIN", run, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tdx_run_setup, tdx_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_policy_dcap__up_to_date__accepted_by_default),
	    TEST(test_policy_dcap_tcb_status__not_named__refused),
	    TEST(test_policy_dcap_tcb_status__named__said_in_the_result),
	    TEST(test_policy_dcap_tcb_status__relaunch_advised__by_name_only),
	    TEST(test_policy_dcap_tcb_status__revoked_or_unknown__no_policy),
	    TEST(test_policy_dcap_advisories__one_not_named__refused),
	    TEST(test_policy_dcap_evaluation__too_old__refused),
	    TEST(test_policy_dcap_fmspc__other_or_refused_model__refused),
	    TEST(test_policy_dcap_platform__another__refused),
	    TEST(test_policy_dcap__quote_of_sgx__section_sgx_counts),
	    TEST(test_policy_dcap__test_root__refused_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
