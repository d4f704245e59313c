#include "broker/principal.h"

#include <stdlib.h>

#include "broker/owners.h"
#include "broker/used_tokens.h"
#include "codec/base64.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "tests/broker_world.h"

#define WHOAMI "/v1/whoami"

static int send_once(struct ask ask)
{
	int status = ask_send(&ask, NULL);

	free(ask.token);
	return status;
}

static void test_principal_of__signed__known(void **state)
{
	EVP_PKEY *const keys[] = {world.alice, world.bob, world.operator_key};
	static const char *const names[] = {"alice", "bob", "operator"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		json_t *who = ask_json(keys[i], HTTP_GET, WHOAMI, NULL);

		assert_string_equal(json_string_value(json_object_get(who, "name")),
				    names[i]);
		assert_int_equal(json_is_true(json_object_get(who, "operator")), i == 2);
		json_decref(who);
	}
}

static void test_principal_of__unsigned__denied(void **state)
{
	static const char *const headers[] = {NULL,
					      "",
					      "Bearer",
					      "Bearer ",
					      "Bearer x",
					      "Basic YWxpY2U6YWxpY2U=",
					      "Bearer eyJhbGciOiJub25lIn0.e30.",
					      "Bearer a.b.c"};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_int_equal(send_once((struct ask){.method = HTTP_GET,
							.target = WHOAMI,
							.authorization = headers[i]}),
				 401);
}

static void test_principal_of__unknown_key__denied(void **state)
{
	EVP_PKEY *stranger = NULL;

	(void)state;
	assert_int_equal(key_new(KEY_P384, &stranger, NULL), 0);
	assert_int_equal(ask_for(stranger, HTTP_GET, WHOAMI, NULL), 401);
	EVP_PKEY_free(stranger);
}

static void test_principal_of__twice__the_second_is_denied(void **state)
{
	struct ask ask = {.method = HTTP_GET, .target = WHOAMI, .key = world.alice};

	(void)state;
	assert_int_equal(ask_send(&ask, NULL), 200);
	assert_int_equal(ask_send(&ask, NULL), 401);
	assert_non_null(strstr(world.fault.message, "used before"));
	broker_world_again();
	assert_int_equal(ask_send(&ask, NULL), 401);
	assert_non_null(strstr(world.fault.message, "used before"));
	free(ask.token);
}

static void test_principal_of__for_another_request__denied(void **state)
{
	const struct ask plain = {
	    .method = HTTP_GET, .target = WHOAMI, .key = world.alice};
	struct ask ask = plain;

	(void)state;
	ask.signed_method = "PUT";
	assert_int_equal(send_once(ask), 401);
	assert_non_null(strstr(world.fault.message, "another method"));
	ask = plain;
	ask.signed_target = "/v1/secrets";
	assert_int_equal(send_once(ask), 401);
	assert_non_null(strstr(world.fault.message, "another path"));
	ask.signed_target = "/v1/whoam";
	assert_int_equal(send_once(ask), 401);
	ask = plain;
	ask.target = WHOAMI "?a=b";
	ask.signed_target = WHOAMI;
	assert_int_equal(send_once(ask), 401);
	ask = plain;
	ask.signed_body = "{}";
	assert_int_equal(send_once(ask), 401);
	assert_non_null(strstr(world.fault.message, "another body"));
	ask = plain;
	ask.audience = "other.test:8443";
	assert_int_equal(send_once(ask), 401);
	assert_non_null(strstr(world.fault.message, "another broker"));
	/* What was refused is not used up, and what is signed counts. */
	assert_int_equal(send_once(plain), 200);
}

static void test_principal_of__hosts_are_named__the_header_does_not_count(void **state)
{
	static const char *const hosts[] = {"a.test", "broker.test:8443", NULL};
	struct ask ask = {.method = HTTP_GET, .target = WHOAMI, .key = world.alice};

	(void)state;
	world.broker->setup.hosts = hosts;
	assert_int_equal(send_once(ask), 200);
	/* Sent on by somebody who has another name: he writes what header he likes. */
	world.host = "evil.test";
	assert_int_equal(send_once(ask), 401);
	ask.audience = "A.TEST";
	assert_int_equal(send_once(ask), 200);
}

