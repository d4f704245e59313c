/* Tokens of an attester of the tests' own: the right one is accepted, and each check
 * refuses alone. Submodules are in eat_submods_test.c. */
#include "codec/base64.h"
#include "codec/json.h"
#include "pki/key.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/token_scene.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

typedef void (*change_fn)(struct token_scene *scene);

static const char open_policy[] =
    "eat:\n  sw-names: [firmware]\n  profiles: [\"tag:example,2026:p\"]\n";

static struct tobi_result *appraise(change_fn change)
{
	struct token_scene scene;
	struct tobi_result *result;

	token_scene_eat(&scene);
	if (change)
		change(&scene);
	result = token_scene_appraise(&scene);
	token_scene_done(&scene);
	return result;
}

static void set(struct token_scene *scene, const char *name, json_t *value)
{
	json_object_set_new(scene->claims, name, value);
}

static void as_jwt(struct token_scene *scene)
{
	scene->form = TOKEN_JWT;
	scene->more = open_policy;
	set(scene, "eat_profile", json_string("tag:example,2026:p"));
	set(scene, "dbgstat", json_string("disabled-permanently"));
}
static void has_chain(struct token_scene *scene)
{
	scene->header = TOKEN_HAS_CHAIN;
	scene->roots = "both";
}
static void has_two_nonces(struct token_scene *scene)
{
	as_jwt(scene);
	set(scene, "eat_nonce", json_pack("[s, s]", "b3RoZXJvdGhlcg", "bm9uY2Vub25jZQ"));
}
static void nonce_is_text(struct token_scene *scene)
{
	as_jwt(scene);
	set(scene, "eat_nonce", json_string("a nonce in words"));
	scene->nonce = text_bytes("a nonce in words");
}
static void has_more(struct token_scene *scene)
{
	set(scene, "4711", json_string("unknown"));
	set(scene, "hwversion", json_pack("[s]", "2"));
}

static void test_eat__right_token__accepts(void **state)
{
	static const change_fn right[] = {NULL,		  as_jwt,	 has_chain,
					  has_two_nonces, nonce_is_text, has_more};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		expect_accepted(appraise(right[i]));
}

/* ---- form: a claim and a value that it cannot have ---- */

