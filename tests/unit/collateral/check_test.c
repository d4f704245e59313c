/* What a document must show before it is kept. */
#include "collateral/check.h"
#include "collateral/detect.h"
#include "tests/bytes.h"
#include "tests/vendor_scene.h"

enum { NOW = 1900000000, HOUR = 3600, DAY = 24 * HOUR };

static struct vendor_scene scene, stranger;
static struct collateral_rules rules;
static struct tobi_collateral *known; /* all of the scene's issuers */

static int set_up(void **state)
{
	(void)state;
	vendor_scene_make(&scene, NOW);
	vendor_scene_make(&stranger, NOW);
	rules = (struct collateral_rules){scene.pins, scene.pins, NOW, 0};
	known = tobi_collateral_new();
	assert_int_equal(tobi_collateral_add(known, wr_view(&scene.tcb_chain), "f", NULL),
			 0);
	assert_int_equal(
	    tobi_collateral_add(known, wr_view(&scene.platform_chain), "f", NULL), 0);
	assert_int_equal(tobi_collateral_add(known, wr_view(&scene.amd_chain), "f", NULL),
			 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tobi_collateral_free(known);
	vendor_scene_done(&scene);
	vendor_scene_done(&stranger);
	return 0;
}

struct outcome {
	enum tobi_err err;
	enum collateral_checked checked;
};

/* The first document of the bytes, with this chain. */
static struct outcome check(const struct writer *bytes, const struct writer *chain,
			    const struct tobi_collateral *issuers)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct collateral_item item;
	struct outcome outcome;

	assert_int_equal(tobi_collateral_add(set, wr_view(bytes), "f", NULL), TOBI_OK);
	item = *collateral_at(set, 0);
	if (chain)
		item.chain = wr_view(chain);
	outcome.err = collateral_check(&item, issuers, &rules, &outcome.checked, NULL);
	tobi_collateral_free(set);
	return outcome;
}

static void holds(const struct writer *bytes, const struct writer *chain,
		  const struct tobi_collateral *issuers)
{
	struct outcome outcome = check(bytes, chain, issuers);

	assert_int_equal(outcome.err, TOBI_OK);
	assert_int_equal(outcome.checked, COLLATERAL_CHECKED);
}

static void fails(const struct writer *bytes, const struct writer *chain,
		  const struct tobi_collateral *issuers, enum tobi_err err)
{
	assert_int_equal(check(bytes, chain, issuers).err, err);
}

static void test_check__what_vendors_publish__holds(void **state)
{
	(void)state;
	holds(&scene.sgx_tcb_info, &scene.tcb_chain, NULL);
	holds(&scene.tdx_identity, &scene.tcb_chain, NULL);
	holds(&scene.platform_crl, &scene.platform_chain, NULL);
	holds(&scene.platform_crl, NULL, known);
	holds(&scene.root_crl, NULL, known);
	holds(&scene.pck_chain, NULL, NULL);
	holds(&scene.amd_chain, NULL, NULL);
	holds(&scene.amd_crl, NULL, known);
	holds(&scene.vcek_der, NULL, known);
}

static void test_check__issuer_not_at_hand__is_said(void **state)
{
	const struct writer *const documents[] = {&scene.root_crl, &scene.platform_crl,
						  &scene.amd_crl, &scene.vcek_der};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct outcome outcome = check(documents[i], NULL, NULL);

		assert_int_equal(outcome.err, TOBI_OK);
		assert_int_equal(outcome.checked, COLLATERAL_NOT_CHECKED);
	}
	fails(&scene.sgx_tcb_info, NULL, NULL, TOBI_E_CERTIFICATE);
}

