/* What is handed in with /attest beside evidence, and who may hand it in at all. */
#include <openssl/sha.h>
#include <stdio.h>

#include "codec/jose.h"
#include "tests/kbs_world.h"

#define ONE "/kbs/v0/resource/red/secret/one"

enum { HOST_DATA = 0xc0 };

static void denied(const char *type, const char *words)
{
	assert_int_equal(kbs_answer.status, 401);
	assert_string_equal(kbs_error_type(), type);
	assert_int_equal(stand_in.opened, 0);
	if (words)
		assert_non_null(strstr(kbs_answer.body, words));
}

static void given(void)
{
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 200);
	assert_true(kbs_answer_opens("the first secret"));
}

/* The guest's policy, with more lines. */
static void policy_with(const char *lines)
{
	struct writer policy = wr_init(LIMIT_POLICY);

	kbs.guest.more = lines;
	snp_scene_policy(&kbs.guest, &policy);
	assert_int_equal(world_put_policy("red", wr_view(&policy)), 0);
	kbs.guest.more = "";
	wr_done(&policy);
}

/* ---- init-data ---- */

#define BODY                                                                             \
	"algorithm = \"sha384\"\nversion = \"0.1.0\"\n\n[data]\n\"aa.toml\" = "          \
	"'''\n[token_configs]\n'''\n"

static const char *shown(const char *body)
{
	static char text[4096];
	json_t *json = json_pack("{s:s, s:s}", "format", "toml", "body", body);
	char *dump = json_dumps(json, 0);

	snprintf(text, sizeof(text), "%s", dump);
	free(dump);
	json_decref(json);
	return text;
}

static void launch_with(const char *body)
{
	uint8_t hash[48];

	SHA384((const uint8_t *)body, strlen(body), hash);
	bytes_copy(kbs.guest.report + HOST_DATA, 32, hash, 32);
}

static void test_kbs_init_data__of_the_launch__given(void **state)
{
	json_t *claims;
	struct jws jws = {0};

	(void)state;
	launch_with(BODY);
	kbs.init_data = shown(BODY);
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	given();
	/* The token says which. */
	assert_int_equal(jws_parse(text_bytes(kbs.token), "token", &jws, NULL), 0);
	claims = json_loadb((const char *)jws.payload.ptr, jws.payload.size, 0, NULL);
	assert_int_equal(
	    strlen(json_string_value(json_object_get(
		json_object_get(
		    json_object_get(json_object_get(claims, "submods"), "cpu0"),
		    "ear.veraison.annotated-evidence"),
		"init_data"))),
	    96);
	json_decref(claims);
	jws_done(&jws);
}

static void test_kbs_init_data__of_another_launch__refused(void **state)
{
	(void)state;
	launch_with(BODY "# and more\n");
	kbs.init_data = shown(BODY);
	kbs_auth();
	kbs_attest();
	denied("AttestationError", "HOST_DATA is not of it");
	memset(kbs.guest.report + HOST_DATA, 0, 32);
	kbs_auth();
	kbs_attest();
	denied("AttestationError", "HOST_DATA is not of it");
}

static void test_kbs_init_data__unreadable__refused(void **state)
{
	static const char *const texts[] = {"7", "\"x\"", "[]", "{}",
					    "{\"format\":\"json\",\"body\":\"{}\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		kbs.init_data = texts[i];
		kbs_auth();
		kbs_attest();
		denied("AttestationError", "init-data");
	}
}

/* Somebody has put something there: the policy must say whether that is all right. */
static void test_kbs_init_data__not_shown__denied_unless_the_policy_names_it(void **state)
{
	char named[256] = "config-id: ";

	(void)state;
	launch_with(BODY);
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	kbs_get(ONE, kbs.cookie, NULL);
	denied("PolicyDeny", NULL);
	assert_non_null(strstr(last_note()->reason, "POLICY-CONFIG"));
	hex_write((struct tobi_bytes){kbs.guest.report + HOST_DATA, 32}, named + 11,
		  sizeof(named) - 11);
	snprintf(named + strlen(named), 2, "\n");
	policy_with(named);
	given();
	policy_with("allow: [unknown-config]\n");
	given();
	/* Another value is named. */
	named[11] = named[11] == '0' ? '1' : '0';
	policy_with(named);
	stand_in.opened = 0;
	kbs_get(ONE, kbs.cookie, NULL);
	denied("PolicyDeny", NULL);
}

