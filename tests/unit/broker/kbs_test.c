/* The handlers, called as the server calls them: what is given out, and what is not. */
#include "tests/kbs_world.h"

#include <openssl/rsa.h>

#include "broker/kbs_store.h"
#include "codec/jose.h"
#include "tests/jwe_open.h"

#define ONE "/kbs/v0/resource/red/secret/one"

static void test_kbs_resource__attested_session__secret_for_its_key(void **state)
{
	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 200);
	assert_true(kbs_answer_opens("the first secret"));
	assert_string_equal(kbs_answer.content_type, "application/json");
	assert_true(kbs_answer.secret);
	assert_true(last_note()->accepted);
}

static void test_kbs_resource__token_without_cookie__secret(void **state)
{
	char bearer[9000];

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	snprintf(bearer, sizeof(bearer), "Bearer %s", kbs.token);
	assert_int_equal(kbs_get(ONE, NULL, bearer), 200);
	assert_true(kbs_answer_opens("the first secret"));
}

static void test_kbs_resource__asked_twice__encrypted_anew(void **state)
{
	static char first[KBS_ANSWER_MAX];

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 200);
	bytes_copy(first, sizeof(first), kbs_answer.body, sizeof(first));
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 200);
	assert_string_not_equal(first, kbs_answer.body);
	assert_true(kbs_answer_opens("the first secret"));
}

static void use_key(EVP_PKEY *key, const char *alg)
{
	EVP_PKEY_free(kbs.key);
	json_decref(kbs.jwk);
	kbs.key = key;
	kbs.jwk = jwk_write(key);
	json_object_set_new(kbs.jwk, "alg", json_string(alg));
}

static void test_kbs_resource__keys_of_all_kinds__secret(void **state)
{
	(void)state;
	use_key(EVP_EC_gen("P-384"), "ECDH-ES+A256KW");
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 200);
	assert_true(kbs_answer_opens("the first secret"));
	use_key(EVP_EC_gen("P-521"), "ECDH-ES+A256KW");
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 200);
	assert_true(kbs_answer_opens("the first secret"));
	use_key(EVP_RSA_gen(2048), "RSA-OAEP-256");
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 200);
	assert_true(kbs_answer_opens("the first secret"));
}

static void test_kbs_attest__unknown_members_of_the_key__hashed_as_they_came(void **state)
{
	(void)state;
	json_object_set_new(kbs.jwk, "use", json_string("enc"));
	json_object_set_new(kbs.jwk, "x-number", json_integer(7));
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 200);
	assert_true(kbs_answer_opens("the first secret"));
}

/* ---- what does not come out ---- */

static void denied(const char *type)
{
	assert_int_equal(kbs_answer.status,
			 strstr(type, "Path") || strstr(type, "Plugin") ? 404 : 401);
	assert_string_equal(kbs_error_type(), type);
	assert_false(kbs_answer.secret);
	assert_int_equal(stand_in.opened, 0);
}

static void test_kbs_resource__before_attest__attestation_error(void **state)
{
	(void)state;
	kbs_auth();
	kbs_get(ONE, kbs.cookie, NULL);
	denied("AttestationError");
}

static void test_kbs_resource__neither_cookie_nor_token__token_not_found(void **state)
{
	(void)state;
	kbs_get(ONE, NULL, NULL);
	denied("TokenNotFound");
	kbs_get(ONE, "other=1", NULL);
	denied("TokenNotFound");
	kbs_get(ONE, NULL, "Basic YTpi");
	denied("TokenNotFound");
}