static void test_principal_of__times__within_their_bounds(void **state)
{
	struct ask ask = {.method = HTTP_GET, .target = WHOAMI, .key = world.alice};

	(void)state;
	/* request_token_write() gives two minutes; clocks may differ by one. */
	ask.signed_now = world.now - 119;
	assert_int_equal(send_once(ask), 200);
	ask.signed_now = world.now - 120;
	assert_int_equal(send_once(ask), 401);
	assert_non_null(strstr(world.fault.message, "expired"));
	ask.signed_now = world.now + 60;
	assert_int_equal(send_once(ask), 200);
	ask.signed_now = world.now + 61;
	assert_int_equal(send_once(ask), 401);
	assert_non_null(strstr(world.fault.message, "future"));
}

/* ---- tokens that request_token_write() does not write ---- */

static char *hash_of_nothing(void)
{
	struct writer text = wr_init(64);
	uint8_t hash[SHA256_SIZE];
	char *copy;

	assert_int_equal(hash_sha256((struct tobi_bytes){0}, hash), 0);
	base64url_write(&text, (struct tobi_bytes){hash, sizeof(hash)});
	wr_u8(&text, 0);
	copy = strdup((const char *)text.ptr);
	wr_done(&text);
	return copy;
}

/* The claims that are accepted, where change is {}; a null there takes one away. */
static int send_claims(EVP_PKEY *key, const char *typ, const char *change)
{
	struct writer token = wr_init(8192), text = wr_init(8192);
	const struct jws_headers headers = {.typ = typ};
	char id[2 * SHA384_SIZE + 1], *hash = hash_of_nothing();
	struct cose_signer signer;
	struct ask ask = {.method = HTTP_GET, .target = WHOAMI};
	static unsigned number;
	json_t *claims, *changes, *value;
	const char *name;
	char jti[32];
	int status;

	key_id(world.alice, id);
	snprintf(jti, sizeof(jti), "0123456789abcdef-%u", number++);
	claims = json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "iss", id, "iat",
			   (json_int_t)world.now, "exp", (json_int_t)world.now + 300,
			   "jti", jti, "aud", world.host, "htm", "GET", "htu", WHOAMI,
			   "body-sha256", hash);
	changes = json_loads(change, 0, NULL);
	assert_non_null(changes);
	json_object_foreach(changes, name, value)
	{
		if (json_is_null(value))
			json_object_del(claims, name);
		else
			json_object_set(claims, name, value);
	}
	assert_int_equal(json_write(claims, false, &text, NULL), 0);
	wr_printf(&token, "Bearer ");
	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	assert_int_equal(jws_write(&token, &signer, &headers, wr_view(&text), NULL), 0);
	wr_u8(&token, 0);
	ask.authorization = (const char *)token.ptr;
	status = ask_send(&ask, NULL);
	json_decref(claims);
	json_decref(changes);
	wr_done(&token);
	wr_done(&text);
	free(hash);
	return status;
}

#define TYPE "tobichi-request+jwt"

static void test_principal_of__other_claims__denied(void **state)
{
	static const char *const wrong[] = {
	    "{\"iss\": null}",
	    "{\"iss\": \"alice\"}",
	    "{\"iss\": 1}",
	    "{\"iat\": null}",
	    "{\"iat\": \"1900000000\"}",
	    "{\"iat\": 1900000000.0}",
	    "{\"iat\": -1}",
	    "{\"exp\": null}",
	    "{\"exp\": 1900000301}", /* a second too long */
	    "{\"exp\": 1899999999}", /* before iat */
	    "{\"jti\": null}",
	    "{\"jti\": \"0123456789abcde\"}", /* a character too few */
	    "{\"jti\": 12345678901234567}",
	    "{\"aud\": null}",
	    "{\"aud\": [\"broker.test:8443\"]}",
	    "{\"htm\": null}",
	    "{\"htm\": \"get\"}",
	    "{\"htu\": null}",
	    "{\"htu\": \"https://broker.test:8443/v1/whoami\"}",
	    "{\"body-sha256\": null}",
	    "{\"body-sha256\": \"\"}",
	};

	(void)state;
	assert_int_equal(send_claims(world.alice, TYPE, "{}"), 200);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (send_claims(world.alice, TYPE, wrong[i]) != 401)
			fail_msg("%s", wrong[i]);
	}
}

