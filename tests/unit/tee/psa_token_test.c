/* PSA tokens: what they are known by. */
#include "tee/psa_token.h"
#include "tee/tee.h"
#include "tests/cca_scene.h"
#include "tests/check.h"
#include "tests/psa_scene.h"

static bool is_known(const struct test_token *token)
{
	struct writer out = wr_init(LIMIT_TOKEN);
	bool known;

	test_token_write(token, &out);
	known = psa_token_is(wr_view(&out));
	/* One that ends too early is not. */
	assert_false(psa_token_is((struct tobi_bytes){out.ptr, out.size / 2}));
	wr_done(&out);
	return known;
}

static void test_psa_token__is_known_by_its_labels(void **state)
{
	struct test_psa psa;

	(void)state;
	for (int i = 0; i < PSA_GENERATIONS; i++) {
		test_psa_make(&psa, (enum psa_generation)i);
		assert_true(is_known(&psa.token));
		psa.token.is_cwt = true;
		assert_true(is_known(&psa.token));
		test_psa_share_key(&psa);
		assert_true(is_known(&psa.token));
		psa.token.tag = 19;
		assert_false(is_known(&psa.token));
		test_psa_done(&psa);
	}
}

/* EAT's claims alone are somebody else's. */
static void test_psa_token__another_token__is_none(void **state)
{
	struct test_psa psa;

	(void)state;
	test_psa_make(&psa, PSA_TFM);
	for (int64_t label = 2394; label <= 2398; label++)
		test_claim_remove(&psa.token, label);
	psa.token.components_label = 0;
	assert_false(is_known(&psa.token));
	test_psa_done(&psa);
}

/* Half of a CCA token is PSA's neighbour, and of no profile of PSA's. */
static void test_psa_token__platform_of_cca_alone__refuses(void **state)
{
	struct test_cca cca;
	struct test_psa psa;
	struct tobi_result *result;

	(void)state;
	test_cca_make(&cca, CCA_REALM_1);
	test_psa_make(&psa, PSA_TFM);
	assert_true(is_known(&cca.platform));
	psa.token = cca.platform;
	psa.token.key = psa.key;
	result = test_psa_appraise(&psa);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
	test_psa_done(&psa);
	test_cca_done(&cca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_psa_token__is_known_by_its_labels),
	    cmocka_unit_test(test_psa_token__another_token__is_none),
	    cmocka_unit_test(test_psa_token__platform_of_cca_alone__refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
