/* What an EAR must have and may have, claim by claim; who signed it, and the whole
 * appraisal, are in tests/unit/tee/ear_test.c. */
#include "tests/bytes.h"
#include "token/ear.h"

static struct arena arena;

static int enter(void **state)
{
	(void)state;
	arena = arena_init(4 << 20);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

#define VERIFIER "\"ear_verifier_id\": {\"developer\": \"d\", \"build\": \"b\"}"
#define HEAD "\"eat_profile\": \"" EAR_PROFILE_NEW "\", \"iat\": 9, " VERIFIER
#define ONE "\"submods\": {\"a\": {\"ear_status\": \"affirming\"}}"

static enum tobi_err read_text(const char *text, struct ear *ear,
			       struct tobi_fault *fault)
{
	json_t *tree = json_loads(text, 0, NULL);
	enum tobi_err err;

	if (!tree)
		fail_msg("no JSON: %s", text);
	err = ear_read(tree, &arena, ear, fault);
	json_decref(tree);
	return err;
}

static void test_ear_read__new_generation__all_of_it(void **state)
{
	struct ear ear;

	(void)state;
	assert_int_equal(
	    read_text("{" HEAD ", \"exp\": 20, \"nbf\": 5, \"iss\": \"i\", "
		      "\"ear_raw_evidence\": \"AAAA\", \"eat_nonce\": \"bm9uY2Vub25jZQ\","
		      "\"submods\": {\"a\": {\"ear_status\": 32, "
		      "\"ear_trustworthiness_vector\": {\"hardware\": -128, "
		      "\"sourced-data\": 127}, \"ear_appraisal_policy_ids\": "
		      "[\"p\", \"q\"]}, \"b\": {\"ear_status\": \"none\"}}}",
		      &ear, NULL),
	    0);
	assert_false(ear.old);
	assert_true(ear.issued == 9 && ear.expires == 20 && ear.not_before == 5);
	assert_string_equal(ear.developer, "d");
	assert_string_equal(ear.build, "b");
	assert_string_equal(ear.issuer, "i");
	assert_int_equal(ear.raw_evidence, 3);
	/* The text itself, and what it is the base64url of. */
	assert_int_equal(ear.nonce_count, 2);
	assert_bytes_equal(ear.nonces[0], text_bytes("bm9uY2Vub25jZQ"));
	assert_bytes_equal(ear.nonces[1], text_bytes("noncenonce"));
	assert_int_equal(ear.appraisal_count, 2);
	assert_string_equal(ear.appraisals[0].name, "a");
	assert_int_equal(ear.appraisals[0].status, EAR_WARNING);
	assert_int_equal(ear.appraisals[0].vector.values[AR4SI_HARDWARE], -128);
	assert_int_equal(ear.appraisals[0].vector.values[AR4SI_SOURCES], 127);
	assert_false(ear.appraisals[0].vector.has[AR4SI_FILES]);
	assert_int_equal(ear.appraisals[0].policy_count, 2);
	assert_string_equal(ear.appraisals[0].policies[1], "q");
	assert_int_equal(ear.appraisals[1].status, EAR_NONE);
}

static void test_ear_read__old_generation__by_its_names(void **state)
{
	struct ear ear;

	(void)state;
	assert_int_equal(
	    read_text("{\"eat_profile\": \"" EAR_PROFILE_VERAISON "\", \"iat\": 9, "
		      "\"ear.verifier-id\": {\"developer\": \"d\", \"build\": \"b\"}, "
		      "\"submods\": {\"a\": {\"ear.status\": \"warning\", "
		      "\"ear.trustworthiness-vector\": {\"hardware\": 2}, "
		      "\"ear.appraisal-policy-id\": \"p\"}}}",
		      &ear, NULL),
	    0);
	assert_true(ear.old);
	assert_int_equal(ear.appraisals[0].status, EAR_WARNING);
	assert_int_equal(ear.appraisals[0].vector.values[AR4SI_HARDWARE], 2);
	assert_string_equal(ear.appraisals[0].policies[0], "p");
}

static void test_ear_read__wrong__names_the_member(void **state)
{
	static const struct {
		const char *text, *field;
		enum tobi_err err;
	} wrong[] = {
	    {"{\"iat\": 9, " VERIFIER ", " ONE "}", "eat_profile", TOBI_E_MALFORMED},
	    {"{\"eat_profile\": \"rats/ear#9\", \"iat\": 9, " VERIFIER ", " ONE "}",
	     "eat_profile", TOBI_E_UNSUPPORTED},
	    {"{\"eat_profile\": \"" EAR_PROFILE_NEW "\", " VERIFIER ", " ONE "}", "iat",
	     TOBI_E_MALFORMED},
	    {"{\"eat_profile\": \"" EAR_PROFILE_NEW "\", \"iat\": 0, " VERIFIER ", " ONE
	     "}",
	     "iat", TOBI_E_MALFORMED},
	    {"{\"eat_profile\": \"" EAR_PROFILE_NEW
	     "\", \"iat\": 9007199254740993, " VERIFIER ", " ONE "}",
	     "iat", TOBI_E_MALFORMED},
	    {"{\"eat_profile\": \"" EAR_PROFILE_NEW "\", \"iat\": 9, " ONE "}",
	     "developer", TOBI_E_MALFORMED},
	    {"{\"eat_profile\": \"" EAR_PROFILE_NEW "\", \"iat\": 9, "
	     "\"ear_verifier_id\": {\"developer\": \"d\"}, " ONE "}",
	     "build", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"exp\": \"9\", " ONE "}", "exp", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"nbf\": 1.5, " ONE "}", "nbf", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"iss\": 1, " ONE "}", "iss", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"eat_nonce\": \"short\", " ONE "}", "eat_nonce",
	     TOBI_E_MALFORMED},
	    {"{" HEAD ", \"ear_raw_evidence\": 1, " ONE "}", "ear_raw_evidence",
	     TOBI_E_MALFORMED},
	    {"{" HEAD "}", "submods", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {}}", "submods", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": 1}}", "submods", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {}}}", "ear_status", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {\"ear_status\": 3}}}", "ear_status",
	     TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {\"ear_status\": \"good\"}}}", "ear_status",
	     TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {\"ear_status\": 2, \"ear.status\": 2}}}",
	     "ear_status", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {\"ear_status\": 2, "
	     "\"ear_trustworthiness_vector\": {\"hardwar\": 2}}}}",
	     "ear_trustworthiness_vector", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {\"ear_status\": 2, "
	     "\"ear_trustworthiness_vector\": {\"hardware\": 128}}}}",
	     "ear_trustworthiness_vector", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {\"ear_status\": 2, "
	     "\"ear_trustworthiness_vector\": {\"hardware\": -129}}}}",
	     "ear_trustworthiness_vector", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {\"ear_status\": 2, "
	     "\"ear_appraisal_policy_ids\": [1]}}}",
	     "ear_appraisal_policy_ids", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {\"ear_status\": 2, "
	     "\"ear_veraison_key_attestation\": {\"akpub\": \"AAAA\"}}}}",
	     "ear.veraison.key-attestation", TOBI_E_MALFORMED},
	    {"{" HEAD ", \"submods\": {\"a\": {\"ear_status\": 2, \"tobichi\": {}}, "
	     "\"b\": {\"ear_status\": 2, \"tobichi\": {}}}}",
	     "tobichi", TOBI_E_MALFORMED},
	};
	struct ear ear;

	(void)state;
	assert_int_equal(read_text("{" HEAD ", " ONE "}", &ear, NULL), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct tobi_fault fault = {0};

		if (read_text(wrong[i].text, &ear, &fault) != wrong[i].err ||
		    strcmp(fault.field, wrong[i].field) != 0)
			fail_msg("%s: %d, %s", wrong[i].text, fault.code, fault.field);
	}
}

static enum tobi_err with_count(size_t submods, size_t policies, size_t nonces)
{
	json_t *tree =
	    json_loads("{" HEAD ", \"submods\": {}, \"eat_nonce\": []}", 0, NULL);
	json_t *list = json_object_get(tree, "submods");
	struct ear ear;
	enum tobi_err err;

	for (size_t i = 0; i < submods; i++) {
		json_t *one = json_pack("{s:s, s:[]}", "ear_status", "none",
					"ear_appraisal_policy_ids");
		char name[8];

		for (size_t j = 0; j < policies; j++)
			json_array_append_new(
			    json_object_get(one, "ear_appraisal_policy_ids"),
			    json_string("p"));
		snprintf(name, sizeof(name), "%zu", i);
		json_object_set_new(list, name, one);
	}
	/* No base64url: one reading of each. */
	for (size_t i = 0; i < nonces; i++)
		json_array_append_new(json_object_get(tree, "eat_nonce"),
				      json_string("nonce.nonce"));
	err = ear_read(tree, &arena, &ear, NULL);
	json_decref(tree);
	return err;
}

static void test_ear_read__counts__at_their_bounds(void **state)
{
	(void)state;
	assert_int_equal(with_count(EAR_SUBMODS_MAX, EAR_POLICIES_MAX, EAR_NONCES_MAX),
			 0);
	assert_int_equal(with_count(EAR_SUBMODS_MAX + 1, 0, 0), TOBI_E_LIMIT);
	assert_int_equal(with_count(1, EAR_POLICIES_MAX + 1, 0), TOBI_E_MALFORMED);
	assert_int_equal(with_count(1, 0, EAR_NONCES_MAX + 1), TOBI_E_LIMIT);
}

static void test_ear_read__without_memory__says_so(void **state)
{
	json_t *tree = json_loads("{" HEAD ", " ONE "}", 0, NULL);
	struct ear ear;

	(void)state;
	for (size_t size = 0; size < sizeof(struct ear); size += sizeof(struct ear) / 3) {
		struct arena small = arena_init(size);

		assert_int_equal(ear_read(tree, &small, &ear, NULL), TOBI_E_MEMORY);
		arena_done(&small);
	}
	json_decref(tree);
}

static bool is_ear(const char *text)
{
	json_t *tree = json_loads(text, 0, NULL);
	bool is = ear_is(tree);

	json_decref(tree);
	return is;
}

static void test_ear_is__by_profile_or_verifier(void **state)
{
	(void)state;
	assert_true(is_ear("{\"eat_profile\": \"" EAR_PROFILE_TRUSTEE "\"}"));
	assert_true(is_ear("{\"eat_profile\": \"tag:ietf.org,2027:rats/ear#09\"}"));
	assert_true(is_ear("{\"ear.verifier-id\": {}}"));
	assert_false(is_ear("{\"eat_profile\": \"urn:ietf:rfc:rfc9711\"}"));
	assert_false(is_ear("{}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ear_read__new_generation__all_of_it),
	    cmocka_unit_test(test_ear_read__old_generation__by_its_names),
	    cmocka_unit_test(test_ear_read__wrong__names_the_member),
	    cmocka_unit_test(test_ear_read__counts__at_their_bounds),
	    cmocka_unit_test(test_ear_read__without_memory__says_so),
	    cmocka_unit_test(test_ear_is__by_profile_or_verifier),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
