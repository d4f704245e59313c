/* What Intel publishes, and how it is evaluated: over whole quotes of TDX and SGX, where
 * one thing is wrong and all else is right and signed. */
#include "tests/tdx_run.h"

#include "pki/memo.h"
#include "tee/dcap_collateral.h"
#include "tee/dcap_tcb.h"
#include "tee/sgx.h"

static const struct dcap_tcb *tcb_of(const struct tdx_run *run)
{
	assert_non_null(run->claims.dcap);
	assert_non_null(run->claims.dcap->tcb);
	return run->claims.dcap->tcb;
}

static void expect_status(struct tdx_run *run, enum dcap_status status)
{
	tdx_run_passes(run);
	assert_true(tcb_of(run)->found);
	assert_string_equal(dcap_status_name(tcb_of(run)->status),
			    dcap_status_name(status));
}

static void test_dcap_tcb__all_right__up_to_date(void **state)
{
	struct tdx_run *run = *state;

	expect_status(run, DCAP_UP_TO_DATE);
	assert_int_equal(tcb_of(run)->evaluation, 17);
	assert_int_equal(tcb_of(run)->advisory_count, 0);
	assert_int_equal(tcb_of(run)->next_update, DCAP_NOW + 25 * DCAP_DAY);
	assert_false(tcb_of(run)->has_module);
	tdx_run_kind(run, 5, DCAP_TD15);
	expect_status(run, DCAP_UP_TO_DATE);
	assert_true(tcb_of(run)->has_module);
}

static void test_dcap_tcb__numbers_differ__the_smaller_counts(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.qe.document.evaluation = 9;
	run->collateral.qe.document.next_update = DCAP_NOW + 2 * DCAP_DAY;
	tdx_run_passes(run);
	assert_int_equal(tcb_of(run)->evaluation, 9);
	assert_int_equal(tcb_of(run)->next_update, DCAP_NOW + 2 * DCAP_DAY);
	/* The date is that of the oldest level, of whichever part. */
	run->collateral.qe.levels[0].date = "2024-03-13T00:00:00Z";
	tdx_run_passes(run);
	assert_int_equal(tcb_of(run)->date, 1710288000);
	run->collateral.tcb.levels[0].date = "2023-08-09T00:00:00Z";
	tdx_run_passes(run);
	assert_int_equal(tcb_of(run)->date, 1691539200);
}

/* ---- the documents ---- */

static void test_dcap_tcb_info__absent__fails(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.tcb.document.absent = true;
	FAILS("DCAP-TCB-INFO", run);
	assert_null(run->claims.dcap->tcb);
}

static void test_dcap_qe_identity__absent__fails(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.qe.document.absent = true;
	FAILS("DCAP-QE-IDENTITY", run);
	assert_false(tcb_of(run)->found);
}

static void test_dcap_tcb_info__changed_after_signing__fails(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.tcb.document.damage.from = "OutOfDate";
	run->collateral.tcb.document.damage.to = "UpToDate";
	FAILS("DCAP-TCB-INFO", run);
	tdx_run_again(run);
	run->collateral.tcb.document.damage_signature = true;
	FAILS("DCAP-TCB-INFO", run);
}

static void test_dcap_qe_identity__changed_after_signing__fails(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.qe.document.damage.from = "\"isvprodid\":2";
	run->collateral.qe.document.damage.to = "\"isvprodid\":3";
	FAILS("DCAP-QE-IDENTITY", run);
	tdx_run_again(run);
	run->collateral.qe.document.damage_signature = true;
	FAILS("DCAP-QE-IDENTITY", run);
}

