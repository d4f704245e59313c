/* The handlers of /v1/secrets and /v1/policies, as the server calls them. */
#include "broker/admin.h"

#include <stdlib.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "tests/broker_world.h"

#define DB "/v1/secrets/red/key/db"

static int put(EVP_PKEY *key, const char *target, const char *value, const char *more)
{
	char *body = body_of(value, more);
	int status = ask_for(key, HTTP_PUT, target, body);

	free(body);
	return status;
}

static char *policy_member(struct tobi_bytes text)
{
	json_t *json = json_stringn((const char *)text.ptr, text.size);
	char *quoted = json_dumps(json, JSON_ENCODE_ANY), *member;

	assert_true(asprintf(&member, ", \"policy\": %s", quoted) > 0);
	free(quoted);
	json_decref(json);
	return member;
}

static int64_t number_of(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);

	assert_true(json_is_integer(member));
	return json_integer_value(member);
}

static int64_t rows(const char *table)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	return db_world_number(sql, NO_VALUES);
}

static void test_secret_put__with_policy__is_released(void **state)
{
	char *member = policy_member(wr_view(&world.policy));

	(void)state;
	assert_int_equal(put(world.alice, DB, "s3cret", member), 201);
	assert_int_equal(last_note()->kind, DECISION_ADMIN);
	assert_string_equal(last_note()->action, "secret put");
	assert_string_equal(last_note()->principal, "alice");
	assert_string_equal(last_note()->resource, "red/key/db");
	assert_true(last_note()->accepted && last_note()->has_policy);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), RELEASE_GIVEN);
	/* A second one of the name is none. */
	assert_int_equal(put(world.alice, DB, "other", ""), 409);
	assert_false(last_note()->accepted);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), RELEASE_GIVEN);
	free(member);
}

static void test_secret_put__policy_that_cannot_be_used__nothing_is_put(void **state)
{
	static const char *const wrong[] = {
	    ", \"policy\": \"\"",
	    ", \"policy\": \"version: 2\\n\"",
	    ", \"policy\": \"allow everything\"",
	    ", \"policy\": 1",
	    ", \"files\": []",
	    ", \"policy\": \"version: 1\", \"files\": {}",
	};
	char *member = policy_member(wr_view(&world.policy)), *more;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (put(world.alice, DB, "s3cret", wrong[i]) != 400)
			fail_msg("%s", wrong[i]);
	}
	/* Files that the policy does not name. */
	assert_true(asprintf(&more,
			     "%s, \"files\": [{\"name\": \"a\", \"content\": "
			     "\"YQ==\"}]",
			     member) > 0);
	assert_int_equal(put(world.alice, DB, "s3cret", more), 400);
	assert_int_equal(rows("resource"), 0);
	assert_int_equal(rows("resource_version"), 0);
	assert_int_equal(rows("policy"), 0);
	free(member);
	free(more);
}

static void test_secret_put__body_that_is_none__refused(void **state)
{
	static const char *const wrong[] = {
	    "",
	    "{}",
	    "[]",
	    "null",
	    "\"value\"",
	    "{\"value\": 1}",
	    "{\"value\": null}",
	    "{\"value\": \"\"}",     /* empty */
	    "{\"value\": \"YQ\"}",   /* no padding */
	    "{\"value\": \"YR==\"}", /* stray bits */
	    "{\"value\": \"Y Q==\"}",
	    "{\"value\": \"YQ==\", \"value\": \"YQ==\"}",
	    "{\"value\": \"YQ==\", \"owner\": \"bob\"}",
	    "{\"value\": \"YQ==\", \"expires\": -1}",
	    "{\"value\": \"YQ==\", \"expires\": 1900000000}", /* now */
	    "{\"value\": \"YQ==\", \"expires\": 1.5}",
	    "{\"value\": \"YQ==\", \"expires\": 9223372036854775807}",
	    "{\"value\": \"YQ==\", \"expires\": 9223372036854775808}",
	    "{\"value\": \"YQ==\", \"expires\": \"never\"}",
	    "{\"value\": \"YQ==\", \"releases\": 0}",
	    "{\"value\": \"YQ==\", \"releases\": -1}",
	    "{\"value\": \"YQ==\", \"releases\": true}",
	    "{\"value\": \"YQ==\"} ",
	    "{\"value\": \"YQ==\"}}",
	    "{\"value\": \"YQ==\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int status = ask_for(world.alice, HTTP_PUT, DB, wrong[i]);

		/* A blank behind the end is JSON. */
		if (status !=
		    (wrong[i][0] && wrong[i][strlen(wrong[i]) - 1] == ' ' ? 201 : 400))
			fail_msg("%d: %s", status, wrong[i]);
	}
}

