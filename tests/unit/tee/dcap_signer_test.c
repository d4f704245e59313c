/* Who signs what Intel publishes: over whole quotes, whose documents are signed to fit.
 */
#include "tests/tdx_run.h"

#include "pki/memo.h"
#include "tee/dcap_collateral.h"

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

/* ---- certificates that came beside the document ---- */

static void put_certificate(const struct tdx_run *run, enum dcap_scene_role role,
			    struct tobi_collateral *set)
{
	struct collateral_item item = {.kind = COLLATERAL_CERTIFICATE, .name = ""};
	struct writer pem = wr_init(LIMIT_PEM);

	dcap_scene_pem(&run->scene, role, &pem);
	item.data = wr_view(&pem);
	assert_int_equal(collateral_put(set, &item, NULL), TOBI_OK);
	wr_done(&pem);
}

static enum tobi_err find(const struct tdx_run *run, const struct tobi_collateral *set)
{
	const struct tee_request request = {.collateral = set,
					    .pins = dcap_scene_pins(),
					    .time = DCAP_NOW,
					    .memo = run->memo};
	struct dcap_document *document = NULL;
	enum tobi_err err = dcap_document_find(&request, COLLATERAL_TDX_TCB_INFO,
					       "00906EA10000", &document, NULL);

	dcap_document_unref(document);
	return err;
}

static void test_dcap_signer__beside_the_document__not_known_without(void **state)
{
	struct tdx_run *run = *state;
	struct tobi_collateral *with = tobi_collateral_new(),
			       *without = tobi_collateral_new();
	const struct collateral_item *item;

	assert_non_null(with);
	assert_non_null(without);
	run->memo = memo_new();
	run->collateral.tcb.document.chain_count = 0;
	dcap_test_put(&run->scene, &run->collateral, without);
	/* The very same, byte for byte: signed again they would be others. */
	for (size_t i = 0; (item = collateral_at(without, i)); i++)
		assert_int_equal(collateral_put(with, item, NULL), TOBI_OK);
	put_certificate(run, DCAP_TCB_SIGNER, with);
	assert_int_equal(find(run, with), TOBI_E_CERTIFICATE);
	put_certificate(run, DCAP_ROOT, with);
	assert_int_equal(find(run, with), TOBI_OK);
	assert_int_equal(find(run, without), TOBI_E_CERTIFICATE);
	assert_int_equal(find(run, with), TOBI_OK);
	tobi_collateral_free(with);
	tobi_collateral_free(without);
	memo_free(run->memo);
	run->memo = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tdx_run_setup, tdx_run_teardown)

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
	    TEST(test_dcap_signer__beside_the_document__not_known_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