static void test_dcap_tcb_info__signed_by_another__fails(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.tcb.document.signer = DCAP_KEY_OTHER;
	FAILS("DCAP-TCB-INFO", run);
	/* Intel's platform key is Intel's, and not for this. */
	tdx_run_again(run);
	run->collateral.tcb.document.signer = DCAP_KEY_PCK;
	run->collateral.tcb.document.chain[0] = DCAP_PCK;
	run->collateral.tcb.document.chain[1] = DCAP_CA;
	run->collateral.tcb.document.chain[2] = DCAP_ROOT;
	run->collateral.tcb.document.chain_count = 3;
	FAILS("DCAP-TCB-INFO", run);
}

static void test_dcap_document__issued_in_the_future__fails(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.tcb.document.issued = DCAP_NOW;
	tdx_run_passes(run);
	run->collateral.tcb.document.issued = DCAP_NOW + 1;
	FAILS("DCAP-TCB-INFO", run);
	tdx_run_again(run);
	run->collateral.qe.document.issued = DCAP_NOW + 1;
	FAILS("DCAP-QE-IDENTITY", run);
}

static void test_dcap_document__past_next_update__fails_without_grace(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.tcb.document.next_update = DCAP_NOW + 1;
	tdx_run_passes(run);
	assert_null(run->claims.in_grace);
	run->collateral.tcb.document.next_update = DCAP_NOW;
	FAILS("DCAP-TCB-INFO", run);
	run->grace = 1;
	tdx_run_passes(run);
	assert_non_null(run->claims.in_grace);
	run->collateral.tcb.document.next_update = DCAP_NOW - 1;
	FAILS("DCAP-TCB-INFO", run);
	tdx_run_again(run);
	run->collateral.qe.document.next_update = DCAP_NOW;
	FAILS("DCAP-QE-IDENTITY", run);
}

static void test_dcap_document__before_the_baseline__fails(void **state)
{
	struct tdx_run *run = *state;

	run->baseline = run->scene.root_crl.this_update;
	run->collateral.tcb.document.issued = run->baseline;
	tdx_run_passes(run);
	run->collateral.tcb.document.issued = run->baseline - 1;
	FAILS("DCAP-TCB-INFO", run);
}

/* A set and a request for its TCB information. */
struct kept {
	struct tobi_collateral *set;
	struct tee_request request;
	struct memo *memo;
};

static enum tobi_err find_kept(const struct kept *kept, const void **ret_document)
{
	struct dcap_document *document = NULL;
	enum tobi_err err = dcap_document_find(&kept->request, COLLATERAL_TDX_TCB_INFO,
					       "00906EA10000", &document, NULL);

	/* The memo has a reference of its own. */
	*ret_document = document;
	dcap_document_unref(document);
	return err;
}

static struct kept keep(struct tdx_run *run)
{
	struct kept kept = {.set = tobi_collateral_new(), .memo = memo_new()};

	assert_non_null(kept.set);
	assert_non_null(kept.memo);
	dcap_test_put(&run->scene, &run->collateral, kept.set);
	kept.request = (struct tee_request){.collateral = kept.set,
					    .pins = dcap_scene_pins(),
					    .time = DCAP_NOW,
					    .memo = kept.memo};
	return kept;
}

static void kept_done(struct kept *kept)
{
	tobi_collateral_free(kept->set);
	memo_free(kept->memo);
}

static void test_dcap_document__kept__as_long_as_it_holds(void **state)
{
	struct tdx_run *run = *state;
	struct kept kept;
	const void *first, *then;

	run->scene.root_crl.next_update = DCAP_NOW + 90 * DCAP_DAY;
	kept = keep(run);
	assert_int_equal(find_kept(&kept, &first), TOBI_OK);
	kept.request.time = DCAP_NOW + 25 * DCAP_DAY - 1;
	assert_int_equal(find_kept(&kept, &then), TOBI_OK);
	assert_ptr_equal(first, then);
	kept.request.time++;
	assert_int_equal(find_kept(&kept, &then), TOBI_E_REFUSED);
	/* In the grace it is kept for those who allow as much. */
	kept.request.grace = 1;
	assert_int_equal(find_kept(&kept, &then), TOBI_OK);
	kept.request.grace = 0;
	assert_int_equal(find_kept(&kept, &then), TOBI_E_REFUSED);
	kept.request.time = DCAP_NOW - 5 * DCAP_DAY - 1;
	assert_int_equal(find_kept(&kept, &then), TOBI_E_REFUSED);
	kept_done(&kept);
}