static void test_secret_put__size__to_the_limit(void **state)
{
	char *value = malloc(LIMIT_SECRET + 2);

	(void)state;
	memset(value, 'x', LIMIT_SECRET + 1);
	value[LIMIT_SECRET + 1] = 0;
	assert_int_equal(put(world.alice, DB, value, ""), 400);
	value[LIMIT_SECRET] = 0;
	assert_int_equal(put(world.alice, DB, value, ""), 201);
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	assert_int_equal(world_release("red/key/db", 0, value), RELEASE_GIVEN);
	free(value);
}

/* ---- whose it is ---- */

static void test_secrets__of_another_owner__denied_and_unchanged(void **state)
{
	EVP_PKEY *const others[] = {world.bob, world.operator_key};
	static const char *const one = "{\"value\": \"YQ==\"}";

	(void)state;
	assert_int_equal(put(world.alice, DB, "s3cret", ""), 201);
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY *key = others[i];
		char *policy = policy_member(wr_view(&world.policy));

		policy[0] = '{';
		policy = realloc(policy, strlen(policy) + 2);
		strcat(policy, "}");
		assert_int_equal(put(key, "/v1/secrets/red/key/new", "x", ""), 403);
		assert_false(last_note()->accepted);
		assert_int_equal(put(key, DB, "x", ""), 403);
		assert_int_equal(ask_for(key, HTTP_POST, DB "/versions", one), 403);
		assert_int_equal(ask_for(key, HTTP_DELETE, DB, NULL), 403);
		assert_int_equal(ask_for(key, HTTP_DELETE, DB "/versions/1", NULL), 403);
		assert_int_equal(ask_for(key, HTTP_PUT, "/v1/policies/red", policy), 403);
		assert_int_equal(
		    ask_for(key, HTTP_PUT, "/v1/policies/red/key/db", policy), 403);
		assert_int_equal(ask_for(key, HTTP_DELETE, "/v1/policies/red", NULL),
				 403);
		/* It is as if it were not there, and so is what is not there. */
		assert_int_equal(ask_for(key, HTTP_GET, DB, NULL), 404);
		assert_int_equal(ask_for(key, HTTP_GET, "/v1/policies/red", NULL), 404);
		assert_int_equal(ask_for(key, HTTP_DELETE, "/v1/secrets/none/a/b", NULL),
				 403);
		free(policy);
	}
	assert_int_equal(rows("resource_version"), 1);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), RELEASE_GIVEN);
}

static void test_secret_list__own_only(void **state)
{
	json_t *list;

	(void)state;
	assert_int_equal(put(world.alice, DB, "s3cret", ""), 201);
	list = ask_json(world.bob, HTTP_GET, "/v1/secrets", NULL);
	assert_int_equal(json_array_size(json_object_get(list, "secrets")), 0);
	json_decref(list);
	list = ask_json(world.operator_key, HTTP_GET, "/v1/secrets", NULL);
	assert_int_equal(json_array_size(json_object_get(list, "secrets")), 0);
	json_decref(list);
}

/* ---- names ---- */

