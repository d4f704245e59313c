/* Tokens of a device of its own: the right one is accepted, and each check refuses alone.
 */
#include "appraise/appraise.h"
#include "tee/psa.h"
#include "tests/alone.h"
#include "tests/psa_scene.h"
#include "token/claims_buffer.h"

/* What is changed, of the labels of its generation. */
typedef void (*change_fn)(struct test_psa *psa, const struct psa_labels *labels);

static struct tobi_result *appraise(enum psa_generation generation, change_fn change)
{
	struct test_psa psa;
	struct tobi_result *result;

	test_psa_make(&psa, generation);
	if (change)
		change(&psa, &psa_labels[generation]);
	result = test_psa_appraise(&psa);
	test_psa_done(&psa);
	return result;
}

/* Of the verifier alone: what is no PSA token may be one of another kind. */
static enum tobi_err error_of(enum psa_generation generation, change_fn change)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist *list = arena_alloc(&arena, sizeof(*list));
	struct tee_claims *claims = arena_alloc(&arena, sizeof(*claims));
	struct writer evidence = wr_init(LIMIT_TOKEN);
	struct tee_request request = {.time = PSA_NOW};
	struct tobi_fault fault = {0};
	struct test_psa psa;
	enum tobi_err err;

	assert_non_null(list);
	assert_non_null(claims);
	list->arena = &arena;
	test_psa_make(&psa, generation);
	change(&psa, &psa_labels[generation]);
	test_psa_write(&psa, &evidence);
	request.evidence = wr_view(&evidence);
	err = tee_psa.examine(&request, list, claims, &fault);
	assert_int_equal(err, fault.code);
	test_psa_done(&psa);
	wr_done(&evidence);
	arena_done(&arena);
	return err;
}

static void test_psa__right_token__accepts(void **state)
{
	(void)state;
	for (int i = 0; i < PSA_GENERATIONS; i++)
		expect_accepted(appraise((enum psa_generation)i, NULL));
}

/* ---- what it may also have ---- */

static void is_a_cwt(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.is_cwt = true;
}
static void has_unknown_claims(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_claim_int(&psa->token, 4711, 1);
	psa->token.text_label = true;
}
static void has_no_seed(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_remove(&psa->token, labels->seed);
}
static void has_a_reference(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_claim_text(&psa->token, 2398, "0604565272829-10010");
}
static void has_nonce_48(struct test_psa *psa, const struct psa_labels *labels)
{
	psa->given_nonce = test_bytes_of(0x4f, 48);
	test_claim_bytes(&psa->token, labels->nonce, psa->given_nonce);
}
static void says_no_profile(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_remove(&psa->token, labels->profile);
}

static void test_psa__what_may_be__accepts(void **state)
{
	(void)state;
	expect_accepted(appraise(PSA_TFM, is_a_cwt));
	expect_accepted(appraise(PSA_TFM, has_unknown_claims));
	expect_accepted(appraise(PSA_TFM, has_no_seed));
	expect_accepted(appraise(PSA_2, has_a_reference));
	expect_accepted(appraise(PSA_1, has_nonce_48));
	expect_accepted(appraise(PSA_1, says_no_profile));
}

/* ---- the envelope ---- */

static void says_no_algorithm(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.without_algorithm = true;
}
static void does_not_protect_it(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.unprotected_algorithm = true;
}
static void says_eddsa(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.algorithm = COSE_EDDSA;
}
static void says_es384(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.algorithm = COSE_ES384;
}

/* What is signed with an algorithm that does not count is not verified either. */
static void test_psa__algorithm__refuses(void **state)
{
	const change_fn changes[] = {says_no_algorithm, does_not_protect_it, says_eddsa};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct tobi_result *result = appraise(PSA_TFM, changes[i]);

		ALSO_FAILS("PSA-ALGORITHM", result);
		ALSO_FAILS("PSA-SIGNATURE", result);
		tobi_result_free(result);
	}
	/* It is known, and not that of the key. */
	FAILS("PSA-SIGNATURE", appraise(PSA_TFM, says_es384));
}

static void is_untagged(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.tag = -1;
}
static void has_another_tag(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.tag = 98;
}
static void has_no_payload(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.without_payload = true;
}
static void is_followed(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->trailing = 1;
}
static void has_a_claim_twice(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.twice_the_first = true;
}

static void test_psa__no_token__is_an_error(void **state)
{
	(void)state;
	assert_int_equal(error_of(PSA_TFM, is_untagged), TOBI_E_MALFORMED);
	assert_int_equal(error_of(PSA_TFM, has_another_tag), TOBI_E_MALFORMED);
	assert_int_equal(error_of(PSA_TFM, has_no_payload), TOBI_E_MALFORMED);
	assert_int_equal(error_of(PSA_TFM, is_followed), TOBI_E_TRAILING);
	assert_int_equal(error_of(PSA_TFM, has_a_claim_twice), TOBI_E_MALFORMED);
}