/* It says that the signer is not revoked, and says so in its dates only. */
static void test_dcap_document__kept__no_longer_than_the_roots_list(void **state)
{
	struct tdx_run *run = *state;
	struct kept kept;
	const void *first, *then;

	run->scene.root_crl.this_update = DCAP_NOW - 2 * DCAP_DAY;
	run->scene.root_crl.next_update = DCAP_NOW + 3 * DCAP_DAY;
	kept = keep(run);
	assert_int_equal(find_kept(&kept, &first), TOBI_OK);
	kept.request.time = run->scene.root_crl.next_update - 1;
	assert_int_equal(find_kept(&kept, &then), TOBI_OK);
	assert_ptr_equal(first, then);
	kept.request.time++;
	assert_int_equal(find_kept(&kept, &then), TOBI_E_CERTIFICATE);
	kept.request.time = run->scene.root_crl.this_update - 1;
	assert_int_equal(find_kept(&kept, &then), TOBI_E_CERTIFICATE);
	kept_done(&kept);
}

static void test_dcap_document__kept__for_the_same_question_only(void **state)
{
	struct tdx_run *run = *state;
	struct kept kept = keep(run);
	struct writer list = wr_init(LIMIT_CRL);
	struct collateral_item item = {.kind = COLLATERAL_INTEL_ROOT_CRL, .name = ""};
	const void *document;

	assert_int_equal(find_kept(&kept, &document), TOBI_OK);
	kept.request.baseline = DCAP_NOW;
	assert_int_not_equal(find_kept(&kept, &document), TOBI_OK);
	kept.request.baseline = 0;
	kept.request.pins.keys[0][0] ^= 1;
	assert_int_equal(find_kept(&kept, &document), TOBI_E_CERTIFICATE);
	kept.request.pins.keys[0][0] ^= 1;
	assert_int_equal(find_kept(&kept, &document), TOBI_OK);
	/* A newer list, which names the signer. */
	run->scene.root_crl.revoked[0] = run->scene.certificates[DCAP_TCB_SIGNER].serial;
	dcap_scene_list(&run->scene.root_crl, &list);
	item.data = wr_view(&list);
	assert_int_equal(collateral_put(kept.set, &item, NULL), TOBI_OK);
	assert_int_equal(find_kept(&kept, &document), TOBI_E_CERTIFICATE);
	wr_done(&list);
	kept_done(&kept);
}

/* The root's list that counts is the time's own, whoever asked before for another time.
 */
static void test_dcap_document__kept__each_time_has_its_own_list(void **state)
{
	struct tdx_run *run = *state;
	struct kept kept = keep(run);
	struct writer list = wr_init(LIMIT_CRL);
	struct collateral_item item = {.kind = COLLATERAL_INTEL_ROOT_CRL, .name = ""};
	const void *document;

	run->scene.root_crl.this_update = DCAP_NOW + 2 * DCAP_DAY;
	run->scene.root_crl.revoked[0] = run->scene.certificates[DCAP_TCB_SIGNER].serial;
	dcap_scene_list(&run->scene.root_crl, &list);
	item.data = wr_view(&list);
	assert_int_equal(collateral_put(kept.set, &item, NULL), TOBI_OK);
	assert_int_equal(find_kept(&kept, &document), TOBI_OK);
	kept.request.time = DCAP_NOW + 2 * DCAP_DAY;
	assert_int_equal(find_kept(&kept, &document), TOBI_E_CERTIFICATE);
	kept.request.time = DCAP_NOW;
	assert_int_equal(find_kept(&kept, &document), TOBI_OK);
	wr_done(&list);
	kept_done(&kept);
}

