/* Tokens of a platform of its own: the right one is accepted, and each check refuses
 * alone. */
#include "appraise/appraise.h"
#include "tee/cca.h"
#include "tests/alone.h"
#include "tests/cca_scene.h"
#include "token/claims_buffer.h"

typedef void (*change_fn)(struct test_cca *cca);

static struct tobi_result *appraise(enum cca_generation generation, change_fn change)
{
	struct test_cca cca;
	struct tobi_result *result;

	test_cca_make(&cca, generation);
	if (change)
		change(&cca);
	result = test_cca_appraise(&cca);
	test_cca_done(&cca);
	return result;
}

static void test_cca__right_token__accepts(void **state)
{
	(void)state;
	for (int i = 0; i < CCA_GENERATIONS; i++)
		expect_accepted(appraise((enum cca_generation)i, NULL));
}

/* ---- what it may also have ---- */

static void is_a_cmw(struct test_cca *cca)
{
	cca->cmw = true;
}
static void is_none(struct test_cca *cca)
{
	cca->cmw = false;
}
static void calls_itself_evidence(struct test_cca *cca)
{
	cca->cmw = true;
	cca->indicator = 4;
}
static void has_one_more(struct test_cca *cca)
{
	cca->one_more = true;
	test_claim_int(&cca->realm, 4711, 1);
	test_claim_int(&cca->platform, 4711, 1);
}
static void hashes_with_sha_512(struct test_cca *cca)
{
	static uint8_t rems[1 + 4 * 66];

	rems[0] = 0x84;
	for (size_t i = 0; i < 4; i++) {
		rems[1 + 66 * i] = 0x58;
		rems[2 + 66 * i] = 64;
	}
	test_claim_text(&cca->realm, 44236, "sha-512");
	test_claim_bytes(&cca->realm, 44238, test_bytes_of(0x12, 64));
	test_claim_raw(&cca->realm, 44239, (struct tobi_bytes){rems, sizeof(rems)});
	test_cca_bind(cca, "sha-512");
	cca->image = "1212121212121212121212121212121212121212121212121212121212121212"
		     "1212121212121212121212121212121212121212121212121212121212121212";
}

static EVP_PKEY *p521_key(void)
{
	static EVP_PKEY *key;

	if (!key)
		key = EVP_EC_gen("P-521");
	assert_non_null(key);
	return key;
}
static EVP_PKEY *p256_key(void)
{
	static EVP_PKEY *key;

	if (!key)
		key = EVP_EC_gen("P-256");
	assert_non_null(key);
	return key;
}
static void has_a_p521_key(struct test_cca *cca)
{
	test_cca_set_key(cca, p521_key(), cca->generation != CCA_LEGACY);
}
static void has_a_p256_key(struct test_cca *cca)
{
	test_cca_set_key(cca, p256_key(), cca->generation != CCA_LEGACY);
}

static void test_cca__what_may_be__accepts(void **state)
{
	const change_fn changes[] = {is_a_cmw,
				     is_none,
				     calls_itself_evidence,
				     has_one_more,
				     hashes_with_sha_512,
				     has_a_p521_key,
				     has_a_p256_key};

	(void)state;
	for (int i = 0; i < CCA_GENERATIONS; i++) {
		for (size_t j = 0; j < sizeof(changes) / sizeof(changes[0]); j++)
			expect_accepted(appraise((enum cca_generation)i, changes[j]));
	}
}

/* ---- how it is signed ---- */

static void has_a_mac(struct test_cca *cca)
{
	cca->realm.secret = test_bytes_of(5, 32);
}
static void does_not_protect_it(struct test_cca *cca)
{
	cca->platform.unprotected_algorithm = true;
}
static void says_no_algorithm(struct test_cca *cca)
{
	cca->realm.without_algorithm = true;
}

static void test_cca__algorithm__refuses(void **state)
{
	struct tobi_result *result = appraise(CCA_REALM_1, has_a_mac);

	(void)state;
	ALSO_FAILS("CCA-ALGORITHM", result);
	ALSO_FAILS("CCA-REALM-SIGNATURE", result);
	tobi_result_free(result);
	result = appraise(CCA_REALM_1, says_no_algorithm);
	ALSO_FAILS("CCA-ALGORITHM", result);
	ALSO_FAILS("CCA-REALM-SIGNATURE", result);
	tobi_result_free(result);
	result = appraise(CCA_REALM_1, does_not_protect_it);
	ALSO_FAILS("CCA-ALGORITHM", result);
	ALSO_FAILS("CCA-PLATFORM-SIGNATURE", result);
	tobi_result_free(result);
}

/* ---- profiles ---- */

