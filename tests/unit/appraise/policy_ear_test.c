/* The section ear of a policy: each rule refuses alone, and wrong keys are named. */
#include "codec/base64.h"
#include "codec/json.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/token_scene.h"
#include "token/cmw.h"

static json_t *appraisal(struct token_scene *scene)
{
	return json_object_get(json_object_get(scene->claims, "submods"), "cpu0");
}

static struct tobi_result *with(const char *more, void (*change)(struct token_scene *))
{
	struct token_scene scene;
	struct tobi_result *result;

	token_scene_ear(&scene);
	scene.more = more;
	if (change)
		change(&scene);
	result = token_scene_appraise(&scene);
	token_scene_done(&scene);
	return result;
}

static void test_policy_ear__all_that_it_says__accepts(void **state)
{
	(void)state;
	expect_accepted(
	    with("ear:\n  policies: [other, agreed]\n"
		 "  profiles: [\"tag:ietf.org,2026:rats/ear#03\"]\n"
		 "  verifiers: [\"https://verifier.example\"]\n  submods: [cpu0]\n"
		 "  min-status: affirming\n  claims:\n"
		 "    - {claim: hardware, min: affirming}\n"
		 "    - {claim: executables, min: warning}\n",
		 NULL));
}

static void test_policy_ear__another_profile_verifier_policy__refused(void **state)
{
	(void)state;
	FAILS("POLICY-EAR-PROFILE",
	      with("ear:\n  policies: [agreed]\n"
		   "  profiles: [\"tag:github.com,2023:veraison/ear\"]\n",
		   NULL));
	FAILS("POLICY-EAR-VERIFIER",
	      with("ear:\n  policies: [agreed]\n  verifiers: [somebody]\n", NULL));
	FAILS("POLICY-EAR-POLICIES", with("ear:\n  policies: [other]\n", NULL));
	FAILS("POLICY-EAR-SUBMODS",
	      with("ear:\n  policies: [agreed]\n  submods: [cpu0, gpu0]\n", NULL));
}

/* ---- status ---- */

static void warns(struct token_scene *scene)
{
	json_object_set_new(appraisal(scene), "ear_status", json_string("warning"));
}
static void contraindicates(struct token_scene *scene)
{
	json_object_set_new(appraisal(scene), "ear_status",
			    json_string("contraindicated"));
}
static void says_nothing(struct token_scene *scene)
{
	json_object_set_new(appraisal(scene), "ear_status", json_string("none"));
	json_object_set_new(appraisal(scene), "ear_trustworthiness_vector",
			    json_pack("{s:i}", "hardware", 0));
}
static void second_is_bad(struct token_scene *scene)
{
	json_object_set_new(json_object_get(scene->claims, "submods"), "gpu0",
			    json_pack("{s:s, s:[s]}", "ear_status", "contraindicated",
				      "ear_appraisal_policy_ids", "agreed"));
}
static void second_is_of_another_policy(struct token_scene *scene)
{
	json_object_set_new(json_object_get(scene->claims, "submods"), "gpu0",
			    json_pack("{s:s, s:[s]}", "ear_status", "affirming",
				      "ear_appraisal_policy_ids", "lax"));
}

static void test_policy_ear__status_below_the_least__refused(void **state)
{
	static const char strict[] = "ear:\n  policies: [agreed]\n";
	static const char lax[] = "ear:\n  policies: [agreed]\n  min-status: warning\n";
	struct tobi_result *result = with(lax, warns);

	(void)state;
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(strstr(tobi_result_allowance(result, 1), "WARNING"));
	tobi_result_free(result);
	FAILS("POLICY-EAR-STATUS", with(strict, warns));
	FAILS("POLICY-EAR-STATUS", with(strict, contraindicates));
	FAILS("POLICY-EAR-STATUS", with(lax, contraindicates));
	FAILS("POLICY-EAR-STATUS", with(strict, says_nothing));
	FAILS("POLICY-EAR-STATUS", with(lax, says_nothing));
	/* Every attester in the result counts, not the first alone. */
	FAILS("POLICY-EAR-STATUS", with(strict, second_is_bad));
	FAILS("POLICY-EAR-POLICIES", with(strict, second_is_of_another_policy));
}

static void hardware_is_weak(struct token_scene *scene)
{
	json_object_set_new(
	    json_object_get(appraisal(scene), "ear_trustworthiness_vector"), "hardware",
	    json_integer(32));
	warns(scene);
}