/* ---- whose evidence is taken at all ---- */

static void set_entry(const char *lines)
{
	struct writer policy = wr_init(LIMIT_POLICY);
	struct tobi_policy *entry = NULL;

	kbs.guest.more = lines;
	snp_scene_policy(&kbs.guest, &policy);
	assert_int_equal(tobi_policy_parse(wr_view(&policy), "entry", &entry, NULL), 0);
	kbs.guest.more = "";
	world.broker->setup.entry = entry;
	wr_done(&policy);
}

static void drop_entry(void)
{
	tobi_policy_free((struct tobi_policy *)(uintptr_t)world.broker->setup.entry);
	world.broker->setup.entry = NULL;
}

static void test_kbs_entry__accepted__token_says_so(void **state)
{
	struct jws jws = {0};

	(void)state;
	set_entry("");
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	assert_int_equal(last_note()->kind, DECISION_ATTEST);
	assert_true(last_note()->accepted);
	assert_true(last_note()->has_result);
	assert_int_equal(jws_parse(text_bytes(kbs.token), "token", &jws, NULL), 0);
	/* Its policy takes any instance, which is a warning. */
	assert_non_null(
	    memmem(jws.payload.ptr, jws.payload.size, "\"ear.status\":\"warning\"", 22));
	assert_non_null(memmem(jws.payload.ptr, jws.payload.size, "\"snp\":{", 7));
	jws_done(&jws);
	given();
	drop_entry();
}

static void test_kbs_entry__refused__no_session(void **state)
{
	(void)state;
	set_entry("");
	kbs.guest.report[0x90] ^= 1;
	kbs_auth();
	kbs_attest();
	denied("AttestationError", "it was refused");
	assert_int_equal(last_note()->kind, DECISION_ATTEST);
	assert_false(last_note()->accepted);
	assert_null(strstr(kbs_answer.body, "POLICY-IMAGE"));
	kbs_get(ONE, kbs.cookie, NULL);
	denied("AttestationError", NULL);
	drop_entry();
}

static void test_kbs_entry__log_fails__no_token(void **state)
{
	(void)state;
	set_entry("");
	stand_in.log_fails = true;
	kbs_auth();
	assert_int_equal(kbs_attest(), 500);
	stand_in.log_fails = false;
	kbs_get(ONE, kbs.cookie, NULL);
	denied("AttestationError", NULL);
	drop_entry();
}

/* What cannot be read as evidence at all is the client's fault, not the broker's. */
static void test_kbs_attest__evidence_of_another_platform__refused(void **state)
{
	char *body;

	(void)state;
	assert_int_equal(
	    kbs_post("/kbs/v0/auth", "{\"version\":\"0.4.0\",\"tee\":\"tdx\"}", NULL),
	    200);
	snprintf(kbs.cookie, sizeof(kbs.cookie), "%.47s", kbs_answer.set_cookie);
	snprintf(kbs.nonce, sizeof(kbs.nonce), "%.44s", strchr(kbs_answer.body, ':') + 2);
	body = kbs_attestation_body();
	kbs_post("/kbs/v0/attest", body, kbs.cookie);
	denied("AttestationError", "quote");
	free(body);
}

/* ---- tokens ---- */

static void with_token(const char *token)
{
	static char bearer[10000];

	snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	kbs_get(ONE, NULL, bearer);
}

static void sign_token(EVP_PKEY *key, const char *typ, const char *payload)
{
	struct writer out = wr_init(8192);
	struct jws_headers headers = {.typ = typ, .jwk = jwk_write(key)};
	struct cose_signer signer;

	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	assert_int_equal(jws_write(&out, &signer, &headers, text_bytes(payload), NULL),
			 0);
	wr_u8(&out, 0);
	with_token((const char *)out.ptr);
	json_decref(headers.jwk);
	wr_done(&out);
}

static void test_kbs_token__changed_anywhere__refused(void **state)
{
	size_t size;

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	size = strlen(kbs.token);
	for (size_t i = 0; i < size; i += 13) {
		char old = kbs.token[i];

		kbs.token[i] = old == 'A' ? 'B' : 'A';
		with_token(kbs.token);
		denied("TokenVerifierError", NULL);
		kbs.token[i] = '\0';
		with_token(kbs.token);
		denied("TokenVerifierError", NULL);
		kbs.token[i] = old;
	}
	with_token(kbs.token);
	assert_int_equal(kbs_answer.status, 200);
}

