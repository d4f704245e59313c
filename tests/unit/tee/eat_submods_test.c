/* Submodules: claims, tokens in tokens, detached claims, and what is wrong with each. */
#include "codec/base64.h"
#include "codec/cbor.h"
#include "pki/key.h"
#include "tee/eat_submods.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/token_scene.h"

static const char policy[] =
    "eat:\n  sw-names: [firmware]\n  profiles: [\"tag:example,2026:p\"]\n";
static const char lax_policy[] =
    "eat:\n  sw-names: [firmware]\n  profiles: [\"tag:example,2026:p\"]\n"
    "  unproven-submods: [part]\n";
static const char asking_policy[] =
    "eat:\n  sw-names: [firmware]\n  profiles: [\"tag:example,2026:p\"]\n"
    "  submods: [part]\n";

static void make(struct token_scene *scene, enum token_form form)
{
	token_scene_eat(scene);
	scene->form = form;
	scene->more = policy;
	json_object_set_new(scene->claims, "eat_profile",
			    json_string("tag:example,2026:p"));
}

static json_t *nested_of(const struct token_scene *scene, json_t *claims,
			 enum token_form form, EVP_PKEY *signs)
{
	struct token_scene inner = *scene;
	struct writer token = wr_init(65536), text = wr_init(65536);
	json_t *json;

	inner.form = form;
	inner.signs = inner.names = signs;
	inner.claims = claims;
	token_scene_write(&inner, &token);
	json_decref(inner.claims);
	if (form == TOKEN_CWT)
		base64url_write(&text, wr_view(&token));
	else
		wr_bytes(&text, token.ptr, token.size);
	json = json_pack("[s, o]", form == TOKEN_CWT ? "CBOR" : "JWT",
			 json_stringn((const char *)text.ptr, text.size));
	wr_done(&token);
	wr_done(&text);
	return json;
}

static json_t *nested(const struct token_scene *scene, enum token_form form,
		      EVP_PKEY *signs)
{
	return nested_of(
	    scene,
	    json_pack("{s:s, s:s}", "swname", "inner", "eat_nonce", "aW5uZXJub25jZQ"),
	    form, signs);
}

static struct tobi_result *with_part(json_t *part, const char *more)
{
	struct token_scene scene;
	struct tobi_result *result;

	make(&scene, TOKEN_JWT);
	scene.more = more;
	json_object_set_new(scene.claims, "submods", json_pack("{s:o}", "part", part));
	result = token_scene_appraise(&scene);
	token_scene_done(&scene);
	return result;
}

static struct tobi_result *with_nested(enum token_form form, bool trusted,
				       const char *more)
{
	struct token_scene scene;
	struct tobi_result *result;

	make(&scene, TOKEN_JWT);
	scene.more = more;
	json_object_set_new(
	    scene.claims, "submods",
	    json_pack("{s:o}", "part",
		      nested(&scene, form, trusted ? scene.signer : scene.other)));
	result = token_scene_appraise(&scene);
	token_scene_done(&scene);
	return result;
}

static void test_eat_submods__claims_and_tokens__proven(void **state)
{
	(void)state;
	expect_accepted(with_part(json_pack("{s:s}", "swname", "inner"), asking_policy));
	expect_accepted(with_nested(TOKEN_JWT, true, asking_policy));
	expect_accepted(with_nested(TOKEN_CWT, true, asking_policy));
}

static void test_eat_submods__token_of_somebody_else__refused(void **state)
{
	(void)state;
	FAILS("EAT-SUBMODS", with_nested(TOKEN_JWT, false, policy));
	FAILS("EAT-SUBMODS", with_nested(TOKEN_CWT, false, policy));
	expect_accepted(with_nested(TOKEN_CWT, false, lax_policy));
}

/* Somebody's token that is no EAT says nothing of the token around it. */
static void test_eat_submods__other_claims_of_somebody_else__not_proven(void **state)
{
	static const char *const more[] = {policy, lax_policy};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct token_scene scene;
		struct tobi_result *result;
		bool trusted = i / 2;
		json_t *part;

		make(&scene, TOKEN_JWT);
		scene.more = more[i % 2];
		part = nested_of(&scene, json_pack("{s:s}", "nonce", "AAAA"), TOKEN_JWT,
				 trusted ? scene.signer : scene.other);
		json_object_set_new(scene.claims, "submods",
				    json_pack("{s:o}", "part", part));
		result = token_scene_appraise(&scene);
		if (trusted)
			FIRST_FAILS("EAT-FORMAT", result);
		else if (i % 2)
			expect_accepted(result);
		else
			FAILS("EAT-SUBMODS", result);
		token_scene_done(&scene);
	}
}