/* Who asks for what he may not have learns nothing of what there is. */
static void test_kbs_resource__absent_denied_without_policy__same_bytes(void **state)
{
	static const char *const names[] = {
	    "/kbs/v0/resource/green/secret/none", "/kbs/v0/resource/green/secret/absent",
	    "/kbs/v0/resource/nobody/secret/x", "/kbs/v0/resource/red/secret/absent"};
	static char first[KBS_ANSWER_MAX];

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		kbs_get(names[i], kbs.cookie, NULL);
		denied("PolicyDeny");
		if (i == 0)
			bytes_copy(first, sizeof(first), kbs_answer.body, sizeof(first));
		assert_string_equal(first, kbs_answer.body);
		assert_string_equal(kbs_answer.set_cookie, "");
	}
}

static void test_kbs_resource__other_image__denied(void **state)
{
	(void)state;
	kbs.guest.report[0x90] ^= 1;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	kbs_get(ONE, kbs.cookie, NULL);
	denied("PolicyDeny");
	assert_non_null(strstr(last_note()->reason, "POLICY-IMAGE"));
}

static void test_kbs_resource__unsigned_report__denied(void **state)
{
	(void)state;
	kbs.guest.unsigned_report = true;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	kbs_get(ONE, kbs.cookie, NULL);
	denied("PolicyDeny");
	assert_non_null(strstr(last_note()->reason, "SNP-SIGNATURE"));
}

static void test_kbs_resource__many_denials__evidence_is_looked_at_no_more(void **state)
{
	size_t before;

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	for (unsigned i = 0; i < KBS_DENIALS_MAX; i++) {
		kbs_get("/kbs/v0/resource/green/secret/none", kbs.cookie, NULL);
		denied("PolicyDeny");
	}
	before = stand_in.count;
	kbs_get("/kbs/v0/resource/green/secret/none", kbs.cookie, NULL);
	denied("PolicyDeny");
	kbs_get(ONE, kbs.cookie, NULL);
	denied("PolicyDeny");
	assert_int_equal(stand_in.count, before);
}

static void test_kbs_resource__impossible_names__invalid_path(void **state)
{
	static const char *const names[] = {"/kbs/v0/resource/red/secret/.one",
					    "/kbs/v0/resource/red/secret/on e",
					    "/kbs/v0/resource/red/secret/o\xc3\xa9",
					    "/kbs/v0/resource/red/sec'ret/one",
					    "/kbs/v0/resource/-/../one",
					    "/kbs/v0/resource/red/secret/a%2fb"};

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		kbs_get(names[i], kbs.cookie, NULL);
		denied("InvalidRequestPath");
	}
}

static void test_kbs_other__plugins__none(void **state)
{
	(void)state;
	kbs_get("/kbs/v0/nebula-ca/credential", NULL, NULL);
	denied("PluginNotFound");
	kbs_get("/kbs/v0/resource/red/secret", NULL, NULL);
	denied("PluginNotFound");
	kbs_get("/kbs/v0/resource/red/secret/one/more", NULL, NULL);
	denied("PluginNotFound");
}

static void test_kbs_resource__log_fails__nothing_comes_out(void **state)
{
	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	stand_in.log_fails = true;
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 500);
	assert_int_equal(stand_in.opened, 0);
	assert_string_equal(kbs_answer.body, "");
}

/* ---- sessions ---- */

static void test_kbs_attest__session_used_twice__the_token_it_has(void **state)
{
	static char first[8192];
	char *body;

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	snprintf(first, sizeof(first), "%s", kbs.token);
	/* With a key of somebody else: it does not take the place of the first. */
	use_key(EVP_EC_gen("P-256"), "ECDH-ES+A256KW");
	body = kbs_attestation_body();
	assert_int_equal(kbs_post("/kbs/v0/attest", body, kbs.cookie), 200);
	assert_non_null(strstr(kbs_answer.body, first));
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 200);
	assert_false(kbs_answer_opens("the first secret"));
	free(body);
}

static void test_kbs_attest__over__refused(void **state)
{
	(void)state;
	kbs_auth();
	world.now += KBS_SESSION_SECONDS - 1;
	kbs.guest.time = world.now;
	assert_int_equal(kbs_attest(), 200);
	kbs_auth();
	world.now += KBS_SESSION_SECONDS;
	assert_int_equal(kbs_attest(), 401);
	denied("AttestationError");
}