static void test_secrets__names_that_are_none__refused(void **state)
{
	static const char *const wrong[] = {
	    "red/key/a'--",
	    "red/key/a\"; DROP TABLE resource; --",
	    "red/key/a%00",
	    "red/key/%2e%2e",
	    "red/key/..",
	    "red/key/.hidden",
	    "red/../blue",
	    "./key/db",
	    "red/key/a b",
	    "red/key/a\tb",
	    "red/key/\xc3\xa9t\xc3\xa9",
	    "red/key/\xd0\xb0",	     /* looks as an a */
	    "red/key/\xef\xbd\x81",  /* a wide a */
	    "red/key/a\xe2\x80\xae", /* right to left */
	    "red/key/a*",
	    "red/key/a\\b",
	    "red/key/a:b",
	};
	char target[400], longest[RESOURCE_PART_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int status;

		snprintf(target, sizeof(target), "/v1/secrets/%s", wrong[i]);
		status = put(world.alice, target, "x", "");
		if (status != 400)
			fail_msg("%d: %s", status, wrong[i]);
	}
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	snprintf(target, sizeof(target), "/v1/secrets/red/key/%s", longest);
	assert_int_equal(put(world.alice, target, "x", ""), 400);
	longest[RESOURCE_PART_MAX] = 0;
	snprintf(target, sizeof(target), "/v1/secrets/red/key/%s", longest);
	assert_int_equal(put(world.alice, target, "x", ""), 201);
	assert_int_equal(rows("resource"), 1);
}

/* ---- rotation ---- */

static int rotate(const char *value, const char *more)
{
	char *body = body_of(value, more);
	int status = ask_for(world.alice, HTTP_POST, DB "/versions", body);

	free(body);
	return status;
}

static void test_secret_rotate__grace__both_count_until_then(void **state)
{
	(void)state;
	assert_int_equal(put(world.alice, DB, "one", ""), 201);
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	assert_int_equal(rotate("two", ", \"grace\": 60"), 201);
	assert_int_equal(world_release("red/key/db", 0, "two"), RELEASE_GIVEN);
	assert_int_equal(world_release("red/key/db", 2, "two"), RELEASE_GIVEN);
	assert_int_equal(world_release("red/key/db", 1, "one"), RELEASE_GIVEN);
	world.now += 59;
	assert_int_equal(world_release("red/key/db", 1, "one"), RELEASE_GIVEN);
	world.now += 1;
	assert_int_equal(world_release("red/key/db", 1, ""), RELEASE_DENIED);
	assert_int_equal(world_release("red/key/db", 0, "two"), RELEASE_GIVEN);
	/* What has expired is gone with the next one. */
	assert_int_equal(rotate("three", ""), 201);
	assert_int_equal(rows("resource_version"), 2);
	assert_int_equal(world_release("red/key/db", 0, "three"), RELEASE_GIVEN);
	assert_int_equal(world_release("red/key/db", 2, ""), RELEASE_DENIED);
}

static void test_secret_rotate__grace__makes_nothing_last_longer(void **state)
{
	(void)state;
	assert_int_equal(put(world.alice, DB, "one", ", \"expires\": 1900000010"), 201);
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	assert_int_equal(rotate("two", ", \"grace\": 60"), 201);
	world.now += 10;
	assert_int_equal(world_release("red/key/db", 1, ""), RELEASE_DENIED);
}

static void test_secret_rotate__newest_expired__older_is_not_given(void **state)
{
	(void)state;
	assert_int_equal(put(world.alice, DB, "one", ""), 201);
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	assert_int_equal(rotate("two", ", \"grace\": 60, \"expires\": 1900000010"), 201);
	world.now += 10;
	assert_int_equal(world_release("red/key/db", 0, ""), RELEASE_DENIED);
}

static void test_secret_rotate__wrong__refused(void **state)
{
	(void)state;
	assert_int_equal(rotate("two", ""), 404);
	assert_int_equal(put(world.alice, DB, "one", ""), 201);
	assert_int_equal(rotate("two", ", \"grace\": -1"), 400);
	assert_int_equal(rotate("two", ", \"grace\": 31622401"), 400);
	assert_int_equal(rotate("two", ", \"policy\": \"version: 1\""), 400);
	assert_int_equal(rotate("", ""), 400);
	assert_int_equal(rows("resource_version"), 1);
}