static void test_eat_submods__unknown_forms__refused(void **state)
{
	(void)state;
	FAILS("EAT-SUBMODS", with_part(json_pack("[s, s]", "XYZ", "abc"), policy));
	FAILS("EAT-SUBMODS", with_part(json_pack("[s, s]", "JWT", "a.b.c"), policy));
	FAILS("EAT-SUBMODS", with_part(json_pack("[s, s]", "CBOR", "oA"), policy));
	FIRST_FAILS("EAT-FORMAT", with_part(json_pack("[s]", "JWT"), policy));
	FIRST_FAILS("EAT-FORMAT", with_part(json_integer(4), policy));
	FIRST_FAILS("EAT-FORMAT", with_part(json_pack("[s, s]", "CBOR", "!"), policy));
	FIRST_FAILS("EAT-FORMAT", with_part(json_pack("{s:i}", "dbgstat", 9), policy));
}

/* ---- wrappers (CMW) ---- */

static bool failed(struct tobi_result *result, const char *code)
{
	bool found = false;

	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		found |= strcmp(check->code, code) == 0 && check->outcome == TOBI_FAILED;
	}
	tobi_result_free(result);
	return found;
}

#define TWO_POLICY "eat:\n  sw-names: [firmware]\n  profiles: [\"tag:example,2026:p\"]\n"
static const char allowing_policy[] = TWO_POLICY "  submods: [part]\n"
						 "  unproven-submods: [part]\n";
static const char two_policy[] = TWO_POLICY "  submods: [part, part/quote]\n";
static const char inner_policy[] = TWO_POLICY "  submods: [part/quote]\n";

/* A record with a token that this key has signed. */
static json_t *token_record(const struct token_scene *scene, EVP_PKEY *signs)
{
	json_t *selector = nested(scene, TOKEN_JWT, signs), *record;
	struct writer text = wr_init(65536);

	base64url_write(&text,
			text_bytes(json_string_value(json_array_get(selector, 1))));
	record = json_pack("[s, o, i]", "application/eat+jwt; eat_profile=\"x\"",
			   json_stringn((const char *)text.ptr, text.size), 4);
	json_decref(selector);
	wr_done(&text);
	return record;
}

static json_t *other_record(void)
{
	return json_pack("[s, s]", "application/vnd.example.quote", "AAAA");
}

static json_t *collection(json_t *record, bool typed)
{
	json_t *json = json_pack("{s:o}", "quote", record);

	if (typed)
		json_object_set_new(json, "__cmwc_t", json_string("tag:example,2026:c"));
	return json;
}

enum place { ALONE, IN_COLLECTION, IN_TYPED_COLLECTION, AS_CLAIM };

static struct tobi_result *with_wrapped(enum place place, bool trusted, const char *more)
{
	struct token_scene scene;
	struct tobi_result *result;
	json_t *record;

	make(&scene, TOKEN_JWT);
	scene.more = more;
	record = token_record(&scene, trusted ? scene.signer : scene.other);
	if (place != ALONE)
		record = collection(record, place == IN_TYPED_COLLECTION);
	if (place == AS_CLAIM)
		record = json_pack("{s:o}", "cmw", record);
	json_object_set_new(scene.claims, "submods", json_pack("{s:o}", "part", record));
	result = token_scene_appraise(&scene);
	token_scene_done(&scene);
	return result;
}

static void test_eat_submods__wrapped_token_of_a_trusted_key__proven(void **state)
{
	(void)state;
	expect_accepted(with_wrapped(ALONE, true, asking_policy));
	expect_accepted(with_wrapped(IN_COLLECTION, true, two_policy));
	expect_accepted(with_wrapped(IN_TYPED_COLLECTION, true, two_policy));
	expect_accepted(with_wrapped(AS_CLAIM, true, asking_policy));
}

static void test_eat_submods__other_wrapped_messages__refused(void **state)
{
	(void)state;
	FAILS("EAT-SUBMODS", with_part(other_record(), policy));
	for (enum place place = ALONE; place <= AS_CLAIM; place++)
		FAILS("EAT-SUBMODS", with_wrapped(place, false, policy));
	/* The form of JSON has the number of a content format in place of a type. */
	FAILS("EAT-SUBMODS", with_part(json_pack("[i, s]", 263, "AAAA"), policy));
	for (int typed = 0; typed < 2; typed++)
		FAILS("EAT-SUBMODS",
		      with_part(collection(other_record(), typed), policy));
	/* As a claim, of the submodule. */
	FAILS("EAT-SUBMODS",
	      with_part(json_pack("{s:s, s:o}", "swname", "x", "cmw", other_record()),
			policy));
	/* Of the CBOR that is in a byte string: a tag of content format 263 over bytes.
	 */
	FAILS("EAT-SUBMODS",
	      with_part(json_pack("[s, s]", "CBOR", "2mN0AglBAA"), policy));
}

