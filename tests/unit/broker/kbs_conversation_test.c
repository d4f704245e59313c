/*
 * A conversation as the protocol's documents have it, byte by byte: what a client says is
 * written down here as they write it, and each answer is compared with theirs. What is
 * new each time stands for itself: $h hexadecimal, $u base64url, $b base64, $d a date, so
 * many characters as the number in front of it says, or one or more of them.
 */
#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "codec/base64.h"
#include "tests/jwe_open.h"
#include "tests/kbs_world.h"

/* ---- comparing ---- */

static bool belongs(char kind, char c)
{
	switch (kind) {
	case 'h':
		return c && strchr("0123456789abcdef", c);
	case 'u':
		return c && (isalnum((unsigned char)c) || strchr("-_", c));
	case 'b':
		return c && (isalnum((unsigned char)c) || strchr("+/=", c));
	default:
		return c && (isalnum((unsigned char)c) || strchr(" ,:", c));
	}
}

/* What stands at the index-th place for itself is copied, too. */
static void is_as(const char *text, const char *expected, size_t index, char *ret_part,
		  size_t size)
{
	const char *whole = text;
	size_t found = 0;

	for (const char *c = expected; *c; c++) {
		size_t count = 0, length = 0;

		if (*c != '$') {
			if (*text++ != *c)
				fail_msg("%s: not as %s", whole, expected);
			continue;
		}
		for (c++; isdigit((unsigned char)*c); c++)
			count = 10 * count + (size_t)(*c - '0');
		while (belongs(*c, text[length]))
			length++;
		if (length == 0 || (count && length != count))
			fail_msg("%s: %zu characters, not as %s", whole, length,
				 expected);
		if (found++ == index && ret_part)
			snprintf(ret_part, size, "%.*s", (int)length, text);
		text += length;
	}
	if (*text)
		fail_msg("%s: more than %s", whole, expected);
}

static void answer_is(int status, const char *expected)
{
	assert_int_equal(kbs_answer.status, status);
	assert_string_equal(kbs_answer.content_type, "application/json");
	is_as(kbs_answer.body, expected, 0, NULL, 0);
}

static void cookie_is_set(void)
{
	is_as(kbs_answer.set_cookie, "kbs-session-id=$32h; Expires=$29d", 0, NULL, 0);
}

/* ---- the conversation ---- */