static void test_kbs_resource__over__refused_by_cookie_and_token(void **state)
{
	char bearer[9000];

	(void)state;
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	snprintf(bearer, sizeof(bearer), "Bearer %s", kbs.token);
	world.now += KBS_SESSION_SECONDS;
	kbs_get(ONE, kbs.cookie, NULL);
	denied("AttestationError");
	kbs_get(ONE, NULL, bearer);
	denied("TokenVerifierError");
}

static void test_kbs_attest__session_from_the_future__refused(void **state)
{
	(void)state;
	kbs_auth();
	world.now -= KBS_CLOCKS_SECONDS + 1;
	assert_int_equal(kbs_attest(), 401);
	denied("AttestationError");
}

static void test_kbs_attest__nonce_of_another_session__refused(void **state)
{
	char mine[128];

	(void)state;
	kbs_auth();
	snprintf(mine, sizeof(mine), "%s", kbs.cookie);
	kbs_auth();
	snprintf(kbs.cookie, sizeof(kbs.cookie), "%s", mine);
	assert_int_equal(kbs_attest(), 401);
	denied("AttestationError");
	assert_non_null(strstr(kbs_answer.body, "nonce"));
}

/* Made up, or of another platform than the challenge was for. */
static void test_kbs_attest__changed_session_id__refused(void **state)
{
	(void)state;
	for (size_t i = strlen("kbs-session-id="); i < 47; i++) {
		char old;

		kbs_auth();
		old = kbs.cookie[i];
		kbs.cookie[i] = old == '1' ? '2' : '1';
		assert_int_equal(kbs_attest(), 401);
		denied("AttestationError");
	}
}

static void test_kbs_attest__without_session__refused(void **state)
{
	static const char *const cookies[] = {
	    "",
	    "kbs-session-id=",
	    "kbs-session-id=zz",
	    "x=1; y=2",
	    "kbs-session-id=00000000000000000000000000000000",
	    "KBS-SESSION-ID=00000000000000000000000000000001"};
	char *body, twice[300];

	(void)state;
	kbs_auth();
	body = kbs_attestation_body();
	assert_int_equal(kbs_post("/kbs/v0/attest", body, NULL), 401);
	denied("AttestationError");
	for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
		assert_int_equal(kbs_post("/kbs/v0/attest", body, cookies[i]), 401);
		denied("AttestationError");
	}
	snprintf(twice, sizeof(twice), "%s; %s", kbs.cookie, kbs.cookie);
	assert_int_equal(kbs_post("/kbs/v0/attest", body, twice), 401);
	snprintf(twice, sizeof(twice), "a=b; %s;c=d", kbs.cookie);
	assert_int_equal(kbs_post("/kbs/v0/attest", body, twice), 200);
	free(body);
}

/* ---- evidence of something else ---- */

static int attest_with(json_t *evidence, const json_t *jwk)
{
	json_t *json =
	    json_pack("{s:n, s:{s:s, s:O}, s:{s:o, s:s}}", "init-data", "runtime-data",
		      "nonce", kbs.nonce, "tee-pubkey", jwk, "tee-evidence",
		      "primary_evidence", evidence, "additional_evidence", "");
	char *body = json_dumps(json, JSON_COMPACT);
	int status = kbs_post("/kbs/v0/attest", body, kbs.cookie);

	free(body);
	json_decref(json);
	return status;
}

static void test_kbs_attest__evidence_of_another_session__refused(void **state)
{
	json_t *evidence;

	(void)state;
	kbs_auth();
	evidence = kbs_evidence_for(kbs.nonce, kbs.jwk, "");
	kbs_auth();
	assert_int_equal(attest_with(evidence, kbs.jwk), 401);
	denied("AttestationError");
	assert_non_null(strstr(kbs_answer.body, "not bound"));
}

