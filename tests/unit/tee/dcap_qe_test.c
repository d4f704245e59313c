/* The quoting enclave, against what Intel publishes of it: over whole quotes. */
#include "tests/tdx_run.h"

#include "tee/dcap_tcb.h"

static void test_dcap_qe_match__another_enclave__fails(void **state)
{
	/* MISCSELECT, the flags, MRSIGNER, ISVPRODID: every byte. */
	static const size_t spans[][2] = {{16, 4}, {48, 8}, {128, 32}, {256, 2}};
	struct tdx_run *run = *state;

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		for (size_t k = 0; k < spans[i][1]; k++) {
			run->scene.qe_report[spans[i][0] + k] ^= 1;
			FAILS("DCAP-QE-MATCH", run);
			assert_false(run->claims.dcap->tcb->found);
			run->scene.qe_report[spans[i][0] + k] ^= 1;
		}
	}
	/* Not under the mask. */
	run->scene.qe_report[48] ^= 4;
	tdx_run_passes(run);
	run->scene.qe_report[19] ^= 0x80;
	FAILS("DCAP-QE-MATCH", run);
	run->collateral.qe.document.edits[0].from = "\"FFFFFFFF\"";
	run->collateral.qe.document.edits[0].to = "\"FFFFFF7F\"";
	tdx_run_passes(run);
	run->collateral.qe.document.id = "QE";
	FAILS("DCAP-QE-MATCH", run);
}

static void test_dcap_qe_match__can_be_debugged__fails(void **state)
{
	struct tdx_run *run = *state;

	run->scene.qe_report[48] |= 2;
	FAILS("DCAP-QE-MATCH", run);
	/* Even when an identity would allow it. */
	run->collateral.qe.attributes[0] |= 2;
	FAILS("DCAP-QE-MATCH", run);
}

static void test_dcap_qe_level__none_or_revoked__fails(void **state)
{
	struct tdx_run *run = *state;

	run->scene.qe_report[258] = 5;
	FAILS("DCAP-QE-LEVEL", run);
	run->scene.qe_report[258] = 8;
	run->collateral.qe.levels[0].status = "Revoked";
	FAILS("DCAP-QE-LEVEL", run);
	assert_false(run->claims.dcap->tcb->found);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tdx_run_setup, tdx_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_dcap_qe_match__another_enclave__fails),
	    TEST(test_dcap_qe_match__can_be_debugged__fails),
	    TEST(test_dcap_qe_level__none_or_revoked__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