static void has_an_unknown_platform(struct test_cca *cca)
{
	test_claim_text(&cca->platform, 265, "tag:arm.com,2030:cca_platform#9.0.0");
}
static void has_an_unknown_realm(struct test_cca *cca)
{
	test_claim_text(&cca->realm, 265, "tag:arm.com,2030:realm#9.0.0");
}

/* Whose key it is, and how it is written, is then not looked at. */
static void test_cca__profile__refuses(void **state)
{
	const change_fn changes[] = {has_an_unknown_platform, has_an_unknown_realm};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tobi_result *result = appraise(CCA_REALM_2, changes[i]);

		ALSO_FAILS("CCA-PROFILE", result);
		assert_int_equal(outcome_of(result, "CCA-REALM-SIGNATURE"), TOBI_NOT_RUN);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		tobi_result_free(result);
	}
}

/* ---- claims ---- */

static void lacks_the_config(struct test_cca *cca)
{
	test_claim_remove(&cca->platform, 2401);
}
static void has_no_components(struct test_cca *cca)
{
	cca->platform.component_count = 0;
}
static void has_an_unknown_hash(struct test_cca *cca)
{
	test_claim_text(&cca->platform, 2402, "md5");
}
static void has_a_text_as_model(struct test_cca *cca)
{
	test_claim_text(&cca->platform, 2396, "01234567890123456789012345678901");
}
static void has_a_large_lifecycle(struct test_cca *cca)
{
	test_claim_int(&cca->platform, 2395, 0x13003);
}

static void test_cca__platform_claims__refuse(void **state)
{
	struct tobi_result *result;

	(void)state;
	FAILS("CCA-PLATFORM-CLAIMS", appraise(CCA_LEGACY, lacks_the_config));
	FAILS("CCA-PLATFORM-CLAIMS", appraise(CCA_REALM_1, has_no_components));
	FAILS("CCA-PLATFORM-CLAIMS", appraise(CCA_REALM_1, has_an_unknown_hash));
	FAILS("CCA-PLATFORM-CLAIMS", appraise(CCA_REALM_1, has_a_text_as_model));
	result = appraise(CCA_REALM_1, has_a_large_lifecycle);
	ALSO_FAILS("CCA-PLATFORM-CLAIMS", result);
	tobi_result_free(result);
}

static void lacks_the_value(struct test_cca *cca)
{
	test_claim_remove(&cca->realm, 44235);
}
static void has_a_short_value(struct test_cca *cca)
{
	test_claim_bytes(&cca->realm, 44235, test_bytes_of(0x99, 63));
}
static void has_an_odd_rim(struct test_cca *cca)
{
	test_claim_bytes(&cca->realm, 44238, test_bytes_of(0x11, 48));
	cca->image = "1111111111111111111111111111111111111111111111111111111111111111"
		     "11111111111111111111111111111111";
}
static void has_three_rems(struct test_cca *cca)
{
	static uint8_t rems[1 + 3 * 34] = {0x83, 0x58, 32};

	rems[35] = rems[69] = 0x58;
	rems[36] = rems[70] = 32;
	test_claim_raw(&cca->realm, 44239, (struct tobi_bytes){rems, sizeof(rems)});
}
static void has_numbers_as_rems(struct test_cca *cca)
{
	static const uint8_t rems[] = {0x84, 1, 2, 3, 4};

	test_claim_raw(&cca->realm, 44239, (struct tobi_bytes){rems, sizeof(rems)});
}
static void measures_with_md5(struct test_cca *cca)
{
	test_claim_text(&cca->realm, 44236, "md5");
}
static void has_mec_2(struct test_cca *cca)
{
	test_claim_int(&cca->realm, 44243, 2);
}
static void lacks_the_mec(struct test_cca *cca)
{
	test_claim_remove(&cca->realm, 44243);
}
static void lacks_the_instance(struct test_cca *cca)
{
	test_claim_remove(&cca->realm, 256);
}
static void has_a_bytes_profile(struct test_cca *cca)
{
	test_claim_bytes(&cca->realm, 265, test_bytes_of(0x61, 20));
}
static void has_a_short_challenge(struct test_cca *cca)
{
	cca->given_nonce = test_bytes_of(0x4e, 32);
	test_claim_bytes(&cca->realm, 10, cca->given_nonce);
}

