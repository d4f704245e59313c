/* Results of a verifier of the tests' own: the right one is accepted, and each check
 * refuses alone. */
#include "codec/json.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/token_scene.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"
#include "token/ear.h"

typedef void (*change_fn)(struct token_scene *scene);

static struct tobi_result *appraise(change_fn change)
{
	struct token_scene scene;
	struct tobi_result *result;

	token_scene_ear(&scene);
	if (change)
		change(&scene);
	result = token_scene_appraise(&scene);
	token_scene_done(&scene);
	return result;
}

static json_t *appraisal(struct token_scene *scene)
{
	return json_object_get(json_object_get(scene->claims, "submods"), "cpu0");
}

static void as_cwt(struct token_scene *scene)
{
	scene->form = TOKEN_CWT;
}
static void names_key(struct token_scene *scene)
{
	scene->header = TOKEN_NAMES_KEY;
}
static void cwt_names_key(struct token_scene *scene)
{
	scene->form = TOKEN_CWT;
	scene->header = TOKEN_NAMES_KEY;
}
static void has_chain(struct token_scene *scene)
{
	scene->header = TOKEN_HAS_CHAIN;
	scene->roots = "ca";
}
static void cwt_has_chain(struct token_scene *scene)
{
	has_chain(scene);
	scene->form = TOKEN_CWT;
}
static void of_trustee(struct token_scene *scene)
{
	json_t *claims = scene->claims, *one = appraisal(scene);

	json_object_set_new(claims, "eat_profile", json_string(EAR_PROFILE_TRUSTEE));
	json_object_set(claims, "ear.verifier-id",
			json_object_get(claims, "ear_verifier_id"));
	json_object_del(claims, "ear_verifier_id");
	json_object_set_new(one, "ear.status", json_string("affirming"));
	json_object_set(one, "ear.trustworthiness-vector",
			json_object_get(one, "ear_trustworthiness_vector"));
	json_object_set_new(one, "ear.appraisal-policy-id", json_string("agreed"));
	json_object_del(one, "ear_status");
	json_object_del(one, "ear_trustworthiness_vector");
	json_object_del(one, "ear_appraisal_policy_ids");
}
static void of_veraison(struct token_scene *scene)
{
	of_trustee(scene);
	json_object_set_new(scene->claims, "eat_profile",
			    json_string(EAR_PROFILE_VERAISON));
	json_object_set_new(appraisal(scene), "ear.status", json_integer(2));
}

static void test_ear__right_result__accepts(void **state)
{
	static const change_fn right[] = {NULL,		 as_cwt,     names_key,
					  cwt_names_key, has_chain,  cwt_has_chain,
					  of_trustee,	 of_veraison};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		expect_accepted(appraise(right[i]));
}

/* ---- each check refuses alone ---- */

static void has_unknown_profile(struct token_scene *scene)
{
	json_object_set_new(scene->claims, "eat_profile",
			    json_string("tag:ietf.org,2026:rats/ear#99"));
}
static void test_ear__unknown_profile__refused(void **state)
{
	(void)state;
	FIRST_FAILS("EAR-PROFILE", appraise(has_unknown_profile));
}

static void lacks_time(struct token_scene *scene)
{
	json_object_del(scene->claims, "iat");
}
static void lacks_submods(struct token_scene *scene)
{
	json_object_set_new(scene->claims, "submods", json_object());
}
static void lacks_status(struct token_scene *scene)
{
	json_object_del(appraisal(scene), "ear_status");
}
static void lacks_developer(struct token_scene *scene)
{
	json_object_del(json_object_get(scene->claims, "ear_verifier_id"), "developer");
}
static void has_fraction(struct token_scene *scene)
{
	json_object_set_new(scene->claims, "iat", json_real(1899999990.5));
}
static void has_large_value(struct token_scene *scene)
{
	json_object_set_new(
	    json_object_get(appraisal(scene), "ear_trustworthiness_vector"), "hardware",
	    json_integer(128));
}
static void has_unknown_claim(struct token_scene *scene)
{
	json_object_set_new(
	    json_object_get(appraisal(scene), "ear_trustworthiness_vector"), "karma",
	    json_integer(2));
}
static void has_unknown_status(struct token_scene *scene)
{
	json_object_set_new(appraisal(scene), "ear_status", json_string("splendid"));
}
static void has_status_between(struct token_scene *scene)
{
	json_object_set_new(appraisal(scene), "ear_status", json_integer(3));
}
static void has_short_nonce(struct token_scene *scene)
{
	json_object_set_new(scene->claims, "eat_nonce", json_string("short"));
}
static void has_policy_number(struct token_scene *scene)
{
	json_object_set_new(appraisal(scene), "ear_appraisal_policy_ids",
			    json_pack("[i]", 1));
}
static void has_both_generations(struct token_scene *scene)
{
	json_object_set_new(appraisal(scene), "ear.status",
			    json_string("contraindicated"));
}