static void test_kbs_attest__key_of_somebody_else__refused(void **state)
{
	json_t *evidence, *jwk;

	(void)state;
	kbs_auth();
	evidence = kbs_evidence_for(kbs.nonce, kbs.jwk, "");
	jwk = json_deep_copy(kbs.jwk);
	json_object_set_new(jwk, "kid", json_string("1"));
	assert_int_equal(attest_with(evidence, jwk), 401);
	denied("AttestationError");
	assert_non_null(strstr(kbs_answer.body, "not bound"));
	json_decref(jwk);
}

/* Evidence that was bound to a device beside it, which then is left out. */
static void test_kbs_attest__additional_evidence_left_out__refused(void **state)
{
	json_t *evidence;

	(void)state;
	kbs_auth();
	evidence = kbs_evidence_for(kbs.nonce, kbs.jwk, "{\"nvidia\":{}}");
	assert_int_equal(attest_with(evidence, kbs.jwk), 401);
	denied("AttestationError");
}

static void test_kbs_attest__keys_that_are_refused__refused(void **state)
{
	static const char *const algorithms[] = {"RSA1_5", "RSA-OAEP", "ECDH-ES",
						 "ML-KEM-768+A192KW", ""};

	(void)state;
	use_key(EVP_RSA_gen(2048), "RSA1_5");
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		json_object_set_new(kbs.jwk, "alg", json_string(algorithms[i]));
		kbs_auth();
		assert_int_equal(kbs_attest(), 401);
		denied("AttestationError");
	}
	json_object_del(kbs.jwk, "alg");
	kbs_auth();
	assert_int_equal(kbs_attest(), 401);
	use_key(EVP_EC_gen("P-256"), "RSA-OAEP-256");
	kbs_auth();
	assert_int_equal(kbs_attest(), 401);
	use_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "ECDH-ES+A256KW");
	kbs_auth();
	assert_int_equal(kbs_attest(), 401);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kbs_world_enter, kbs_world_leave)
	const struct CMUnitTest tests[] = {
	    TEST(test_kbs_resource__attested_session__secret_for_its_key),
	    TEST(test_kbs_resource__token_without_cookie__secret),
	    TEST(test_kbs_resource__asked_twice__encrypted_anew),
	    TEST(test_kbs_resource__keys_of_all_kinds__secret),
	    TEST(test_kbs_attest__unknown_members_of_the_key__hashed_as_they_came),
	    TEST(test_kbs_resource__before_attest__attestation_error),
	    TEST(test_kbs_resource__neither_cookie_nor_token__token_not_found),
	    TEST(test_kbs_resource__absent_denied_without_policy__same_bytes),
	    TEST(test_kbs_resource__other_image__denied),
	    TEST(test_kbs_resource__unsigned_report__denied),
	    TEST(test_kbs_resource__many_denials__evidence_is_looked_at_no_more),
	    TEST(test_kbs_resource__impossible_names__invalid_path),
	    TEST(test_kbs_other__plugins__none),
	    TEST(test_kbs_resource__log_fails__nothing_comes_out),
	    TEST(test_kbs_attest__session_used_twice__the_token_it_has),
	    TEST(test_kbs_attest__over__refused),
	    TEST(test_kbs_resource__over__refused_by_cookie_and_token),
	    TEST(test_kbs_attest__session_from_the_future__refused),
	    TEST(test_kbs_attest__nonce_of_another_session__refused),
	    TEST(test_kbs_attest__changed_session_id__refused),
	    TEST(test_kbs_attest__without_session__refused),
	    TEST(test_kbs_attest__evidence_of_another_session__refused),
	    TEST(test_kbs_attest__key_of_somebody_else__refused),
	    TEST(test_kbs_attest__additional_evidence_left_out__refused),
	    TEST(test_kbs_attest__keys_that_are_refused__refused),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