static void test_principal_of__signed_for_another_purpose__denied(void **state)
{
	(void)state;
	assert_int_equal(send_claims(world.alice, "JWT", "{}"), 401);
	assert_int_equal(send_claims(world.alice, NULL, "{}"), 401);
	/* And by another key than the one that it names. */
	assert_int_equal(send_claims(world.bob, TYPE, "{}"), 401);
	assert_int_equal(send_claims(world.operator_key, TYPE, "{}"), 401);
	assert_non_null(strstr(world.fault.message, "does not verify"));
}

static void test_principal_of__each_bit_of_the_token__denied(void **state)
{
	struct ask ask = {.method = HTTP_GET, .target = WHOAMI, .key = world.alice};
	size_t size;

	(void)state;
	world.now++; /* never sent as it is before the end */
	ask.signed_body = "x";
	assert_int_equal(ask_send(&ask, NULL), 401);
	free(ask.token);
	ask.token = NULL;
	ask.authorization = NULL;
	ask.signed_body = NULL;
	/* Made, and not used up: by a request with another path. */
	ask.target = "/v1/secrets";
	ask.signed_target = WHOAMI;
	assert_int_equal(ask_send(&ask, NULL), 401);
	ask.target = WHOAMI;
	size = strlen(ask.token);
	for (size_t i = strlen("Bearer "); i < size; i += 3) {
		ask.token[i] ^= 1;
		assert_int_equal(ask_send(&ask, NULL), 401);
		ask.token[i] ^= 1;
	}
	for (size_t i = 0; i < size; i += 5) {
		char kept = ask.token[i];

		ask.token[i] = 0;
		assert_int_equal(ask_send(&ask, NULL), 401);
		ask.token[i] = kept;
	}
	assert_int_equal(ask_send(&ask, NULL), 200);
	free(ask.token);
}

static void test_principal_of__too_long__denied(void **state)
{
	char *header = malloc(5000);
	struct ask ask = {.method = HTTP_GET, .target = WHOAMI, .authorization = header};

	(void)state;
	memset(header, 'a', 4999);
	bytes_copy(header, 5000, "Bearer ", 7);
	header[4999] = 0;
	assert_int_equal(ask_send(&ask, NULL), 401);
	assert_non_null(strstr(world.fault.message, "4 KiB"));
	free(header);
}

static void test_principal_of__client_certificate__known(void **state)
{
	uint8_t id[SHA384_SIZE];
	struct ask ask = {.method = HTTP_GET, .target = WHOAMI, .client_key = id};

	(void)state;
	assert_int_equal(key_spki_sha384(world.alice, id, NULL), 0);
	assert_int_equal(ask_send(&ask, NULL), 200);
	id[0] ^= 1;
	assert_int_equal(ask_send(&ask, NULL), 401);
	/* Who signs is asked for the signature. */
	id[0] ^= 1;
	ask.authorization = "Bearer x";
	assert_int_equal(ask_send(&ask, NULL), 401);
}

static void test_principal_of__key_removed__denied_at_once(void **state)
{
	uint8_t id[SHA384_SIZE];
	struct owner_key more;
	EVP_PKEY *second = NULL;
	char *pem;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &second, NULL), 0);
	pem = key_pem(second);
	assert_int_equal(owner_key_read(text_bytes(pem), &more, NULL), 0);
	assert_int_equal(ask_for(second, HTTP_GET, WHOAMI, NULL), 401);
	assert_int_equal(
	    owner_add_key(world.broker, "alice", &more, world.now, &world.fault), 0);
	assert_int_equal(ask_for(second, HTTP_GET, WHOAMI, NULL), 200);
	assert_int_equal(key_spki_sha384(world.alice, id, NULL), 0);
	assert_int_equal(owner_remove_key(world.broker, "alice", id, &world.fault), 0);
	assert_int_equal(ask_for(world.alice, HTTP_GET, WHOAMI, NULL), 401);
	assert_int_equal(ask_for(second, HTTP_GET, WHOAMI, NULL), 200);
	EVP_PKEY_free(second);
	free(pem);
}