static void test_policy_ear__claim_below_its_least__refused(void **state)
{
	static const char lax[] = "ear:\n  policies: [agreed]\n  min-status: warning\n"
				  "  claims: [{claim: hardware, min: warning}]\n";
	static const char strict[] = "ear:\n  policies: [agreed]\n  min-status: warning\n"
				     "  claims: [{claim: hardware, min: affirming}]\n";

	(void)state;
	expect_accepted(with(lax, hardware_is_weak));
	FAILS("POLICY-EAR-CLAIMS", with(strict, hardware_is_weak));
	/* What the verifier did not look at is not good. */
	FAILS("POLICY-EAR-CLAIMS",
	      with("ear:\n  policies: [agreed]\n"
		   "  claims: [{claim: file-system, min: warning}]\n",
		   NULL));
}

/* ---- binding ---- */

static void names_nobody(struct token_scene *scene)
{
	json_object_del(scene->claims, "cnf");
}
static void names_by_hash(struct token_scene *scene)
{
	struct writer text = wr_init(100);

	base64url_write(&text, (struct tobi_bytes){scene->attester_spki, SHA256_SIZE});
	json_object_set_new(
	    scene->claims, "cnf",
	    json_pack("{s:o}", "kid", json_stringn((const char *)text.ptr, text.size)));
	wr_done(&text);
}

static struct tobi_result *bound(bool by_policy, bool right,
				 void (*change)(struct token_scene *))
{
	struct token_scene scene;
	struct tobi_result *result;
	struct writer pem = wr_init(LIMIT_PEM);
	struct tobi_bytes piece;
	char hex[2 * SHA256_SIZE + 1], more[256];

	token_scene_ear(&scene);
	hex_write((struct tobi_bytes){scene.attester_spki, SHA256_SIZE}, hex,
		  sizeof(hex));
	hex[0] = right ? hex[0] : hex[0] == '0' ? '1' : '0';
	snprintf(more, sizeof(more), "ear:\n  policies: [agreed]\n  keys: [%s]\n", hex);
	assert_int_equal(
	    key_write_public(right ? scene.attester : scene.other, &pem, NULL), 0);
	piece = wr_view(&pem);
	if (by_policy) {
		scene.more = more;
	} else {
		scene.pieces = &piece;
		scene.piece_count = 1;
	}
	if (change)
		change(&scene);
	result = token_scene_appraise(&scene);
	token_scene_done(&scene);
	wr_done(&pem);
	return result;
}

static void test_policy_ear__binding__to_the_key_that_is_meant(void **state)
{
	static const char bearer[] = "ear:\n  policies: [agreed]\n  binding: bearer\n";
	struct tobi_result *result;

	(void)state;
	expect_accepted(bound(true, true, NULL));
	expect_accepted(bound(false, true, NULL));
	expect_accepted(bound(true, true, names_by_hash));
	FAILS("POLICY-EAR-BINDING", bound(true, false, NULL));
	FAILS("POLICY-EAR-BINDING", bound(false, false, NULL));
	FAILS("POLICY-EAR-BINDING", bound(true, false, names_by_hash));
	FAILS("POLICY-EAR-BINDING", bound(true, true, names_nobody));
	FAILS("POLICY-EAR-BINDING", with("ear:\n  policies: [agreed]\n", names_nobody));
	result = with(bearer, names_nobody);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(strstr(tobi_result_allowance(result, 1), "BEARER"));
	tobi_result_free(result);
}

/* Whoever wraps a result could put the key of anybody's result beside it. */
static void test_policy_ear__binding__key_in_the_wrapper__is_nobodys_word(void **state)
{
	struct writer token = wr_init(65536), pem = wr_init(LIMIT_PEM),
		      all = wr_init(1 << 20);
	struct token_scene scene;
	struct tobi_result *result = NULL;
	char more[256], hex[2 * SHA256_SIZE + 1];
	uint8_t other[SHA256_SIZE];
	struct cmw_record records[2] = {
	    {text_bytes("result"), text_bytes("application/vnd.tobichi.ear"), 0, {0}, 0},
	    {text_bytes("key"), text_bytes("application/x-pem-file"), 0, {0}, 0}};

	(void)state;
	token_scene_ear(&scene);
	assert_int_equal(key_spki_sha256(scene.other, other, NULL), 0);
	hex_write((struct tobi_bytes){other, sizeof(other)}, hex, sizeof(hex));
	snprintf(more, sizeof(more), "ear:\n  policies: [agreed]\n  keys: [%s]\n", hex);
	scene.more = more;
	token_scene_write(&scene, &token);
	assert_int_equal(key_write_public(scene.attester, &pem, NULL), 0);
	records[0].value = wr_view(&token);
	records[1].value = wr_view(&pem);
	cmw_write(&all, records, 2);
	assert_int_equal(token_scene_try(&scene, wr_view(&all), &result, NULL), 0);
	FAILS("POLICY-EAR-BINDING", result);
	token_scene_done(&scene);
	wr_done(&token);
	wr_done(&pem);
	wr_done(&all);
}