static void test_eat__wrong_claims__refused(void **state)
{
	static const struct {
		const char *name, *json;
	} wrong[] = {
	    {"eat_nonce", "[\"short\"]"},
	    {"eat_nonce", "[[\"bm9uY2Vub25jZQ\"]]"},
	    {"eat_nonce", "[7]"},
	    {"ueid", "[\"AXV1\"]"},
	    {"ueid", "[\"CXV1dXV1dXV1dXV1dXV1dXU\"]"},
	    {"ueid", "[\"not base64url!\"]"},
	    {"oemid", "[\"AQIDBA\"]"},
	    {"hwmodel", "[\"\"]"},
	    {"hwversion", "[\"1.0\"]"},
	    {"hwversion", "[[1]]"},
	    {"swname", "[4]"},
	    {"swversion", "[[\"1\", 2, 3]]"},
	    {"dbgstat", "[5]"},
	    {"dbgstat", "[\"off\"]"},
	    {"intuse", "[0]"},
	    {"intuse", "[6]"},
	    {"uptime", "[-1]"},
	    {"uptime", "[1.5]"},
	    {"bootcount", "[\"3\"]"},
	    {"oemboot", "[1]"},
	    {"iat", "[1899999990.5]"},
	    {"iat", "[-5]"},
	    {"exp", "[\"soon\"]"},
	    {"eat_profile", "[7]"},
	    {"submods", "[[]]"},
	    {"measurements", "[{}]"},
	    {"location", "[[]]"},
	    {"nonce", "[\"bm9uY2Vub25jZQ\"]"},
	    {"iss", "[\"\"]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct token_scene scene;
		json_t *value = json_loads(wrong[i].json, 0, NULL);

		assert_non_null(value);
		token_scene_eat(&scene);
		as_jwt(&scene);
		json_object_set(scene.claims, wrong[i].name, json_array_get(value, 0));
		FIRST_FAILS("EAT-FORMAT", token_scene_appraise(&scene));
		json_decref(value);
		token_scene_done(&scene);
	}
}

static void lacks_oemid(struct token_scene *scene)
{
	json_object_del(scene->claims, "oemid");
}
static void lacks_swname(struct token_scene *scene)
{
	json_object_del(scene->claims, "swname");
}
static void test_eat__claim_without_what_it_needs__refused(void **state)
{
	(void)state;
	FIRST_FAILS("EAT-FORMAT", appraise(lacks_oemid));
	FIRST_FAILS("EAT-FORMAT", appraise(lacks_swname));
}

/* ---- the profile's own rules ---- */

static void constrained_jwt(struct token_scene *scene)
{
	scene->form = TOKEN_JWT;
}
static void constrained_without_nonce(struct token_scene *scene)
{
	json_object_del(scene->claims, "eat_nonce");
	scene->nonce = (struct tobi_bytes){0};
	scene->more = "allow: [no-nonce]\neat:\n  sw-names: [firmware]\n";
}
static void constrained_without_name(struct token_scene *scene)
{
	json_object_del(scene->claims, "ueid");
	scene->header = TOKEN_NO_KEY;
}
static void constrained_eddsa(struct token_scene *scene)
{
	EVP_PKEY_free(scene->signer);
	assert_int_equal(key_new(KEY_ED25519, &scene->signer, NULL), 0);
	scene->signs = scene->names = scene->signer;
}
static void test_eat__against_the_standard_profile__refused(void **state)
{
	(void)state;
	FAILS("EAT-PROFILE", appraise(constrained_jwt));
	FAILS("EAT-PROFILE", appraise(constrained_without_nonce));
	FAILS("EAT-PROFILE", appraise(constrained_without_name));
	FAILS("EAT-PROFILE", appraise(constrained_eddsa));
}

/* ---- who signed ---- */

static void signed_by_other(struct token_scene *scene)
{
	scene->signs = scene->names = scene->other;
}
static void without_roots(struct token_scene *scene)
{
	scene->roots = "none";
}
static void names_another(struct token_scene *scene)
{
	scene->signs = scene->other;
}
static void test_eat__somebody_else__refused(void **state)
{
	(void)state;
	FIRST_FAILS("EAT-SIGNER", appraise(signed_by_other));
	FIRST_FAILS("EAT-SIGNER", appraise(without_roots));
	FAILS("EAT-SIGNATURE", appraise(names_another));
}

/* ---- time ---- */

static void has_expired(struct token_scene *scene)
{
	set(scene, "exp", json_integer(TOKEN_NOW));
}
static void is_from_the_future(struct token_scene *scene)
{
	set(scene, "iat", json_integer(TOKEN_NOW + 61));
}
static void is_not_yet_valid(struct token_scene *scene)
{
	set(scene, "nbf", json_integer(TOKEN_NOW + 61));
}
static void has_no_time(struct token_scene *scene)
{
	json_object_del(scene->claims, "iat");
}
static void is_old(struct token_scene *scene)
{
	set(scene, "iat", json_integer(TOKEN_NOW - 3601));
}
static void test_eat__time__within_its_bounds_only(void **state)
{
	(void)state;
	expect_accepted(appraise(has_no_time));
	FAILS("EAT-TIME", appraise(has_expired));
	FAILS("EAT-TIME", appraise(is_from_the_future));
	FAILS("EAT-TIME", appraise(is_not_yet_valid));
	FAILS("POLICY-FRESHNESS", appraise(is_old));
}

/* ---- what holds for all kinds ---- */

static void says_enabled(struct token_scene *scene)
{
	set(scene, "dbgstat", json_integer(0));
}
static void says_nothing_of_debugging(struct token_scene *scene)
{
	json_object_del(scene->claims, "dbgstat");
}
static void has_another_nonce(struct token_scene *scene)
{
	scene->nonce = text_bytes("another one");
}
static void test_eat__debugging_or_another_nonce__refused(void **state)
{
	(void)state;
	FAILS("POLICY-DEBUG", appraise(says_enabled));
	FAILS("POLICY-DEBUG", appraise(says_nothing_of_debugging));
	FAILS("CLAIMS-NONCE", appraise(has_another_nonce));
}

/* In a collection the nonce is the hash of the claims. */
static struct tobi_result *in_collection(bool bound)
{
	struct writer claims = wr_init(4096), hash64 = wr_init(100);
	struct token_scene scene;
	struct tobi_result *result = NULL;
	uint8_t hash[SHA256_SIZE];
	const struct cmw_record cpu = {
	    text_bytes("cpu"), text_bytes("application/eat+cwt"), 0, {0}, CMW_EVIDENCE};

	token_scene_eat(&scene);
	claims_buffer_write(&claims, scene.nonce, scene.attester_spki, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	assert_int_equal(hash_sha256(wr_view(&claims), hash), 0);
	base64url_write(&hash64, (struct tobi_bytes){hash, sizeof(hash)});
	if (bound)
		json_object_set_new(scene.claims, "eat_nonce",
				    json_stringn((const char *)hash64.ptr, hash64.size));
	assert_int_equal(
	    token_scene_collect(&scene, cpu, wr_view(&claims), NULL, &result), 0);
	wr_done(&claims);
	wr_done(&hash64);
	return result;
}

static void test_eat__in_a_collection__bound_to_its_claims(void **state)
{
	(void)state;
	expect_accepted(in_collection(true));
	FAILS("EAT-BINDING", in_collection(false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_eat__right_token__accepts),
	    cmocka_unit_test(test_eat__wrong_claims__refused),
	    cmocka_unit_test(test_eat__claim_without_what_it_needs__refused),
	    cmocka_unit_test(test_eat__against_the_standard_profile__refused),
	    cmocka_unit_test(test_eat__somebody_else__refused),
	    cmocka_unit_test(test_eat__time__within_its_bounds_only),
	    cmocka_unit_test(test_eat__debugging_or_another_nonce__refused),
	    cmocka_unit_test(test_eat__in_a_collection__bound_to_its_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