/* ---- the model ---- */

static void test_dcap_tcb_model__of_another__fails(void **state)
{
	struct tdx_run *run = *state;

	for (size_t i = 0; i < DCAP_FMSPC_SIZE; i++) {
		run->collateral.tcb.fmspc[i] ^= 1;
		FAILS("DCAP-TCB-MODEL", run);
		tdx_run_again(run);
	}
	for (size_t i = 0; i < 2; i++) {
		run->collateral.tcb.pce_id[i] ^= 1;
		FAILS("DCAP-TCB-MODEL", run);
		tdx_run_again(run);
	}
	run->collateral.tcb.document.id = "SGX";
	FAILS("DCAP-TCB-MODEL", run);
	tdx_run_again(run);
	run->collateral.tcb.document.id = "SGX";
	run->collateral.tcb.document.version = 2;
	FAILS("DCAP-TCB-MODEL", run);
}

/* Nor of the other kind: each way round. */
static void test_dcap_tcb__documents_of_tdx_for_sgx__fail(void **state)
{
	struct tdx_run *run = *state;

	run->verifier = &tee_sgx;
	tdx_run_kind(run, 3, DCAP_SGX);
	tdx_run_passes(run);
	run->collateral.tcb.document.id = "TDX";
	FAILS("DCAP-TCB-MODEL", run);
	run->collateral.tcb.document.id = "SGX";
	run->collateral.qe.document.id = "TD_QE";
	FAILS("DCAP-QE-MATCH", run);
}

/* ---- levels ---- */

static void test_dcap_tcb_level__none__fails(void **state)
{
	struct tdx_run *run = *state;

	run->scene.pck.components[2]--;
	FAILS("DCAP-TCB-LEVEL", run);
	assert_false(tcb_of(run)->found);
	tdx_run_again(run);
	run->scene.pck.pcesvn -= 2;
	FAILS("DCAP-TCB-LEVEL", run);
	/* TEE_TCB_SVN of the guest. */
	tdx_run_again(run);
	run->scene.body[5] = 1;
	FAILS("DCAP-TCB-LEVEL", run);
}

/* One of 16 that is too low is enough, whichever it is; of a module with a version the
 * first two are its own. */
static void test_dcap_tcb_level__one_component_too_low__none(void **state)
{
	struct tdx_run *run = *state;
	struct dcap_test_level *levels = run->collateral.tcb.levels;

	for (size_t i = 0; i < DCAP_COMPONENTS; i++) {
		memset(run->scene.pck.components, 9, DCAP_COMPONENTS);
		tdx_run_kind(run, 4, DCAP_TD10);
		tdx_run_passes(run);
		levels[0].sgx[i] = levels[1].sgx[i] = 10;
		FAILS("DCAP-TCB-LEVEL", run);
		tdx_run_kind(run, 4, DCAP_TD10);
		levels[0].tdx[i] = levels[1].tdx[i] = 4;
		FAILS("DCAP-TCB-LEVEL", run);
		tdx_run_kind(run, 5, DCAP_TD15);
		levels[0].tdx[i] = levels[1].tdx[i] = 4;
		if (i < 2)
			tdx_run_passes(run);
		else
			FAILS("DCAP-TCB-LEVEL", run);
	}
}

static void test_dcap_tcb_level__revoked__fails(void **state)
{
	struct tdx_run *run = *state;

	run->collateral.tcb.levels[0].status = "Revoked";
	FAILS("DCAP-TCB-LEVEL", run);
	assert_false(tcb_of(run)->found);
	tdx_run_again(run);
	tdx_run_kind(run, 5, DCAP_TD15);
	run->collateral.tcb.modules[0].levels[0].status = "Revoked";
	FAILS("DCAP-TCB-LEVEL", run);
}