static void test_kbs_token__of_another_key__refused(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	char payload[256];

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	snprintf(payload, sizeof(payload), "{\"iat\":%d,\"exp\":%d,\"jti\":\"%s\"}",
		 TEST_NOW, TEST_NOW + 300, kbs.cookie + 15);
	/* Its key is in its header, where anybody can put one. */
	sign_token(other, "JWT", payload);
	denied("TokenVerifierError", NULL);
	sign_token(world.broker->setup.token_key, "JWT", payload);
	assert_int_equal(kbs_answer.status, 200);
	EVP_PKEY_free(other);
}

/* The broker's key signs other things, too. */
static void test_kbs_token__of_the_broker_but_no_token__refused(void **state)
{
	static const char *const forms[] = {
	    "{\"iat\":%d,\"exp\":%d}",
	    "{\"iat\":%d,\"exp\":%d,\"jti\":7}",
	    "{\"iat\":%d,\"exp\":%d,\"jti\":\"00\"}",
	    "{\"iat\":\"%d\",\"exp\":%d,\"jti\":\"00713fb30001ed1f786ccc2d84e31faf\"}",
	    "{\"iat\":%d,\"exp\":\"%d\",\"jti\":\"00713fb30001ed1f786ccc2d84e31faf\"}",
	    "[%d,%d]"};
	EVP_PKEY *key = world.broker->setup.token_key;
	char payload[256];

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(payload, sizeof(payload), forms[i], TEST_NOW, TEST_NOW + 300);
		sign_token(key, "JWT", payload);
		denied("TokenVerifierError", NULL);
	}
	snprintf(payload, sizeof(payload), "{\"iat\":%d,\"exp\":%d,\"jti\":\"%s\"}",
		 TEST_NOW, TEST_NOW + 300, kbs.cookie + 15);
	sign_token(key, "head", payload);
	denied("TokenVerifierError", NULL);
	sign_token(key, NULL, payload);
	denied("TokenVerifierError", NULL);
}

static void test_kbs_token__its_time__is_kept(void **state)
{
	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	world.now += 299;
	with_token(kbs.token);
	assert_int_equal(kbs_answer.status, 200);
	stand_in.opened = 0;
	world.now += 1;
	with_token(kbs.token);
	denied("TokenVerifierError", "its time is over");
	world.now = TEST_NOW - KBS_CLOCKS_SECONDS - 1;
	with_token(kbs.token);
	denied("TokenVerifierError", NULL);
}

static void test_kbs_token__of_no_session__refused(void **state)
{
	char payload[256];

	(void)state;
	kbs_auth(); /* that was not attested */
	snprintf(payload, sizeof(payload), "{\"iat\":%d,\"exp\":%d,\"jti\":\"%s\"}",
		 TEST_NOW, TEST_NOW + 300, kbs.cookie + 15);
	sign_token(world.broker->setup.token_key, "JWT", payload);
	denied("AttestationError", NULL);
}

/* With a bad token the cookie does not help: two claims, and one of them is wrong. */
static void test_kbs_token__bad_beside_a_good_cookie__refused(void **state)
{
	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	kbs_get(ONE, kbs.cookie, "Bearer x");
	denied("TokenVerifierError", NULL);
	kbs_get(ONE, kbs.cookie, "");
	denied("TokenNotFound", NULL);
}

int main(int argc, char **argv)
{
#define T_(name) cmocka_unit_test_setup_teardown(name, kbs_world_enter, kbs_world_leave)
	const struct CMUnitTest tests[] = {
	    T_(test_kbs_init_data__of_the_launch__given),
	    T_(test_kbs_init_data__of_another_launch__refused),
	    T_(test_kbs_init_data__unreadable__refused),
	    T_(test_kbs_init_data__not_shown__denied_unless_the_policy_names_it),
	    T_(test_kbs_entry__accepted__token_says_so),
	    T_(test_kbs_entry__refused__no_session),
	    T_(test_kbs_entry__log_fails__no_token),
	    T_(test_kbs_attest__evidence_of_another_platform__refused),
	    T_(test_kbs_token__changed_anywhere__refused),
	    T_(test_kbs_token__of_another_key__refused),
	    T_(test_kbs_token__of_the_broker_but_no_token__refused),
	    T_(test_kbs_token__its_time__is_kept),
	    T_(test_kbs_token__of_no_session__refused),
	    T_(test_kbs_token__bad_beside_a_good_cookie__refused),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