#define AUTH                                                                             \
	"{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":{\"supported-hash-"     \
	"algorithms\":[\"sha256\",\"sha384\",\"sha512\",\"sm3\"]}}"
#define CHALLENGE "{\"nonce\":\"$44b\",\"extra-params\":\"\"}"
#define ERRORS "https://github.com/confidential-containers/kbs/errors/"
#define SECRET                                                                           \
	"{\"protected\":\"$u\",\"encrypted_key\":\"$54u\",\"iv\":\"$16u\","              \
	"\"ciphertext\""                                                                 \
	":\"$22u\",\"tag\":\"$22u\"}"
#define HEADER                                                                           \
	"{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"crv\":\"P-256\","    \
	"\"kty\":\"EC\",\"x\":\"$43u\",\"y\":\"$43u\"}}"

static void challenge(void)
{
	assert_int_equal(kbs_post("/kbs/v0/auth", AUTH, NULL), 200);
	answer_is(200, CHALLENGE);
	is_as(kbs_answer.body, CHALLENGE, 0, kbs.nonce, sizeof(kbs.nonce));
	cookie_is_set();
	snprintf(kbs.cookie, sizeof(kbs.cookie), "%.47s", kbs_answer.set_cookie);
}

/* Written by hand, with the blanks and the order of the documents. */
static void attest(void)
{
	json_t *evidence = kbs_evidence_for(kbs.nonce, kbs.jwk, "");
	char *report = json_dumps(evidence, JSON_COMPACT);
	char *key = json_dumps(kbs.jwk, JSON_COMPACT);
	char *body = NULL;

	assert_true(
	    asprintf(&body,
		     "{ \"init-data\": null,\n  \"runtime-data\": { \"nonce\": "
		     "\"%s\", \"tee-pubkey\": %s },\n  \"tee-evidence\": { "
		     "\"primary_evidence\": %s, \"additional_evidence\": \"\" } }",
		     kbs.nonce, key, report) > 0);
	assert_int_equal(kbs_post("/kbs/v0/attest", body, kbs.cookie), 200);
	free(body);
	free(report);
	free(key);
	json_decref(evidence);
}

static void decoded(const char *text, char *ret_text, size_t size)
{
	struct writer bytes = wr_init(64 << 10);

	assert_int_equal(base64url_read(text_bytes(text), "test", &bytes, NULL), 0);
	snprintf(ret_text, size, "%.*s", (int)bytes.size, (const char *)bytes.ptr);
	wr_done(&bytes);
}

static void token_is_as_documented(void)
{
	static const char token[] = "{\"token\":\"$u.$u.$86u\"}";
	static char part[16 << 10], text[16 << 10], key[4096], expected[16 << 10];
	char *jwk = json_dumps(kbs.jwk, JSON_COMPACT), data[2 * 64 + 1] = "";

	answer_is(200, token);
	cookie_is_set();
	is_as(kbs_answer.body, token, 0, part, sizeof(part));
	decoded(part, text, sizeof(text));
	is_as(text,
	      "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"jwk\":{\"crv\":\"P-256\",\"kty\":"
	      "\"EC\",\"x\":\"$43u\",\"y\":\"$43u\"}}",
	      0, NULL, 0);
	is_as(kbs_answer.body, token, 1, part, sizeof(part));
	decoded(part, text, sizeof(text));
	snprintf(key, sizeof(key), "%s", jwk);
	hex_write((struct tobi_bytes){kbs.guest.report + 0x50, 64}, data, sizeof(data));
	snprintf(
	    expected, sizeof(expected),
	    "{\"iss\":\"test\",\"iat\":%d,\"nbf\":%d,\"exp\":%d,\"jti\":\"%s\","
	    "\"eat_profile\":\"tag:github.com,2024:confidential-containers/Trustee\","
	    "\"ear.verifier-id\":{\"developer\":\"tobichi\",\"build\":"
	    "\"tobichi " TOBICHI_VERSION
	    "\"},\"submods\":{\"cpu0\":{\"ear.status\":\"none\","
	    "\"ear.trustworthiness-vector\":{},\"ear.appraisal-policy-id\":\"none\","
	    "\"ear.veraison.annotated-evidence\":{\"report_data\":\"%s\",\"runtime_"
	    "data_claims\":{\"nonce\":\"%s\",\"tee-pubkey\":%s}}}}}",
	    TEST_NOW, TEST_NOW, TEST_NOW + 300, kbs.cookie + 15, data, kbs.nonce, key);
	assert_string_equal(text, expected);
	free(jwk);
}

static void test_conversation__as_documented__each_answer_is_theirs(void **state)
{
	char part[4096], header[4096];

	(void)state;
	challenge();
	attest();
	token_is_as_documented();
	assert_int_equal(kbs_get("/kbs/v0/resource/red/secret/one", kbs.cookie, NULL),
			 200);
	answer_is(200, SECRET);
	is_as(kbs_answer.body, SECRET, 0, part, sizeof(part));
	decoded(part, header, sizeof(header));
	is_as(header, HEADER, 0, NULL, 0);
	assert_true(kbs_answer_opens("the first secret"));
	assert_string_equal(kbs_answer.set_cookie, "");
}

/* The date is that of the end of the session, in GMT, whatever the locale. */
static void test_conversation__cookie__has_the_sessions_end(void **state)
{
	struct tm tm = {0};

	(void)state;
	challenge();
	assert_non_null(strptime(strstr(kbs_answer.set_cookie, "Expires=") + 8,
				 "%a, %d %b %Y %H:%M:%S GMT", &tm));
	assert_int_equal(timegm(&tm), TEST_NOW + 300);
	assert_string_equal(strstr(kbs_answer.set_cookie, "; "),
			    "; Expires=Sun, 17 Mar 2030 17:51:40 GMT");
}

static void test_conversation__errors__as_documented(void **state)
{
	(void)state;
	kbs_post("/kbs/v0/auth",
		 "{\"version\":\"0.1.1\",\"tee\":\"snp\",\"extra-params\":"
		 "\"\"}",
		 NULL);
	answer_is(401, "{\"type\":\"" ERRORS "AttestationError\",\"detail\":\"request: "
		       "version: this broker speaks 0.4.0\"}");
	kbs_post("/kbs/v0/auth",
		 "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}",
		 NULL);
	answer_is(401, "{\"type\":\"" ERRORS "AttestationError\",\"detail\":\"request: "
		       "tee: this platform is not served here\"}");
	kbs_get("/kbs/v0/resource/red/secret/one", NULL, NULL);
	answer_is(401, "{\"type\":\"" ERRORS "TokenNotFound\",\"detail\":\"there is "
		       "neither a session nor a token\"}");
	challenge();
	attest();
	kbs_get("/kbs/v0/resource/red/secret/absent", kbs.cookie, NULL);
	answer_is(401, "{\"type\":\"" ERRORS "PolicyDeny\",\"detail\":\"access is "
		       "denied\"}");
	kbs_get("/kbs/v0/resource/red/secret/.one", kbs.cookie, NULL);
	answer_is(404, "{\"type\":\"" ERRORS "InvalidRequestPath\",\"detail\":\"a "
		       "resource is repository/type/tag\"}");
	kbs_get("/kbs/v0/unknown/x", kbs.cookie, NULL);
	answer_is(404, "{\"type\":\"" ERRORS "PluginNotFound\",\"detail\":\"there is no "
		       "such plugin\"}");
}

/* A detail may quote what came: it is a text of JSON in any case. */
static void test_conversation__errors_that_quote__are_json(void **state)
{
	static const char *const bodies[] = {"{\"a\\\"b", "\x01", "{\"\xff\":1}", "<&>",
					     "\"\\u0007\\ud83d\""};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		json_t *json;

		kbs_post("/kbs/v0/auth", bodies[i], NULL);
		assert_int_equal(kbs_answer.status, 401);
		json = json_loads(kbs_answer.body, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(json);
		assert_int_equal(json_object_size(json), 2);
		json_decref(json);
	}
}

/* Of the paths of the protocol, and of what is near to them. */
static void test_conversation__other_methods_and_paths__404_or_405(void **state)
{
	(void)state;
	assert_int_equal(kbs_get("/kbs/v0/attest/", NULL, NULL), 404);
	assert_int_equal(kbs_send(HTTP_PUT, "/kbs/v0/auth", "{}", 2, NULL, NULL), 405);
	assert_int_equal(kbs_send(HTTP_DELETE, "/kbs/v0/attest", NULL, 0, NULL, NULL),
			 405);
	assert_int_equal(
	    kbs_send(HTTP_POST, "/kbs/v1/auth", AUTH, strlen(AUTH), NULL, NULL), 404);
	assert_int_equal(kbs_send(HTTP_POST, "/auth", AUTH, strlen(AUTH), NULL, NULL),
			 404);
}

int main(int argc, char **argv)
{
#define T_(name) cmocka_unit_test_setup_teardown(name, kbs_world_enter, kbs_world_leave)
	const struct CMUnitTest tests[] = {
	    T_(test_conversation__as_documented__each_answer_is_theirs),
	    T_(test_conversation__cookie__has_the_sessions_end),
	    T_(test_conversation__errors__as_documented),
	    T_(test_conversation__errors_that_quote__are_json),
	    T_(test_conversation__other_methods_and_paths__404_or_405),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