/* Who can write to the database alone makes nobody an owner. */
static void test_principal_of__key_changed_in_the_database__nobody(void **state)
{
	uint8_t id[SHA384_SIZE];

	(void)state;
	assert_int_equal(key_spki_sha384(world.bob, id, NULL), 0);
	db_world_do("UPDATE owner_key SET owner = 'alice' WHERE id = ?",
		    VALUES(B(((struct tobi_bytes){id, sizeof(id)}))));
	assert_int_equal(ask_for(world.bob, HTTP_GET, WHOAMI, NULL), 500);
	db_world_do("UPDATE owner_key SET owner = 'bob', is_operator = 1 WHERE id = ?",
		    VALUES(B(((struct tobi_bytes){id, sizeof(id)}))));
	assert_int_equal(ask_for(world.bob, HTTP_GET, WHOAMI, NULL), 500);
	db_world_do("UPDATE owner_key SET is_operator = 0 WHERE id = ?",
		    VALUES(B(((struct tobi_bytes){id, sizeof(id)}))));
	assert_int_equal(ask_for(world.bob, HTTP_GET, WHOAMI, NULL), 200);
}

/* No signature is judged by a database that fails. */
static void test_principal_of__database_fails__is_not_denied(void **state)
{
	(void)state;
	db_world_do("DROP TABLE used_token", NO_VALUES);
	assert_int_equal(ask_for(world.alice, HTTP_GET, WHOAMI, NULL), 500);
	db_world_do("DROP TABLE owner_key", NO_VALUES);
	assert_int_equal(ask_for(world.alice, HTTP_GET, WHOAMI, NULL), 500);
}

/* One in 64 looks: until there is nothing left that was signed before now. */
static bool is_forgotten(size_t most)
{
	for (size_t i = 0; i < most; i++) {
		assert_int_equal(ask_for(world.alice, HTTP_GET, WHOAMI, NULL), 200);
		if (!db_world_number("SELECT count(*) FROM used_token WHERE expires < ?",
				     VALUES(N(world.now))))
			return true;
	}
	return false;
}

static void use_some(void)
{
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(ask_for(world.alice, HTTP_GET, WHOAMI, NULL), 200);
}

static void test_principal_of__old_signatures__are_forgotten(void **state)
{
	(void)state;
	used_tokens_set_quiet(world.broker->used, 0);
	use_some();
	world.now += 1000;
	assert_true(is_forgotten(5000));
}

/* What one that has gone had marked is another's to erase. */
static void
test_principal_of__old_signatures_of_another_process__are_forgotten(void **state)
{
	(void)state;
	use_some();
	db_world_do("UPDATE used_token SET expires = -5", NO_VALUES);
	broker_world_again();
	used_tokens_set_quiet(world.broker->used, 0);
	assert_true(is_forgotten(5000));
}

/* The clock jumps ahead, everything expires, and it comes back. */
/* The clock jumps ahead, everything expires, and it comes back. */
static void
test_principal_of__clock_ahead_and_back__used_signatures_are_used(void **state)
{
	struct ask ask = {.method = HTTP_GET, .target = WHOAMI, .key = world.alice};

	(void)state;
	assert_int_equal(ask_send(&ask, NULL), 200);
	world.now += 86400;
	assert_false(is_forgotten(500));
	world.now -= 86400;
	assert_int_equal(ask_send(&ask, NULL), 401);
	assert_non_null(strstr(world.fault.message, "used before"));
	free(ask.token);
}

#define T_(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, broker_world_enter, broker_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_principal_of__signed__known),
	    T_(test_principal_of__unsigned__denied),
	    T_(test_principal_of__unknown_key__denied),
	    T_(test_principal_of__twice__the_second_is_denied),
	    T_(test_principal_of__for_another_request__denied),
	    T_(test_principal_of__hosts_are_named__the_header_does_not_count),
	    T_(test_principal_of__times__within_their_bounds),
	    T_(test_principal_of__other_claims__denied),
	    T_(test_principal_of__signed_for_another_purpose__denied),
	    T_(test_principal_of__each_bit_of_the_token__denied),
	    T_(test_principal_of__too_long__denied),
	    T_(test_principal_of__client_certificate__known),
	    T_(test_principal_of__key_removed__denied_at_once),
	    T_(test_principal_of__key_changed_in_the_database__nobody),
	    T_(test_principal_of__database_fails__is_not_denied),
	    T_(test_principal_of__old_signatures__are_forgotten),
	    T_(test_principal_of__old_signatures_of_another_process__are_forgotten),
	    T_(test_principal_of__clock_ahead_and_back__used_signatures_are_used),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