/* What the policy asks for is not there because it was wrapped. */
static void test_eat_submods__wrapped_message_that_is_asked_for__refused(void **state)
{
	(void)state;
	expect_accepted(with_part(other_record(), lax_policy));
	FAILS("POLICY-EAT-SUBMODS", with_part(other_record(), allowing_policy));
	assert_true(failed(with_part(collection(other_record(), false), inner_policy),
			   "POLICY-EAT-SUBMODS"));
	assert_true(failed(with_part(collection(other_record(), true), asking_policy),
			   "POLICY-EAT-SUBMODS"));
}

static void test_eat_submods__malformed_wrapper__is_no_token(void **state)
{
	(void)state;
	FIRST_FAILS("EAT-FORMAT", with_part(json_pack("[s, s]", "a/b", "!"), policy));
	FIRST_FAILS("EAT-FORMAT",
		    with_part(json_pack("[s, s, i]", "a/b", "AAAA", 0), policy));
	FIRST_FAILS("EAT-FORMAT", with_part(json_pack("[i, s]", 70000, "AAAA"), policy));
	FIRST_FAILS(
	    "EAT-FORMAT",
	    with_part(json_pack("{s:s}", "__cmwc_t", "tag:example,2026:c"), policy));
	FIRST_FAILS("EAT-FORMAT", with_part(json_pack("{s:s}", "cmw", "AAAA"), policy));
}

static json_t *deep(unsigned levels)
{
	json_t *json = json_pack("{s:s}", "swname", "x");

	for (unsigned i = 1; i < levels; i++)
		json = json_pack("{s:{s:o}}", "submods", "d", json);
	return json;
}

static void test_eat_submods__depth__four_at_most(void **state)
{
	(void)state;
	expect_accepted(with_part(deep(4), policy));
	FIRST_FAILS("EAT-FORMAT", with_part(deep(5), policy));
}

static void test_eat_submods__count__32_at_most(void **state)
{
	(void)state;
	for (unsigned count = 31; count <= 33; count++) {
		struct token_scene scene;
		json_t *parts = json_object();
		struct tobi_result *result;
		char name[8];

		for (unsigned i = 0; i < count; i++) {
			snprintf(name, sizeof(name), "p%u", i);
			json_object_set_new(parts, name, json_object());
		}
		make(&scene, TOKEN_JWT);
		json_object_set_new(scene.claims, "submods", parts);
		result = token_scene_appraise(&scene);
		if (count <= 32)
			expect_accepted(result);
		else
			FIRST_FAILS("EAT-FORMAT", result);
		token_scene_done(&scene);
	}
}

/* ---- bundles: a digest in the token, the claims beside it ---- */

enum damage { NOTHING, ANOTHER_DIGEST, ANOTHER_NAME, NO_CLAIMS, MORE_CLAIMS };

static void write_detached(bool json, struct writer *out)
{
	if (json) {
		wr_printf(out, "{\"swname\": \"detached\"}");
		return;
	}
	cbor_write_map(out, 1);
	cbor_write_uint(out, 270);
	cbor_write_text(out, "detached");
}

/* The submodule is an array in CBOR, which the scene's writer makes of a list. */
static json_t *digest_of(struct tobi_bytes claims, bool damage, struct writer *hash64)
{
	uint8_t hash[SHA256_SIZE];

	assert_int_equal(hash_sha256(claims, hash), 0);
	hash[0] ^= damage;
	base64url_write(hash64, (struct tobi_bytes){hash, sizeof(hash)});
	return json_pack("[s, [i, o]]", "DIGEST", -16,
			 json_stringn((const char *)hash64->ptr, hash64->size));
}

/* The main token is a JWT in both; of the sets the first has the damaged name. */
static void write_cbor(struct tobi_bytes token, struct tobi_bytes claims,
		       const char *const *names, size_t count, struct writer *out)
{
	cbor_write_tag(out, 602);
	cbor_write_array(out, 2);
	cbor_write_bytes(out, token);
	cbor_write_map(out, count);
	for (size_t i = 0; i < count; i++) {
		cbor_write_text(out, names[i]);
		cbor_write_bytes(out, claims);
	}
}

static void write_json(struct tobi_bytes token, struct tobi_bytes claims,
		       const char *const *names, size_t count, struct writer *out)
{
	wr_printf(out, " [ [\"JWT\", \"%.*s\"], {", (int)token.size,
		  (const char *)token.ptr);
	for (size_t i = 0; i < count; i++) {
		wr_printf(out, "%s\"%s\": \"", i ? ", " : "", names[i]);
		base64url_write(out, claims);
		wr_printf(out, "\"");
	}
	wr_printf(out, "}]\n");
}