static void test_dcap_tcb_level__module_not_listed__fails(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_kind(run, 5, DCAP_TD15);
	run->collateral.tcb.modules[0].id = "TDX_02";
	run->scene.body[584 + 1] = 2;
	FAILS("DCAP-TCB-LEVEL", run);
	tdx_run_kind(run, 5, DCAP_TD15);
	run->collateral.tcb.module_count = 0;
	run->scene.body[584 + 1] = 0;
	FAILS("DCAP-TCB-LEVEL", run);
	tdx_run_kind(run, 5, DCAP_TD15);
	run->collateral.tcb.modules[0].id = "tdx_01";
	tdx_run_passes(run);
	run->scene.body[0] = 1;
	FAILS("DCAP-TCB-LEVEL", run);
}

static void test_dcap_tcb__each_status__is_told(void **state)
{
	static const struct {
		const char *name;
		enum dcap_status status;
	} all[] = {
	    {"UpToDate", DCAP_UP_TO_DATE},
	    {"SWHardeningNeeded", DCAP_SW_HARDENING_NEEDED},
	    {"ConfigurationNeeded", DCAP_CONFIGURATION_NEEDED},
	    {"ConfigurationAndSWHardeningNeeded",
	     DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED},
	    {"OutOfDate", DCAP_OUT_OF_DATE},
	    {"OutOfDateConfigurationNeeded", DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED},
	};
	struct tdx_run *run = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		run->collateral.tcb.levels[0].status = all[i].name;
		expect_status(run, all[i].status);
	}
	run->collateral.tcb.levels[0].status = "Fine";
	FAILS("DCAP-TCB-INFO", run);
	run->collateral.tcb.levels[0].status = "TDRelaunchAdvised";
	FAILS("DCAP-TCB-INFO", run);
}

static void test_dcap_tcb__parts_differ__worse_one_counts(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_kind(run, 5, DCAP_TD15);
	run->scene.qe_report[258] = 6;
	expect_status(run, DCAP_OUT_OF_DATE);
	assert_int_equal(tcb_of(run)->platform, DCAP_UP_TO_DATE);
	assert_int_equal(tcb_of(run)->qe, DCAP_OUT_OF_DATE);
	run->scene.body[0] = 2;
	run->scene.body[584] = 2;
	run->collateral.tcb.levels[0].status = "ConfigurationNeeded";
	expect_status(run, DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED);
	assert_int_equal(tcb_of(run)->module, DCAP_OUT_OF_DATE);
	/* All advisories of what was reached, sorted. */
	assert_int_equal(tcb_of(run)->advisory_count, 2);
	assert_string_equal(tcb_of(run)->advisories[0], "INTEL-SA-00001");
	assert_string_equal(tcb_of(run)->advisories[1], "INTEL-SA-00003");
}

static void test_dcap_tcb__advisory_of_two__told_once(void **state)
{
	struct tdx_run *run = *state;

	run->scene.qe_report[258] = 6;
	run->collateral.tcb.levels[0].advisories =
	    "\"INTEL-SA-00009\",\"INTEL-SA-00001\"";
	tdx_run_passes(run);
	assert_int_equal(tcb_of(run)->advisory_count, 2);
	assert_string_equal(tcb_of(run)->advisories[1], "INTEL-SA-00009");
}