static void test_ear__wrong_form__refused(void **state)
{
	static const change_fn wrong[] = {
	    lacks_time,	     lacks_submods,	lacks_status,	    lacks_developer,
	    has_fraction,    has_large_value,	has_unknown_claim,  has_unknown_status,
	    has_short_nonce, has_policy_number, has_status_between, has_both_generations,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		FIRST_FAILS("EAR-FORMAT", appraise(wrong[i]));
}

static void signed_by_other(struct token_scene *scene)
{
	scene->signs = scene->other;
}
static void cwt_signed_by_other(struct token_scene *scene)
{
	scene->signs = scene->other;
	scene->form = TOKEN_CWT;
}
static void names_its_own(struct token_scene *scene)
{
	scene->signs = scene->names = scene->other;
	scene->header = TOKEN_NAMES_KEY;
}
static void chain_of_another(struct token_scene *scene)
{
	scene->header = TOKEN_HAS_CHAIN; /* the policy has another key, and no CA */
	scene->signs = scene->other;
}
static void chain_is_old(struct token_scene *scene)
{
	has_chain(scene);
	scene->now = TOKEN_NOW + 200000;
	json_object_set_new(scene->claims, "iat", json_integer(scene->now));
}
static void without_roots(struct token_scene *scene)
{
	scene->roots = "none";
}
static void test_ear__somebody_else__refused(void **state)
{
	static const change_fn wrong[] = {signed_by_other, cwt_signed_by_other,
					  names_its_own,   chain_of_another,
					  chain_is_old,	   without_roots};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		FIRST_FAILS("EAR-SIGNER", appraise(wrong[i]));
}

static void names_another(struct token_scene *scene)
{
	scene->header = TOKEN_NAMES_KEY;
	scene->signs = scene->other;
}
static void cwt_names_another(struct token_scene *scene)
{
	names_another(scene);
	scene->form = TOKEN_CWT;
}
static void chain_but_other_key(struct token_scene *scene)
{
	has_chain(scene);
	scene->signs = scene->other;
}
static void test_ear__signature_of_another_key__refused(void **state)
{
	(void)state;
	FAILS("EAR-SIGNATURE", appraise(names_another));
	FAILS("EAR-SIGNATURE", appraise(cwt_names_another));
	FAILS("EAR-SIGNATURE", appraise(chain_but_other_key));
}

/* Every bit of the token is signed, or changes what it is. */
static void test_ear__changed_byte__never_accepted(void **state)
{
	static const enum token_form forms[] = {TOKEN_JWT, TOKEN_CWT};

	(void)state;
	for (size_t form = 0; form < 2; form++) {
		struct writer token = wr_init(LIMIT_EVIDENCE);
		struct token_scene scene;

		token_scene_ear(&scene);
		scene.form = forms[form];
		token_scene_write(&scene, &token);
		for (size_t i = 0; i < token.size; i += 7) {
			struct tobi_result *result = NULL;

			token.ptr[i] ^= 1;
			if (!token_scene_try(&scene, wr_view(&token), &result, NULL))
				assert_int_equal(tobi_result_verdict(result),
						 TOBI_REFUSE);
			tobi_result_free(result);
			token.ptr[i] ^= 1;
		}
		wr_done(&token);
		token_scene_done(&scene);
	}
}

static void test_ear__every_truncation__never_accepted(void **state)
{
	struct writer token = wr_init(LIMIT_EVIDENCE);
	struct token_scene scene;

	(void)state;
	token_scene_ear(&scene);
	scene.form = TOKEN_CWT;
	token_scene_write(&scene, &token);
	for (size_t size = 0; size < token.size; size++) {
		struct block block = block_new((struct tobi_bytes){token.ptr, size});
		struct tobi_result *result = NULL;

		assert_int_not_equal(
		    token_scene_try(&scene, block_view(block), &result, NULL), TOBI_OK);
		assert_null(result);
		block_done(block);
	}
	wr_done(&token);
	token_scene_done(&scene);
}

static void has_expired(struct token_scene *scene)
{
	json_object_set_new(scene->claims, "exp", json_integer(TOKEN_NOW));
}
static void is_from_the_future(struct token_scene *scene)
{
	json_object_set_new(scene->claims, "iat", json_integer(TOKEN_NOW + 61));
}
static void is_not_yet_valid(struct token_scene *scene)
{
	json_object_set_new(scene->claims, "nbf", json_integer(TOKEN_NOW + 61));
}
static void is_just_valid(struct token_scene *scene)
{
	json_object_set_new(scene->claims, "exp", json_integer(TOKEN_NOW + 1));
	json_object_set_new(scene->claims, "iat", json_integer(TOKEN_NOW + 60));
}
static void test_ear__time__within_its_bounds_only(void **state)
{
	(void)state;
	expect_accepted(appraise(is_just_valid));
	FAILS("EAR-TIME", appraise(has_expired));
	FAILS("EAR-TIME", appraise(is_from_the_future));
	FAILS("EAR-TIME", appraise(is_not_yet_valid));
}

static void claims_more_than_it_has(struct token_scene *scene)
{
	json_object_set_new(
	    json_object_get(appraisal(scene), "ear_trustworthiness_vector"), "hardware",
	    json_integer(97));
}
static void test_ear__status_better_than_vector__refused(void **state)
{
	(void)state;
	FAILS("EAR-STATUS", appraise(claims_more_than_it_has));
}

/* In a collection, with claims about a key. */
static struct tobi_result *in_collection(bool own_key)
{
	struct writer claims = wr_init(4096);
	struct token_scene scene;
	struct tobi_result *result = NULL;
	const struct cmw_record cpu = {
	    text_bytes("cpu"), text_bytes("application/vnd.tobichi.ear"), 0, {0}, 0};

	token_scene_ear(&scene);
	token_scene_claims(&scene, own_key, &claims);
	assert_int_equal(
	    token_scene_collect(&scene, cpu, wr_view(&claims), NULL, &result), 0);
	wr_done(&claims);
	return result;
}

/* Each within its bounds, and all of them together. */
static void test_ear__signers_of_several_attesters__refused(void **state)
{
	const char *image = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	(void)state;
	for (size_t count = 2; count <= 32; count += 6) {
		struct token_scene scene;
		json_t *submods;

		token_scene_ear(&scene);
		submods = json_object_get(scene.claims, "submods");
		for (size_t i = 0; i < count; i++) {
			json_t *one = json_deep_copy(json_object_get(submods, "cpu0"));
			json_t *own = json_pack("{s:s, s:[s,s,s,s,s,s,s,s]}", "image",
						image, "signers", image, image, image,
						image, image, image, image, image);
			char name[16];

			snprintf(name, sizeof(name), "cpu%zu", i);
			json_object_set_new(one, "tobichi", own);
			json_object_set_new(submods, name, one);
		}
		FIRST_FAILS("EAR-FORMAT", token_scene_appraise(&scene));
		token_scene_done(&scene);
	}
}

static void test_ear__with_claims__of_the_key_that_it_names(void **state)
{
	(void)state;
	expect_accepted(in_collection(true));
	FAILS("EAR-BINDING", in_collection(false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ear__right_result__accepts),
	    cmocka_unit_test(test_ear__unknown_profile__refused),
	    cmocka_unit_test(test_ear__wrong_form__refused),
	    cmocka_unit_test(test_ear__somebody_else__refused),
	    cmocka_unit_test(test_ear__signature_of_another_key__refused),
	    cmocka_unit_test(test_ear__changed_byte__never_accepted),
	    cmocka_unit_test(test_ear__every_truncation__never_accepted),
	    cmocka_unit_test(test_ear__time__within_its_bounds_only),
	    cmocka_unit_test(test_ear__status_better_than_vector__refused),
	    cmocka_unit_test(test_ear__signers_of_several_attesters__refused),
	    cmocka_unit_test(test_ear__with_claims__of_the_key_that_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