static void test_psa__cut_short__is_an_error(void **state)
{
	struct test_psa psa;
	struct writer evidence = wr_init(LIMIT_TOKEN), yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	(void)state;
	test_psa_make(&psa, PSA_TFM);
	test_psa_write(&psa, &evidence);
	test_psa_policy(&psa, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "psa", &policy, NULL), 0);
	for (size_t size = 0; size < evidence.size; size++) {
		struct tobi_verify_request request = {.evidence = {evidence.ptr, size},
						      .nonce = psa.given_nonce,
						      .time = PSA_NOW};
		struct tobi_result *result = NULL;

		assert_int_not_equal(tobi_verify(policy, &request, &result, NULL), 0);
	}
	tobi_policy_free(policy);
	test_psa_done(&psa);
	wr_done(&evidence);
	wr_done(&yaml);
}

/* ---- the claims ---- */

static void lacks_the_nonce(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_remove(&psa->token, labels->nonce);
	psa->given_nonce = (struct tobi_bytes){0};
	psa->allow = "no-nonce";
}
static void lacks_the_instance(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_remove(&psa->token, labels->instance);
}
static void lacks_the_client(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_remove(&psa->token, labels->client);
}
static void lacks_the_model(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_remove(&psa->token, labels->implementation);
}
static void has_a_short_nonce(struct test_psa *psa, const struct psa_labels *labels)
{
	psa->given_nonce = test_bytes_of(0x4e, 31);
	test_claim_bytes(&psa->token, labels->nonce, psa->given_nonce);
}
static void has_a_nonce_of_40(struct test_psa *psa, const struct psa_labels *labels)
{
	psa->given_nonce = test_bytes_of(0x4e, 40);
	test_claim_bytes(&psa->token, labels->nonce, psa->given_nonce);
}
static void has_a_short_instance(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_bytes(&psa->token, labels->instance, test_bytes_of(1, 32));
}
static void is_no_random_instance(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_bytes(&psa->token, labels->instance, test_bytes_of(2, 33));
}
static void has_client_0(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_int(&psa->token, labels->client, 0);
}
static void has_a_large_client(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_int(&psa->token, labels->client, INT64_C(1) << 31);
}
static void has_a_text_as_model(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_text(&psa->token, labels->implementation,
			"01234567890123456789012345678901");
}
static void has_a_bytes_profile(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_bytes(&psa->token, labels->profile, test_bytes_of(0x61, 32));
	psa->section = "  no-measurements: allowed\n  profiles: [any]\n";
}
static void has_no_components(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.component_count = 0;
}
static void has_no_list(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.components_label = 0;
}
static void has_no_measurement(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.components[1].value.size = 0;
}
static void has_no_signer(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.components[0].signer.size = 0;
}
static void has_a_short_measurement(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.components[0].value.size = 20;
}
static void has_a_wrong_reference(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_claim_text(&psa->token, 2398, "0604565272829+10010");
}
static void has_a_long_seed(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_bytes(&psa->token, labels->seed, test_bytes_of(3, 33));
}
static void says_both(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_claim_int(&psa->token, -75007, 1);
	psa->section = "  no-measurements: allowed\n";
}
static void says_2(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.components_label = 0;
	test_claim_int(&psa->token, -75007, 2);
	psa->section = "  no-measurements: allowed\n";
}
static void says_nothing(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.components_label = 0;
}

static bool claims_refuse(enum psa_generation generation, change_fn change)
{
	struct tobi_result *result = appraise(generation, change);
	bool failed = outcome_of(result, "PSA-CLAIMS") == TOBI_FAILED &&
		      outcome_of(result, "PSA-SIGNATURE") == TOBI_PASSED;

	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
	return failed;
}

static void test_psa__claims__refuse(void **state)
{
	const change_fn alone[] = {lacks_the_client,	    lacks_the_instance,
				   lacks_the_model,	    has_a_short_nonce,
				   has_a_nonce_of_40,	    has_a_short_instance,
				   is_no_random_instance,   has_client_0,
				   has_a_large_client,	    has_a_text_as_model,
				   has_a_short_measurement, has_a_long_seed};
	const change_fn not_alone[] = {lacks_the_nonce, has_no_components,
				       has_no_list,	has_no_measurement,
				       has_no_signer,	has_a_bytes_profile};

	(void)state;
	for (int i = 0; i < PSA_GENERATIONS; i++) {
		for (size_t j = 0; j < sizeof(alone) / sizeof(alone[0]); j++)
			FAILS("PSA-CLAIMS", appraise((enum psa_generation)i, alone[j]));
		for (size_t j = 0; j < sizeof(not_alone) / sizeof(not_alone[0]); j++)
			assert_true(claims_refuse((enum psa_generation)i, not_alone[j]));
	}
	FAILS("PSA-CLAIMS", appraise(PSA_TFM, has_a_wrong_reference));
	FAILS("PSA-CLAIMS", appraise(PSA_1, has_no_seed));
	FAILS("PSA-CLAIMS", appraise(PSA_1, says_both));
	FAILS("PSA-CLAIMS", appraise(PSA_1, says_2));
	assert_true(claims_refuse(PSA_1, says_nothing));
}