/* The host runs a newer module by now; only the guest was started before. */
static void test_dcap_tcb__guest_older_than_the_module__relaunch_advised(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_kind(run, 5, DCAP_TD15);
	run->scene.body[0] = 2;
	run->scene.body[584 + 1] = 0;
	expect_status(run, DCAP_TD_RELAUNCH_ADVISED);
	run->scene.body[584 + 1] = 1;
	expect_status(run, DCAP_TD_RELAUNCH_ADVISED);
	run->collateral.tcb.levels[0].status = "ConfigurationNeeded";
	expect_status(run, DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
	run->collateral.tcb.levels[0].status = "UpToDate";
	/* Not when the module is as old as the guest, */
	run->scene.body[584] = 2;
	expect_status(run, DCAP_OUT_OF_DATE);
	run->scene.body[584] = 3;
	/* nor when its microcode is, */
	run->scene.body[584 + 2] = 2;
	expect_status(run, DCAP_OUT_OF_DATE);
	run->scene.body[584 + 2] = 3;
	/* nor when the quoting enclave is. */
	run->scene.qe_report[258] = 6;
	expect_status(run, DCAP_OUT_OF_DATE);
}

/* It sees all of the guest's memory: so whatever the guest was started under. */
static void test_dcap_tcb__running_module_not_good__fails(void **state)
{
	struct tdx_run *run = *state;
	struct dcap_test_module *module = &run->collateral.tcb.modules[1];

	tdx_run_kind(run, 5, DCAP_TD15);
	run->scene.body[584 + 1] = 2;
	FAILS("DCAP-TCB-LEVEL", run);
	assert_false(tcb_of(run)->found);
	run->scene.body[0] = 2;
	FAILS("DCAP-TCB-LEVEL", run);
	run->scene.body[0] = 3;
	*module = run->collateral.tcb.modules[0];
	module->id = "TDX_02";
	run->collateral.tcb.module_count = 2;
	tdx_run_passes(run);
	module->levels[0].status = "Revoked";
	FAILS("DCAP-TCB-LEVEL", run);
	module->levels[0].status = "UpToDate";
	run->scene.body[584] = 1;
	FAILS("DCAP-TCB-LEVEL", run);
	run->scene.body[584] = 3;
	run->scene.body[584 + 2] = 1;
	FAILS("DCAP-TCB-LEVEL", run);
	/* Before modules had versions: by the components alone. */
	run->scene.body[584 + 2] = 3;
	run->scene.body[584 + 1] = 0;
	tdx_run_passes(run);
	run->scene.body[584] = 1;
	FAILS("DCAP-TCB-LEVEL", run);
	run->scene.body[584] = 2;
	tdx_run_passes(run);
	run->collateral.tcb.levels[1].status = "Revoked";
	FAILS("DCAP-TCB-LEVEL", run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tdx_run_setup, tdx_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_dcap_tcb__all_right__up_to_date),
	    TEST(test_dcap_tcb__numbers_differ__the_smaller_counts),
	    TEST(test_dcap_tcb_info__absent__fails),
	    TEST(test_dcap_qe_identity__absent__fails),
	    TEST(test_dcap_tcb_info__changed_after_signing__fails),
	    TEST(test_dcap_qe_identity__changed_after_signing__fails),
	    TEST(test_dcap_tcb_info__signed_by_another__fails),
	    TEST(test_dcap_document__issued_in_the_future__fails),
	    TEST(test_dcap_document__past_next_update__fails_without_grace),
	    TEST(test_dcap_document__before_the_baseline__fails),
	    TEST(test_dcap_document__kept__as_long_as_it_holds),
	    TEST(test_dcap_document__kept__no_longer_than_the_roots_list),
	    TEST(test_dcap_document__kept__for_the_same_question_only),
	    TEST(test_dcap_document__kept__each_time_has_its_own_list),
	    TEST(test_dcap_tcb_model__of_another__fails),
	    TEST(test_dcap_tcb__documents_of_tdx_for_sgx__fail),
	    TEST(test_dcap_tcb_level__none__fails),
	    TEST(test_dcap_tcb_level__one_component_too_low__none),
	    TEST(test_dcap_tcb_level__revoked__fails),
	    TEST(test_dcap_tcb_level__module_not_listed__fails),
	    TEST(test_dcap_tcb__each_status__is_told),
	    TEST(test_dcap_tcb__parts_differ__worse_one_counts),
	    TEST(test_dcap_tcb__advisory_of_two__told_once),
	    TEST(test_dcap_tcb__guest_older_than_the_module__relaunch_advised),
	    TEST(test_dcap_tcb__running_module_not_good__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