static enum tobi_err bundle(enum damage damage, bool json,
			    struct tobi_result **ret_result)
{
	struct writer claims = wr_init(100), token = wr_init(65536),
		      hash64 = wr_init(100), all = wr_init(1 << 20);
	const char *const names[] = {damage == ANOTHER_NAME ? "trap" : "part", "more"};
	struct token_scene scene;
	size_t count = damage == NO_CLAIMS ? 0 : damage == MORE_CLAIMS ? 2 : 1;
	enum tobi_err err;

	write_detached(json, &claims);
	make(&scene, TOKEN_JWT);
	scene.more = asking_policy;
	json_object_set_new(
	    scene.claims, "submods",
	    json_pack("{s:o}", "part",
		      digest_of(wr_view(&claims), damage == ANOTHER_DIGEST, &hash64)));
	token_scene_write(&scene, &token);
	(json ? write_json : write_cbor)(wr_view(&token), wr_view(&claims), names, count,
					 &all);
	err = token_scene_try(&scene, wr_view(&all), ret_result, NULL);
	wr_done(&claims);
	wr_done(&token);
	wr_done(&hash64);
	wr_done(&all);
	token_scene_done(&scene);
	return err;
}

static struct tobi_result *of_bundle(enum damage damage, bool json)
{
	struct tobi_result *result = NULL;

	assert_int_equal(bundle(damage, json, &result), 0);
	return result;
}

static void test_eat_submods__bundle__claims_are_those_of_the_digest(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++) {
		expect_accepted(of_bundle(NOTHING, json));
		assert_true(failed(of_bundle(ANOTHER_DIGEST, json), "EAT-SUBMODS"));
		assert_true(failed(of_bundle(NO_CLAIMS, json), "EAT-SUBMODS"));
		/* Nobody has said anything of these claims. */
		FIRST_FAILS("EAT-FORMAT", of_bundle(ANOTHER_NAME, json));
		FIRST_FAILS("EAT-FORMAT", of_bundle(MORE_CLAIMS, json));
		assert_true(
		    failed(of_bundle(ANOTHER_DIGEST, json), "POLICY-EAT-SUBMODS"));
	}
}

static void test_eat_submods__json_that_is_no_bundle__is_not_read(void **state)
{
	static const char *const wrong[] = {
	    "[[]]",
	    "[[\"JWT\", \"a.b.c\"]]",
	    "[[\"JWT\", \"a.b.c\"], []]",
	    "[[\"JWT\"], {}]",
	    "[[\"CBOR\", \"===\"], {}]",
	    "[[\"BUNDLE\", \"AAAA\"], {}]",
	    "[[\"JWT\", \"a.b.c\"], {\"part\": 1}]",
	    "[[\"JWT\", \"a.b.c\"], {\"part\": \"=\"}]",
	    "[[\"JWT\", \"a.b.c\"], {}, 1]",
	    "[[",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct arena arena = arena_init(1 << 20);
		struct eat_bundle read;

		assert_true(eat_bundle_is(text_bytes(wrong[i])));
		assert_int_equal(
		    eat_bundle_read(text_bytes(wrong[i]), &arena, &read, NULL),
		    TOBI_E_MALFORMED);
		arena_done(&arena);
	}
	assert_false(eat_bundle_is(text_bytes("[\"JWT\", \"a.b.c\"]")));
	assert_false(eat_bundle_is(text_bytes("[{\"a\": 1}]")));
	assert_false(eat_bundle_is((struct tobi_bytes){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_eat_submods__claims_and_tokens__proven),
	    cmocka_unit_test(test_eat_submods__token_of_somebody_else__refused),
	    cmocka_unit_test(test_eat_submods__other_claims_of_somebody_else__not_proven),
	    cmocka_unit_test(test_eat_submods__unknown_forms__refused),
	    cmocka_unit_test(test_eat_submods__wrapped_token_of_a_trusted_key__proven),
	    cmocka_unit_test(test_eat_submods__other_wrapped_messages__refused),
	    cmocka_unit_test(
		test_eat_submods__wrapped_message_that_is_asked_for__refused),
	    cmocka_unit_test(test_eat_submods__malformed_wrapper__is_no_token),
	    cmocka_unit_test(test_eat_submods__depth__four_at_most),
	    cmocka_unit_test(test_eat_submods__count__32_at_most),
	    cmocka_unit_test(test_eat_submods__json_that_is_no_bundle__is_not_read),
	    cmocka_unit_test(test_eat_submods__bundle__claims_are_those_of_the_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