static void test_secret_rotate__too_many_versions__refused(void **state)
{
	(void)state;
	assert_int_equal(put(world.alice, DB, "one", ""), 201);
	for (size_t i = 1; i < LIMIT_BROKER_VERSIONS; i++)
		assert_int_equal(rotate("more", ", \"grace\": 60"), 201);
	assert_int_equal(rotate("more", ", \"grace\": 60"), 400);
	assert_int_equal(rows("resource_version"), LIMIT_BROKER_VERSIONS);
	world.now += 60;
	assert_int_equal(rotate("more", ""), 201);
	assert_int_equal(rows("resource_version"), 2);
}

/* ---- deleting ---- */

static void test_secret_delete__all__and_its_policy(void **state)
{
	(void)state;
	assert_int_equal(put(world.alice, DB, "one", ""), 201);
	assert_int_equal(put(world.alice, "/v1/secrets/red/key/other", "other", ""), 201);
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	assert_int_equal(world_put_policy("red/key/db", wr_view(&world.policy)), 0);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, DB, NULL), 200);
	assert_int_equal(rows("resource_version"), 1);
	assert_int_equal(rows("policy"), 1);
	assert_int_equal(world_release("red/key/db", 0, ""), RELEASE_DENIED);
	assert_int_equal(world_release("red/key/other", 0, "other"), RELEASE_GIVEN);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, DB, NULL), 404);
}

static void test_secret_delete__one_version__not_the_newest(void **state)
{
	(void)state;
	assert_int_equal(put(world.alice, DB, "one", ""), 201);
	assert_int_equal(rotate("two", ", \"grace\": 60"), 201);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, DB "/versions/2", NULL), 400);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, DB "/versions/3", NULL), 404);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, DB "/versions/0", NULL), 400);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, DB "/versions/1x", NULL), 400);
	assert_int_equal(
	    ask_for(world.alice, HTTP_DELETE, DB "/versions/18446744073709551617", NULL),
	    400);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, DB "/versions/1", NULL), 200);
	assert_int_equal(rows("resource_version"), 1);
}

/* ---- lists ---- */

static void test_secret_list__says_all_but_the_content(void **state)
{
	json_t *list, *secret, *version;
	char *text;

	(void)state;
	assert_int_equal(put(world.alice, DB, "s3cret-of-the-list",
			     ", \"expires\": 1900000100, \"releases\": 3"),
			 201);
	assert_int_equal(rotate("another-s3cret", ", \"grace\": 50"), 201);
	assert_int_equal(world_put_policy("red/key", wr_view(&world.policy)), 0);
	list = ask_json(world.alice, HTTP_GET, "/v1/secrets", NULL);
	text = json_dumps(list, 0);
	assert_null(strstr(text, "s3cret"));
	assert_null(strstr(text, "czNjcmV0")); /* in base64 */
	free(text);
	assert_int_equal(json_array_size(json_object_get(list, "secrets")), 1);
	secret = json_array_get(json_object_get(list, "secrets"), 0);
	assert_string_equal(json_string_value(json_object_get(secret, "name")),
			    "red/key/db");
	version = json_array_get(json_object_get(secret, "versions"), 0);
	assert_int_equal(number_of(version, "version"), 1);
	assert_int_equal(number_of(version, "expires"), TEST_NOW + 50);
	assert_int_equal(number_of(version, "releases"), 3);
	assert_int_equal(number_of(version, "size"), 18);
	assert_true(json_is_false(json_object_get(version, "newest")));
	version = json_array_get(json_object_get(secret, "versions"), 1);
	assert_true(json_is_true(json_object_get(version, "newest")));
	assert_null(json_object_get(version, "expires"));
	assert_null(json_object_get(version, "releases"));
	json_decref(list);
	secret = ask_json(world.alice, HTTP_GET, DB, NULL);
	assert_string_equal(json_string_value(json_object_get(
				json_object_get(secret, "policy"), "scope")),
			    "red/key");
	json_decref(secret);
}

enum { MANY = 1010 };