static void test_cca__realm_claims__refuse(void **state)
{
	const change_fn changes[] = {lacks_the_value,	  has_a_short_value,
				     has_an_odd_rim,	  has_three_rems,
				     has_numbers_as_rems, measures_with_md5};
	struct tobi_result *result;

	(void)state;
	for (int i = 0; i < CCA_GENERATIONS; i++) {
		for (size_t j = 0; j < sizeof(changes) / sizeof(changes[0]); j++)
			FAILS("CCA-REALM-CLAIMS",
			      appraise((enum cca_generation)i, changes[j]));
	}
	FAILS("CCA-REALM-CLAIMS", appraise(CCA_REALM_2, has_mec_2));
	FAILS("CCA-REALM-CLAIMS", appraise(CCA_REALM_2, lacks_the_mec));
	FAILS("CCA-REALM-CLAIMS", appraise(CCA_REALM_2, lacks_the_instance));
	result = appraise(CCA_LEGACY, has_a_bytes_profile);
	ALSO_FAILS("CCA-REALM-CLAIMS", result);
	ALSO_FAILS("CCA-PROFILE", result);
	tobi_result_free(result);
	result = appraise(CCA_REALM_2, has_a_short_challenge);
	ALSO_FAILS("CCA-REALM-CLAIMS", result);
	ALSO_FAILS("CLAIMS-NONCE", result);
	tobi_result_free(result);
}

/* ---- keys ---- */

static void has_a_changed_platform(struct test_cca *cca)
{
	cca->platform.damaged_signature = true;
}
static void is_of_another_platform(struct test_cca *cca)
{
	cca->platform.key = cca->other_key;
}
static void meets_another_root(struct test_cca *cca)
{
	cca->with_other_root = true;
}
static void meets_no_root(struct test_cca *cca)
{
	cca->without_root = true;
}

static void test_cca__platform_signature__refuses(void **state)
{
	const change_fn changes[] = {has_a_changed_platform, is_of_another_platform,
				     meets_another_root, meets_no_root};

	(void)state;
	for (int i = 0; i < CCA_GENERATIONS; i++) {
		for (size_t j = 0; j < sizeof(changes) / sizeof(changes[0]); j++)
			FAILS("CCA-PLATFORM-SIGNATURE",
			      appraise((enum cca_generation)i, changes[j]));
	}
}

static void has_a_changed_realm(struct test_cca *cca)
{
	cca->realm.damaged_signature = true;
}
static void is_signed_by_another(struct test_cca *cca)
{
	cca->realm.key = cca->other_key;
}
static void is_signed_by_the_platform(struct test_cca *cca)
{
	cca->realm.key = cca->cpak;
}

static void test_cca__realm_signature__refuses(void **state)
{
	(void)state;
	FAILS("CCA-REALM-SIGNATURE", appraise(CCA_LEGACY, has_a_changed_realm));
	FAILS("CCA-REALM-SIGNATURE", appraise(CCA_REALM_1, is_signed_by_another));
	FAILS("CCA-REALM-SIGNATURE", appraise(CCA_REALM_2, is_signed_by_the_platform));
}

/* The other generation's form, a point off its curve, and what is no key at all. */
static void has_the_other_form(struct test_cca *cca)
{
	test_cca_set_key(cca, cca->rak, cca->generation == CCA_LEGACY);
}
static void is_off_the_curve(struct test_cca *cca)
{
	cca->realm_key.ptr[cca->realm_key.size - 1] ^= 1;
	test_cca_bind(cca, "sha-256");
}
static void has_a_short_key(struct test_cca *cca)
{
	cca->realm_key.size--;
	test_cca_bind(cca, "sha-256");
}

static void test_cca__realm_key__refuses(void **state)
{
	const change_fn changes[] = {has_the_other_form, is_off_the_curve,
				     has_a_short_key};

	(void)state;
	for (int i = 0; i < CCA_GENERATIONS; i++) {
		for (size_t j = 0; j < sizeof(changes) / sizeof(changes[0]); j++) {
			struct tobi_result *result =
			    appraise((enum cca_generation)i, changes[j]);

			ALSO_FAILS("CCA-REALM-KEY", result);
			assert_int_equal(outcome_of(result, "CCA-BINDING"), TOBI_PASSED);
			assert_int_equal(outcome_of(result, "CCA-REALM-SIGNATURE"),
					 TOBI_NOT_RUN);
			assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
			tobi_result_free(result);
		}
	}
}

/* The realm's token of somebody who has a key of his own. */
static void is_of_another_realm(struct test_cca *cca)
{
	struct tobi_bytes platform = {cca->challenge, cca->challenge_size};
	static uint8_t challenge[64];

	memcpy(challenge, platform.ptr, platform.size);
	test_cca_set_key(cca, cca->other_key, cca->generation != CCA_LEGACY);
	test_claim_bytes(&cca->platform, 10,
			 (struct tobi_bytes){challenge, platform.size});
}
static void names_another_hash(struct test_cca *cca)
{
	test_claim_text(&cca->realm, 44240, "sha-384");
}