/* ---- whose key ---- */

static void is_changed(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.damaged_signature = true;
}
static void is_of_another(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->token.key = psa->other_key;
}
static void meets_another_root(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->with_other_root = true;
}
static void meets_no_root(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	psa->without_root = true;
}

static void test_psa__signature__refuses(void **state)
{
	(void)state;
	FAILS("PSA-SIGNATURE", appraise(PSA_TFM, is_changed));
	FAILS("PSA-SIGNATURE", appraise(PSA_TFM, is_of_another));
	FAILS("PSA-SIGNATURE", appraise(PSA_TFM, meets_another_root));
	FAILS("PSA-SIGNATURE", appraise(PSA_TFM, meets_no_root));
}

static void shares_a_key(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_psa_share_key(psa);
}
static void shares_none(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_psa_share_key(psa);
	psa->given_secret = (struct tobi_bytes){0};
}
static void shares_another(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_psa_share_key(psa);
	psa->given_secret = test_bytes_of(0x5f, 32);
}
static void shares_under_a_root(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_psa_share_key(psa);
	psa->without_root = false;
}
static void has_another_mac(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_psa_share_key(psa);
	psa->token.damaged_signature = true;
}
static void calls_a_mac_es256(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_psa_share_key(psa);
	psa->token.algorithm = COSE_ES256;
}
static void calls_it_a_signature(struct test_psa *psa, const struct psa_labels *labels)
{
	(void)labels;
	test_psa_share_key(psa);
	psa->token.tag = 18;
}

static void test_psa__mac__needs_the_key_and_no_root(void **state)
{
	struct tobi_result *result = appraise(PSA_TFM, shares_a_key);

	(void)state;
	expect_allowance(result, "SHARED KEY");
	expect_accepted(result);
	FAILS("PSA-SIGNATURE", appraise(PSA_TFM, shares_none));
	FAILS("PSA-SIGNATURE", appraise(PSA_TFM, shares_another));
	FAILS("PSA-SIGNATURE", appraise(PSA_TFM, shares_under_a_root));
	FAILS("PSA-SIGNATURE", appraise(PSA_TFM, has_another_mac));
	result = appraise(PSA_TFM, calls_a_mac_es256);
	ALSO_FAILS("PSA-ALGORITHM", result);
	ALSO_FAILS("PSA-SIGNATURE", result);
	tobi_result_free(result);
	result = appraise(PSA_TFM, calls_it_a_signature);
	ALSO_FAILS("PSA-ALGORITHM", result);
	ALSO_FAILS("PSA-SIGNATURE", result);
	tobi_result_free(result);
}

/* ---- what it was made for ---- */

static struct tobi_result *appraise_bound(struct test_psa *psa, bool right)
{
	struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER);
	static const uint8_t spki[32] = {7};
	uint8_t hash[SHA256_SIZE];
	struct tobi_result *result;

	claims_buffer_write(&claims, psa->given_nonce, spki, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	psa->claims_buffer = wr_view(&claims);
	assert_int_equal(hash_sha256(psa->claims_buffer, hash), 0);
	hash[0] ^= !right;
	test_claim_bytes(&psa->token, 10, (struct tobi_bytes){hash, sizeof(hash)});
	result = test_psa_appraise(psa);
	wr_done(&claims);
	return result;
}

static void test_psa__claims_beside_it__must_be_its_own(void **state)
{
	static const uint64_t formats[] = {0, 263, 10003};
	struct test_psa psa;

	(void)state;
	test_psa_make(&psa, PSA_TFM);
	for (size_t i = 0; i < 3; i++) {
		psa.content_format = formats[i];
		expect_accepted(appraise_bound(&psa, true));
		FAILS("PSA-BINDING", appraise_bound(&psa, false));
	}
	test_psa_done(&psa);
}

static void has_another_nonce(struct test_psa *psa, const struct psa_labels *labels)
{
	test_claim_bytes(&psa->token, labels->nonce, test_bytes_of(0x4d, 32));
}

static void test_psa__another_nonce__refuses(void **state)
{
	(void)state;
	FAILS("CLAIMS-NONCE", appraise(PSA_TFM, has_another_nonce));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_psa__right_token__accepts),
	    cmocka_unit_test(test_psa__what_may_be__accepts),
	    cmocka_unit_test(test_psa__algorithm__refuses),
	    cmocka_unit_test(test_psa__no_token__is_an_error),
	    cmocka_unit_test(test_psa__cut_short__is_an_error),
	    cmocka_unit_test(test_psa__claims__refuse),
	    cmocka_unit_test(test_psa__signature__refuses),
	    cmocka_unit_test(test_psa__mac__needs_the_key_and_no_root),
	    cmocka_unit_test(test_psa__claims_beside_it__must_be_its_own),
	    cmocka_unit_test(test_psa__another_nonce__refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
