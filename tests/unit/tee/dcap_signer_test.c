/* Who signs what Intel publishes: over whole quotes, whose documents are signed to fit.
 */
#include "tests/tdx_run.h"

static int setup(void **state)
{
	static struct tdx_run run;

	tdx_run_init(&run);
	*state = &run;
	return 0;
}

static int teardown(void **state)
{
	tdx_run_done(*state);
	return 0;
}

static void fails_both(struct tdx_run *run)
{
	assert_int_equal(tdx_run_examine(run), TOBI_OK);
	assert_int_equal(tdx_run_outcome(run, "DCAP-TCB-INFO"), TOBI_FAILED);
	assert_int_equal(tdx_run_outcome(run, "DCAP-QE-IDENTITY"), TOBI_FAILED);
	assert_int_equal(tdx_run_outcome(run, "DCAP-PCK-CHAIN"), TOBI_PASSED);
	assert_int_equal(tdx_run_outcome(run, "DCAP-TCB-LEVEL"), TOBI_NOT_RUN);
}

static void test_dcap_signer__certificate_wrong__fails(void **state)
{
	struct tdx_run *run = *state;
	struct dcap_scene_certificate *signer = &run->scene.certificates[DCAP_TCB_SIGNER];

	signer->damage = true;
	fails_both(run);
	tdx_run_again(run);
	signer->not_after = DCAP_NOW - 1;
	fails_both(run);
	tdx_run_again(run);
	signer->not_before = DCAP_NOW + 1;
	fails_both(run);
	tdx_run_again(run);
	signer->issuer_key = DCAP_KEY_OTHER;
	fails_both(run);
	tdx_run_again(run);
	signer->name = "Intel SGX PCK Certificate";
	fails_both(run);
	tdx_run_again(run);
	signer->critical = true;
	fails_both(run);
	tdx_run_again(run);
	signer->no_key_identifier = true;
	fails_both(run);
	tdx_run_again(run);
	signer->p384 = true;
	fails_both(run);
	tdx_run_again(run);
	signer->ca = true;
	signer->pathlen = 0;
	fails_both(run);
}

/* A CA of the root could make such a certificate, and is not to. */
static void test_dcap_signer__of_an_intermediate__fails(void **state)
{
	struct tdx_run *run = *state;
	struct dcap_scene_certificate *signer = &run->scene.certificates[DCAP_TCB_SIGNER];

	signer->issuer_name = run->scene.certificates[DCAP_CA].name;
	signer->issuer_key = DCAP_KEY_CA;
	run->collateral.tcb.document.chain[2] = DCAP_CA;
	run->collateral.tcb.document.chain_count = 3;
	tdx_run_examine(run);
	assert_int_equal(tdx_run_outcome(run, "DCAP-TCB-INFO"), TOBI_FAILED);
	assert_non_null(strstr(tdx_run_found(run, "DCAP-TCB-INFO"), "the root itself"));
}

static void test_dcap_signer__no_chain__fails(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.tcb.document.chain_count = 0;
	FAILS("DCAP-TCB-INFO", run);
}

static void test_dcap_signer__chain_in_another_order__passes(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.tcb.document.chain[0] = DCAP_ROOT;
	run->collateral.tcb.document.chain[1] = DCAP_TCB_SIGNER;
	tdx_run_passes(run);
}

static void test_dcap_signer__revoked__fails(void **state)
{
	struct tdx_run *run = *state;

	run->scene.root_crl.revoked[0] = run->scene.certificates[DCAP_TCB_SIGNER].serial;
	fails_both(run);
}

/* Nobody but the root can say so, and its list is the one place for it. */
static void test_dcap_signer__root_revoked__fails(void **state)
{
	struct tdx_run *run = *state;

	run->scene.root_crl.revoked[0] = run->scene.certificates[DCAP_ROOT].serial;
	fails_both(run);
	assert_non_null(strstr(tdx_run_found(run, "DCAP-TCB-INFO"), "root itself"));
}

static void test_dcap_signer__no_list_of_the_root__fails(void **state)
{
	struct tdx_run *run = *state;

	run->scene.root_crl.absent = true;
	fails_both(run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_dcap_signer__certificate_wrong__fails),
	    TEST(test_dcap_signer__of_an_intermediate__fails),
	    TEST(test_dcap_signer__no_chain__fails),
	    TEST(test_dcap_signer__chain_in_another_order__passes),
	    TEST(test_dcap_signer__revoked__fails),
	    TEST(test_dcap_signer__root_revoked__fails),
	    TEST(test_dcap_signer__no_list_of_the_root__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