static void test_cca__binding__refuses(void **state)
{
	(void)state;
	for (int i = 0; i < CCA_GENERATIONS; i++) {
		FAILS("CCA-BINDING",
		      appraise((enum cca_generation)i, is_of_another_realm));
		FAILS("CCA-BINDING",
		      appraise((enum cca_generation)i, names_another_hash));
	}
}

/* ---- what it was made for ---- */

static struct tobi_result *appraise_bound(struct test_cca *cca, bool right)
{
	struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER);
	static const uint8_t spki[32] = {7};
	uint8_t challenge[64] = {0};
	struct tobi_result *result;

	claims_buffer_write(&claims, cca->given_nonce, spki, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	cca->claims_buffer = wr_view(&claims);
	assert_int_equal(hash_sha256(cca->claims_buffer, challenge), 0);
	challenge[63] ^= !right;
	test_claim_bytes(&cca->realm, 10,
			 (struct tobi_bytes){challenge, sizeof(challenge)});
	result = test_cca_appraise(cca);
	wr_done(&claims);
	return result;
}

static void test_cca__claims_beside_it__must_be_its_own(void **state)
{
	struct test_cca cca;

	(void)state;
	for (int i = 0; i < CCA_GENERATIONS; i++) {
		test_cca_make(&cca, (enum cca_generation)i);
		expect_accepted(appraise_bound(&cca, true));
		FAILS("CCA-REPORT-DATA", appraise_bound(&cca, false));
		cca.record_format = 263;
		expect_accepted(appraise_bound(&cca, true));
		test_cca_done(&cca);
	}
}

/* A nonce of 32 bytes is filled up with zeros. */
static void has_half_a_challenge(struct test_cca *cca)
{
	static uint8_t challenge[64];

	memset(challenge, 0x4d, 32);
	cca->given_nonce = test_bytes_of(0x4d, 32);
	test_claim_bytes(&cca->realm, 10,
			 (struct tobi_bytes){challenge, sizeof(challenge)});
}
static void has_another_challenge(struct test_cca *cca)
{
	test_claim_bytes(&cca->realm, 10, test_bytes_of(0x4d, 64));
}

static void test_cca__nonce(void **state)
{
	(void)state;
	expect_accepted(appraise(CCA_REALM_2, has_half_a_challenge));
	FAILS("CLAIMS-NONCE", appraise(CCA_REALM_2, has_another_challenge));
}

/* ---- what is remembered ---- */

static void expect_second(struct test_cca *cca, const struct tobi_policy *policy,
			  const char *code)
{
	struct writer evidence = wr_init(LIMIT_TOKEN);
	struct tobi_verify_request request = {.nonce = cca->given_nonce, .time = CCA_NOW};
	struct tobi_result *result = NULL;

	test_cca_write(cca, &evidence);
	request.evidence = wr_view(&evidence);
	assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
	if (code)
		FAILS(code, result);
	else
		expect_accepted(result);
	wr_done(&evidence);
}

/* The platform's token is: not the realm's, nor what binds the two. */
static void test_cca__remembered__changes_no_verdict(void **state)
{
	struct test_cca cca;
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	(void)state;
	test_cca_make(&cca, CCA_REALM_2);
	test_cca_policy(&cca, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "cca", &policy, NULL), 0);
	expect_second(&cca, policy, NULL);
	expect_second(&cca, policy, NULL);
	cca.realm.damaged_signature = true;
	expect_second(&cca, policy, "CCA-REALM-SIGNATURE");
	cca.realm.damaged_signature = false;
	cca.platform.damaged_signature = true;
	expect_second(&cca, policy, "CCA-PLATFORM-SIGNATURE");
	cca.platform.damaged_signature = false;
	is_of_another_realm(&cca);
	expect_second(&cca, policy, "CCA-BINDING");
	tobi_policy_free(policy);
	test_cca_done(&cca);
	wr_done(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cca__right_token__accepts),
	    cmocka_unit_test(test_cca__what_may_be__accepts),
	    cmocka_unit_test(test_cca__algorithm__refuses),
	    cmocka_unit_test(test_cca__profile__refuses),
	    cmocka_unit_test(test_cca__platform_claims__refuse),
	    cmocka_unit_test(test_cca__realm_claims__refuse),
	    cmocka_unit_test(test_cca__platform_signature__refuses),
	    cmocka_unit_test(test_cca__realm_signature__refuses),
	    cmocka_unit_test(test_cca__realm_key__refuses),
	    cmocka_unit_test(test_cca__binding__refuses),
	    cmocka_unit_test(test_cca__claims_beside_it__must_be_its_own),
	    cmocka_unit_test(test_cca__nonce),
	    cmocka_unit_test(test_cca__remembered__changes_no_verdict),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	EVP_PKEY_free(p521_key());
	EVP_PKEY_free(p256_key());
	return failed;
}