static void test_secret_list__many__in_pages(void **state)
{
	json_t *page;
	const char *next;
	char target[400];

	(void)state;
	for (int i = 0; i < MANY; i++)
		db_world_do(
		    "INSERT INTO resource (repository, type, tag, owner, latest, "
		    "created) VALUES ('red', 'many', ?, 'alice', 1, 0)",
		    VALUES(T((snprintf(target, sizeof(target), "t%05d", i), target))));
	db_world_do("INSERT INTO resource_version (repository, type, tag, version, "
		    "created, expires, releases, size, sealed) SELECT repository, type, "
		    "tag, 1, 0, 0, -1, 1, ? FROM resource",
		    VALUES(B(text_bytes("x"))));
	page = ask_json(world.alice, HTTP_GET, "/v1/secrets", NULL);
	assert_int_equal(json_array_size(json_object_get(page, "secrets")), 999);
	next = json_string_value(json_object_get(page, "next"));
	assert_string_equal(next, "red/many/t00998");
	snprintf(target, sizeof(target), "/v1/secrets?after=%s", next);
	json_decref(page);
	page = ask_json(world.alice, HTTP_GET, target, NULL);
	assert_int_equal(json_array_size(json_object_get(page, "secrets")), MANY - 999);
	assert_null(json_object_get(page, "next"));
	json_decref(page);
}

static void test_secret_list__query_that_is_none__refused(void **state)
{
	static const char *const wrong[] = {"after=red",    "after=red/a/b&after=red/a/c",
					    "before=a",	    "after=red/a/b'",
					    "after=%2e",    "x",
					    "after=a/b/c/d"};
	char target[100];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(target, sizeof(target), "/v1/secrets?%s", wrong[i]);
		if (ask_for(world.alice, HTTP_GET, target, NULL) != 400)
			fail_msg("%s", wrong[i]);
	}
}

/* ---- what fails ---- */

static void test_secret_put__log_fails__nothing_is_put(void **state)
{
	(void)state;
	stand_in.log_fails = true;
	assert_int_equal(put(world.alice, DB, "s3cret", ""), 500);
	assert_int_equal(rows("resource"), 0);
	assert_int_equal(put(world.bob, DB, "s3cret", ""), 403);
	stand_in.log_fails = false;
	assert_int_equal(put(world.alice, DB, "s3cret", ""), 201);
}

static void test_secret_put__keyring_fails__is_no_answer_to_the_owner(void **state)
{
	(void)state;
	stand_in.seal_fails = true;
	/* The provider denies; the owner is not told that he may not. */
	assert_int_equal(put(world.alice, DB, "s3cret", ""), 500);
	assert_int_equal(rows("resource"), 0);
	assert_false(last_note()->accepted);
}

static void test_secret_put__database_fails__is_no_answer_to_the_owner(void **state)
{
	(void)state;
	/* Whatever it says: that there is no such table is not for owners. */
	db_world_do("DROP TABLE resource_past", NO_VALUES);
	assert_int_equal(put(world.alice, DB, "s3cret", ""), 500);
	assert_int_equal(rows("resource"), 0);
	assert_false(last_note()->accepted);
}

#define T_(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, broker_world_enter, broker_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_secret_put__with_policy__is_released),
	    T_(test_secret_put__policy_that_cannot_be_used__nothing_is_put),
	    T_(test_secret_put__body_that_is_none__refused),
	    T_(test_secret_put__size__to_the_limit),
	    T_(test_secrets__of_another_owner__denied_and_unchanged),
	    T_(test_secret_list__own_only),
	    T_(test_secrets__names_that_are_none__refused),
	    T_(test_secret_rotate__grace__both_count_until_then),
	    T_(test_secret_rotate__grace__makes_nothing_last_longer),
	    T_(test_secret_rotate__newest_expired__older_is_not_given),
	    T_(test_secret_rotate__wrong__refused),
	    T_(test_secret_rotate__too_many_versions__refused),
	    T_(test_secret_delete__all__and_its_policy),
	    T_(test_secret_delete__one_version__not_the_newest),
	    T_(test_secret_list__says_all_but_the_content),
	    T_(test_secret_list__many__in_pages),
	    T_(test_secret_list__query_that_is_none__refused),
	    T_(test_secret_put__log_fails__nothing_is_put),
	    T_(test_secret_put__keyring_fails__is_no_answer_to_the_owner),
	    T_(test_secret_put__database_fails__is_no_answer_to_the_owner),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