static void test_check__another_root__fails(void **state)
{
	(void)state;
	fails(&stranger.sgx_tcb_info, &stranger.tcb_chain, NULL, TOBI_E_CERTIFICATE);
	fails(&stranger.platform_crl, &stranger.platform_chain, NULL, TOBI_E_CERTIFICATE);
	fails(&stranger.pck_chain, NULL, NULL, TOBI_E_CERTIFICATE);
	fails(&stranger.amd_chain, NULL, NULL, TOBI_E_CERTIFICATE);
}

static void test_check__another_signer_of_the_name__fails(void **state)
{
	(void)state;
	fails(&stranger.sgx_tcb_info, &scene.tcb_chain, NULL, TOBI_E_SIGNATURE);
	fails(&stranger.platform_crl, &scene.platform_chain, NULL, TOBI_E_CERTIFICATE);
	fails(&stranger.root_crl, NULL, known, TOBI_E_CERTIFICATE);
	fails(&stranger.amd_crl, NULL, known, TOBI_E_CERTIFICATE);
	fails(&stranger.vcek_der, NULL, known, TOBI_E_CERTIFICATE);
}

static void test_check__issuer_alone__fails(void **state)
{
	struct writer alone = wr_init(8192);

	(void)state;
	vendor_pem(&scene.ark, &alone);
	fails(&alone, NULL, NULL, TOBI_E_MALFORMED);
	wr_done(&alone);
}

static void test_check__dates__count_to_the_second(void **state)
{
	(void)state;
	rules.time = NOW - HOUR;
	holds(&scene.sgx_tcb_info, &scene.tcb_chain, NULL);
	holds(&scene.root_crl, NULL, known);
	rules.time--;
	fails(&scene.sgx_tcb_info, &scene.tcb_chain, NULL, TOBI_E_CERTIFICATE);
	fails(&scene.root_crl, NULL, known, TOBI_E_CERTIFICATE);
	fails(&scene.root_crl, NULL, NULL, TOBI_E_CERTIFICATE);
	rules.time = NOW + DAY - 1;
	holds(&scene.sgx_tcb_info, &scene.tcb_chain, NULL);
	holds(&scene.amd_crl, NULL, known);
	rules.time++;
	fails(&scene.sgx_tcb_info, &scene.tcb_chain, NULL, TOBI_E_CERTIFICATE);
	fails(&scene.amd_crl, NULL, known, TOBI_E_CERTIFICATE);
	fails(&scene.amd_crl, NULL, NULL, TOBI_E_CERTIFICATE);
	rules.grace = 1;
	holds(&scene.sgx_tcb_info, &scene.tcb_chain, NULL);
	holds(&scene.amd_crl, NULL, known);
	rules.grace = 0;
	rules.time = NOW;
}

static void test_check__undated__fails(void **state)
{
	struct writer out = wr_init(8192);

	(void)state;
	vendor_json("tcbInfo", "{\"version\":2,\"fmspc\":\"" VENDOR_FMSPC "\"}",
		    scene.tcb.key, &out);
	fails(&out, &scene.tcb_chain, NULL, TOBI_E_MALFORMED);
	wr_done(&out);
}

static void test_check__no_rule_for_it__is_said(void **state)
{
	struct writer pem = wr_init(8192);
	struct outcome outcome;

	(void)state;
	vendor_pem(&scene.tcb, &pem);
	outcome = check(&pem, NULL, NULL);
	assert_int_equal(outcome.err, TOBI_OK);
	assert_int_equal(outcome.checked, COLLATERAL_NOT_CHECKED);
	wr_done(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_check__what_vendors_publish__holds),
	    cmocka_unit_test(test_check__issuer_not_at_hand__is_said),
	    cmocka_unit_test(test_check__another_root__fails),
	    cmocka_unit_test(test_check__another_signer_of_the_name__fails),
	    cmocka_unit_test(test_check__issuer_alone__fails),
	    cmocka_unit_test(test_check__dates__count_to_the_second),
	    cmocka_unit_test(test_check__undated__fails),
	    cmocka_unit_test(test_check__no_rule_for_it__is_said),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