static void is_old(struct token_scene *scene)
{
	json_object_set_new(scene->claims, "iat", json_integer(TOKEN_NOW - 61));
}
static void has_another_nonce(struct token_scene *scene)
{
	scene->nonce = text_bytes("another nonce");
}

static void test_policy_ear__age_and_nonce__as_for_all_kinds(void **state)
{
	(void)state;
	expect_accepted(with("max-age: 61\near:\n  policies: [agreed]\n", is_old));
	FAILS("POLICY-FRESHNESS",
	      with("max-age: 60\near:\n  policies: [agreed]\n", is_old));
	FAILS("CLAIMS-NONCE", with("ear:\n  policies: [agreed]\n", has_another_nonce));
}

static void test_policy_ear__wrong_keys__named(void **state)
{
	static const struct {
		const char *yaml, *field;
	} wrong[] = {
	    {"images: []\n", ""},
	    {"", "images"},
	    {"ear:\n  verifiers: [a]\n", "images"},
	    {"ear:\n  policies: [a]\n  min-status: none\n", "ear.min-status"},
	    {"ear:\n  policies: [a]\n  min-status: contraindicated\n", "ear.min-status"},
	    {"ear:\n  policies: [a]\n  claims: [{claim: karma, min: warning}]\n",
	     "ear.claims.claim"},
	    {"ear:\n  policies: [a]\n  claims: [{claim: hardware, min: none}]\n",
	     "ear.claims.min"},
	    {"ear:\n  policies: [a]\n  claims: [{claim: hardware, min: warning}, {claim: "
	     "hardware, min: affirming}]\n",
	     "ear.claims.claim"},
	    {"ear:\n  policies: [a]\n  keys: [00]\n", "ear.keys"},
	    {"ear:\n  policies: [a]\n  binding: loose\n", "ear.binding"},
	    {"ear:\n  policies: [a]\n  binding: bearer\n  keys: "
	     "[0000000000000000000000000000000000000000000000000000000000000000]\n",
	     "ear.binding"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};
		char yaml[512];

		snprintf(yaml, sizeof(yaml),
			 "version: 1\ntiers: [ear]\nidentity: {mode: any-instance}\n%s",
			 wrong[i].yaml);
		assert_int_equal(
		    tobi_policy_parse(text_bytes(yaml), "test", &policy, &fault),
		    TOBI_E_MALFORMED);
		assert_string_equal(fault.field, wrong[i].field);
		assert_null(policy);
	}
}

static void test_policy_ear__section_without_its_tier__refused(void **state)
{
	static const char *const sections[] = {"ear", "eat"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};
		char yaml[256];

		snprintf(yaml, sizeof(yaml),
			 "version: 1\ntiers: [sgx]\nidentity: {mode: any-instance}\n"
			 "images: [%064d]\n%s: {profiles: [a]}\n",
			 0, sections[i]);
		assert_int_equal(
		    tobi_policy_parse(text_bytes(yaml), "test", &policy, &fault),
		    TOBI_E_MALFORMED);
		assert_string_equal(fault.field, sections[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_ear__all_that_it_says__accepts),
	    cmocka_unit_test(test_policy_ear__another_profile_verifier_policy__refused),
	    cmocka_unit_test(test_policy_ear__status_below_the_least__refused),
	    cmocka_unit_test(test_policy_ear__claim_below_its_least__refused),
	    cmocka_unit_test(test_policy_ear__binding__to_the_key_that_is_meant),
	    cmocka_unit_test(
		test_policy_ear__binding__key_in_the_wrapper__is_nobodys_word),
	    cmocka_unit_test(test_policy_ear__age_and_nonce__as_for_all_kinds),
	    cmocka_unit_test(test_policy_ear__wrong_keys__named),
	    cmocka_unit_test(test_policy_ear__section_without_its_tier__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
