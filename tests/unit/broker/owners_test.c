/* The handlers of /v1/owners and /v1/keys: the operator's, and an owner's own keys. */
#include "broker/owners.h"

#include <stdlib.h>

#include "tests/broker_world.h"

static EVP_PKEY *carol;

static int enter(void **state)
{
	broker_world_enter(state);
	return (int)key_new(KEY_P384, &carol, NULL);
}

static int leave(void **state)
{
	EVP_PKEY_free(carol);
	return broker_world_leave(state);
}

/* {"name": ..., "keys": [...], "repositories": ...}; free() it. */
static char *owner_body(const char *name, EVP_PKEY *key, const char *repositories)
{
	char *pem = key_pem(key), *text;
	json_t *list = json_loads(repositories, 0, NULL);
	json_t *body = json_pack("{s:s, s:[s], s:o}", "name", name, "keys", pem,
				 "repositories", list);

	assert_non_null(body);
	text = json_dumps(body, 0);
	json_decref(body);
	free(pem);
	return text;
}

static int add(EVP_PKEY *by, const char *name, EVP_PKEY *key, const char *repositories)
{
	char *body = owner_body(name, key, repositories);
	int status = ask_for(by, HTTP_POST, "/v1/owners", body);

	free(body);
	return status;
}

static int add_key(EVP_PKEY *by, const char *name, EVP_PKEY *key)
{
	char target[200], *pem = key_pem(key);
	json_t *body = json_pack("{s:s}", "key", pem);
	char *text = json_dumps(body, 0);
	int status;

	snprintf(target, sizeof(target), "/v1/owners/%s/keys", name);
	status = ask_for(by, HTTP_POST, target, text);
	json_decref(body);
	free(text);
	free(pem);
	return status;
}

static int remove_key(EVP_PKEY *by, const char *name, EVP_PKEY *key)
{
	char target[400], id[2 * SHA384_SIZE + 1];

	key_id(key, id);
	snprintf(target, sizeof(target), "/v1/owners/%s/keys/%s", name, id);
	return ask_for(by, HTTP_DELETE, target, NULL);
}

static int whoami(EVP_PKEY *key)
{
	return ask_for(key, HTTP_GET, "/v1/whoami", NULL);
}

/* ---- adding ---- */

static void test_owner_add__by_the_operator__counts_at_once(void **state)
{
	char *body = body_of("x", "");

	(void)state;
	assert_int_equal(whoami(carol), 401);
	assert_int_equal(add(world.operator_key, "carol", carol, "[\"white\"]"), 201);
	assert_string_equal(last_note()->action, "owner add");
	assert_string_equal(last_note()->principal, "operator");
	assert_string_equal(last_note()->resource, "carol");
	assert_int_equal(whoami(carol), 200);
	assert_int_equal(ask_for(carol, HTTP_PUT, "/v1/secrets/white/a/b", body), 201);
	assert_int_equal(ask_for(carol, HTTP_PUT, "/v1/secrets/red/a/b", body), 403);
	free(body);
}

static void test_owner_add__by_an_owner__denied(void **state)
{
	(void)state;
	assert_int_equal(add(world.alice, "carol", carol, "[]"), 403);
	assert_int_equal(whoami(carol), 401);
}

static void test_owner_add__taken__refused_whole(void **state)
{
	(void)state;
	assert_int_equal(add(world.operator_key, "alice", carol, "[]"), 409);
	assert_int_equal(add(world.operator_key, "carol", world.alice, "[]"), 409);
	assert_int_equal(add(world.operator_key, "carol", world.operator_key, "[]"), 409);
	assert_int_equal(add(world.operator_key, "carol", carol, "[\"white\", \"red\"]"),
			 409);
	assert_int_equal(whoami(carol), 401);
	assert_int_equal(add(world.operator_key, "carol", carol, "[\"white\"]"), 201);
}

/* Else the operator could read what was an owner's, by a key of its own. */
static void test_owner_add__name_of_one_that_went__only_without_entries(void **state)
{
	(void)state;
	assert_int_equal(owner_remove(world.broker, "bob", true, &world.fault), 0);
	db_world_do("INSERT INTO log_leaves (idx, owner, body) VALUES (1000, 'bob', ?)",
		    VALUES(B(text_bytes("an entry"))));
	assert_int_equal(add(world.operator_key, "bob", carol, "[\"blue\"]"), 409);
	assert_int_equal(whoami(carol), 401);
	assert_int_equal(add(world.operator_key, "bobby", carol, "[\"blue\"]"), 201);
	db_world_do("DELETE FROM log_leaves WHERE idx = 1000", NO_VALUES);
	assert_int_equal(add(world.operator_key, "bob", world.bob, "[]"), 201);
}

static void test_owner_add__wrong__refused(void **state)
{
	static const char *const names[] = {
	    "operator",
	    "",
	    ".carol",
	    "a/b",
	    "a b",
	    "carol'; --",
	    "c\xc3\xa1rol",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	static const char *const bodies[] = {
	    "{\"name\": \"carol\", \"keys\": []}",
	    "{\"name\": \"carol\"}",
	    "{\"keys\": []}",
	    "{\"name\": \"carol\", \"keys\": [\"\"]}",
	    "{\"name\": \"carol\", \"keys\": [1]}",
	    "{\"name\": \"carol\", \"keys\": \"x\"}",
	    "{\"name\": \"carol\", \"keys\": [\"-----BEGIN PUBLIC KEY-----\"]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (add(world.operator_key, names[i], carol, "[]") != 400)
			fail_msg("%s", names[i]);
	}
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if (ask_for(world.operator_key, HTTP_POST, "/v1/owners", bodies[i]) !=
		    400)
			fail_msg("%s", bodies[i]);
	}
	assert_int_equal(add(world.operator_key, "carol", carol, "[\"a/b\"]"), 400);
	assert_int_equal(add(world.operator_key, "carol", carol, "[1]"), 400);
	assert_int_equal(whoami(carol), 401);
}

/* ---- keys ---- */

/* Else the operator could become the owner, and have its secrets. */
static void test_owner_add_key__by_the_operator__denied(void **state)
{
	(void)state;
	assert_int_equal(add_key(world.operator_key, "alice", carol), 403);
	assert_int_equal(add_key(world.bob, "alice", carol), 403);
	assert_int_equal(whoami(carol), 401);
}

static void test_owner_add_key__by_itself__counts(void **state)
{
	json_t *who;

	(void)state;
	assert_int_equal(add_key(world.alice, "alice", carol), 201);
	who = ask_json(carol, HTTP_GET, "/v1/whoami", NULL);
	assert_string_equal(json_string_value(json_object_get(who, "name")), "alice");
	json_decref(who);
	assert_int_equal(add_key(world.alice, "alice", carol), 409);
	assert_int_equal(add_key(world.alice, "alice", world.bob), 409);
}

static void test_owner_add_key__too_many__refused(void **state)
{
	EVP_PKEY *key;

	(void)state;
	for (int i = 1; i < LIMIT_BROKER_KEYS; i++) {
		assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
		assert_int_equal(add_key(world.alice, "alice", key), 201);
		EVP_PKEY_free(key);
	}
	assert_int_equal(add_key(world.alice, "alice", carol), 400);
	assert_int_equal(whoami(carol), 401);
}

static void test_owner_remove_key__the_last_one__stays(void **state)
{
	(void)state;
	assert_int_equal(remove_key(world.alice, "alice", world.alice), 400);
	assert_int_equal(whoami(world.alice), 200);
	assert_int_equal(add_key(world.alice, "alice", carol), 201);
	assert_int_equal(remove_key(world.bob, "alice", carol), 403);
	assert_int_equal(remove_key(world.alice, "alice", world.bob), 404);
	assert_int_equal(remove_key(world.alice, "bob", world.bob), 403);
	/* A lost key is taken away by the operator, too. */
	assert_int_equal(remove_key(world.operator_key, "alice", world.alice), 200);
	assert_int_equal(whoami(world.alice), 401);
	assert_int_equal(whoami(carol), 200);
	assert_int_equal(remove_key(world.operator_key, "operator", world.operator_key),
			 404);
	assert_int_equal(whoami(world.operator_key), 200);
}

static void test_owner_set_operator__other_keys__those_alone_count(void **state)
{
	struct owner_key key;
	char *pem = key_pem(carol);

	(void)state;
	assert_int_equal(owner_key_read(text_bytes(pem), &key, NULL), 0);
	assert_int_equal(
	    owner_set_operator(world.broker, &key, 1, world.now, &world.fault), 0);
	assert_int_equal(whoami(world.operator_key), 401);
	assert_int_equal(ask_for(carol, HTTP_GET, "/v1/owners", NULL), 200);
	free(pem);
	/* One that is an owner's is not the operator's, too. */
	pem = key_pem(world.alice);
	assert_int_equal(owner_key_read(text_bytes(pem), &key, NULL), 0);
	assert_int_equal(
	    owner_set_operator(world.broker, &key, 1, world.now, &world.fault),
	    TOBI_E_EXISTS);
	assert_int_equal(ask_for(carol, HTTP_GET, "/v1/owners", NULL), 200);
	free(pem);
}

/* ---- removing ---- */

static void test_owner_remove__with_secrets__only_when_that_is_said(void **state)
{
	char *body = body_of("x", "");

	(void)state;
	assert_int_equal(ask_for(world.alice, HTTP_PUT, "/v1/secrets/red/a/b", body),
			 201);
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	assert_int_equal(
	    ask_for(world.operator_key, HTTP_DELETE, "/v1/owners/alice", NULL), 409);
	assert_int_equal(ask_for(world.operator_key, HTTP_DELETE,
				 "/v1/owners/alice?secrets=keep", NULL),
			 400);
	assert_int_equal(
	    ask_for(world.bob, HTTP_DELETE, "/v1/owners/alice?secrets=delete", NULL),
	    403);
	assert_int_equal(world_release("red/a/b", 0, "x"), RELEASE_GIVEN);
	assert_int_equal(ask_for(world.operator_key, HTTP_DELETE,
				 "/v1/owners/alice?secrets=delete", NULL),
			 200);
	assert_int_equal(whoami(world.alice), 401);
	assert_int_equal(world_release("red/a/b", 0, ""), RELEASE_DENIED);
	assert_int_equal(
	    db_world_number("SELECT count(*) FROM resource_version", NO_VALUES), 0);
	assert_int_equal(db_world_number("SELECT count(*) FROM policy", NO_VALUES), 0);
	/* Its repositories are free, and nothing of it comes back with them. */
	assert_int_equal(add(world.operator_key, "carol", carol, "[\"red\"]"), 201);
	assert_int_equal(ask_for(carol, HTTP_GET, "/v1/secrets/red/a/b", NULL), 404);
	free(body);
}

static void test_owner_remove__none_or_the_operator__not_found(void **state)
{
	(void)state;
	assert_int_equal(
	    ask_for(world.operator_key, HTTP_DELETE, "/v1/owners/nobody", NULL), 404);
	assert_int_equal(
	    ask_for(world.operator_key, HTTP_DELETE, "/v1/owners/operator", NULL), 404);
	assert_int_equal(whoami(world.operator_key), 200);
	assert_int_equal(ask_for(world.operator_key, HTTP_DELETE, "/v1/owners/bob", NULL),
			 200);
	assert_int_equal(whoami(world.bob), 401);
}

/* ---- repositories ---- */

static int repository(EVP_PKEY *by, enum http_method method, const char *target,
		      const char *body)
{
	return ask_for(by, method, target, body);
}

static void test_owner_repositories__given_and_taken_by_the_operator(void **state)
{
	char *body = body_of("x", "");

	(void)state;
	assert_int_equal(repository(world.alice, HTTP_POST,
				    "/v1/owners/alice/repositories",
				    "{\"repository\": \"white\"}"),
			 403);
	assert_int_equal(repository(world.operator_key, HTTP_POST,
				    "/v1/owners/alice/repositories",
				    "{\"repository\": \"blue\"}"),
			 409);
	assert_int_equal(repository(world.operator_key, HTTP_POST,
				    "/v1/owners/nobody/repositories",
				    "{\"repository\": \"white\"}"),
			 404);
	assert_int_equal(repository(world.operator_key, HTTP_POST,
				    "/v1/owners/alice/repositories",
				    "{\"repository\": \"a/b\"}"),
			 400);
	assert_int_equal(repository(world.operator_key, HTTP_POST,
				    "/v1/owners/alice/repositories",
				    "{\"repository\": \"white\"}"),
			 201);
	assert_int_equal(ask_for(world.alice, HTTP_PUT, "/v1/secrets/white/a/b", body),
			 201);
	assert_int_equal(repository(world.operator_key, HTTP_DELETE,
				    "/v1/owners/alice/repositories/white", NULL),
			 409);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, "/v1/secrets/white/a/b", NULL),
			 200);
	assert_int_equal(world_put_policy("white/a", wr_view(&world.policy)), 0);
	assert_int_equal(repository(world.operator_key, HTTP_DELETE,
				    "/v1/owners/alice/repositories/white", NULL),
			 409);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, "/v1/policies/white/a", NULL),
			 200);
	/* A name that only begins so is another. */
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	assert_int_equal(repository(world.operator_key, HTTP_DELETE,
				    "/v1/owners/bob/repositories/white", NULL),
			 404);
	assert_int_equal(repository(world.operator_key, HTTP_DELETE,
				    "/v1/owners/alice/repositories/white", NULL),
			 200);
	assert_int_equal(ask_for(world.alice, HTTP_PUT, "/v1/secrets/white/a/b", body),
			 403);
	free(body);
}

/* ---- lists ---- */

static void test_owner_list__by_the_operator__all(void **state)
{
	char id[2 * SHA384_SIZE + 1];
	json_t *list = ask_json(world.operator_key, HTTP_GET, "/v1/owners", NULL), *alice;

	(void)state;
	assert_int_equal(json_array_size(json_object_get(list, "owners")), 2);
	alice = json_array_get(json_object_get(list, "owners"), 0);
	assert_string_equal(json_string_value(json_object_get(alice, "name")), "alice");
	assert_int_equal(json_array_size(json_object_get(alice, "repositories")), 2);
	key_id(world.alice, id);
	assert_string_equal(json_string_value(json_object_get(
				json_array_get(json_object_get(alice, "keys"), 0), "id")),
			    id);
	json_decref(list);
	assert_int_equal(ask_for(world.alice, HTTP_GET, "/v1/owners", NULL), 403);
	assert_int_equal(ask_for(world.alice, HTTP_GET, "/v1/owners/alice", NULL), 200);
	assert_int_equal(ask_for(world.alice, HTTP_GET, "/v1/owners/bob", NULL), 403);
	assert_int_equal(ask_for(world.operator_key, HTTP_GET, "/v1/owners/bob", NULL),
			 200);
	assert_int_equal(ask_for(world.operator_key, HTTP_GET, "/v1/owners/none", NULL),
			 404);
}

enum { MANY = 510 };

static void test_owner_list__many__in_pages(void **state)
{
	json_t *page;
	char name[40];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many-%04d", i);
		db_world_do(
		    "INSERT INTO owner (name, is_operator, created) VALUES (?, 0, 1)",
		    VALUES(T(name)));
	}
	/* alice and bob come first. */
	page = ask_json(world.operator_key, HTTP_GET, "/v1/owners", NULL);
	assert_int_equal(json_array_size(json_object_get(page, "owners")), 500);
	assert_string_equal(json_string_value(json_object_get(page, "next")),
			    "many-0497");
	json_decref(page);
	page = ask_json(world.operator_key, HTTP_GET, "/v1/owners?after=many-0497", NULL);
	assert_int_equal(json_array_size(json_object_get(page, "owners")),
			 MANY + 2 - 500);
	assert_null(json_object_get(page, "next"));
	json_decref(page);
	assert_int_equal(
	    ask_for(world.operator_key, HTTP_GET, "/v1/owners?before=a", NULL), 400);
}

/* ---- the store key ---- */

static void test_store_key__rotated_and_moved__all_opens(void **state)
{
	char name[40], body[200];
	json_t *answer = NULL;
	size_t moved = 0, steps = 0;

	(void)state;
	for (int i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "red/key/%d", i);
		assert_int_equal(world_put(name, "s3cret", 0, -1), 0);
	}
	/* One that cannot be opened does not stand before the others. */
	db_world_do("UPDATE resource_version SET sealed = ? WHERE tag = '3'",
		    VALUES(B(text_bytes("this is none that a broker has sealed"))));
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	assert_int_equal(ask_for(world.alice, HTTP_POST, "/v1/keys/rotate", "{}"), 403);
	assert_int_equal(ask_for(world.alice, HTTP_POST, "/v1/keys/rewrap", "{}"), 403);
	assert_int_equal(ask_for(world.operator_key, HTTP_POST, "/v1/keys/rotate", ""),
			 200);
	assert_string_equal(last_note()->action, "store key rotate");
	snprintf(body, sizeof(body), "{\"limit\": 2}");
	do {
		json_decref(answer);
		answer = ask_json(world.operator_key, HTTP_POST, "/v1/keys/rewrap", body);
		moved += (size_t)json_integer_value(json_object_get(answer, "moved"));
		snprintf(body, sizeof(body),
			 "{\"limit\": 2, \"after\": \"%s\", \"version\": %lld}",
			 json_string_value(json_object_get(answer, "after")),
			 json_integer_value(json_object_get(answer, "version")));
		assert_true(++steps < 10);
	} while (!json_is_true(json_object_get(answer, "done")));
	json_decref(answer);
	assert_int_equal(moved, 6);
	for (int i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "red/key/%d", i);
		if (i != 3)
			assert_int_equal(world_release(name, 0, "s3cret"), RELEASE_GIVEN);
	}
	/* Nothing is left to move. */
	answer = ask_json(world.operator_key, HTTP_POST, "/v1/keys/rewrap", "{}");
	assert_int_equal(json_integer_value(json_object_get(answer, "moved")), 0);
	assert_int_equal(json_integer_value(json_object_get(answer, "failed")), 1);
	assert_true(json_is_true(json_object_get(answer, "done")));
	json_decref(answer);
}

static void test_store_key__wrong_step__refused(void **state)
{
	static const char *const wrong[] = {"{\"limit\": 0}",
					    "{\"limit\": 1001}",
					    "{\"after\": \"red\"}",
					    "{\"after\": 1}",
					    "{\"version\": -1}",
					    "{\"secret\": \"a/b/c\"}",
					    "[]",
					    "{\"limit\": \"x\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (ask_for(world.operator_key, HTTP_POST, "/v1/keys/rewrap", wrong[i]) !=
		    400)
			fail_msg("%s", wrong[i]);
	}
}

#define T_(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_owner_add__by_the_operator__counts_at_once),
	    T_(test_owner_add__by_an_owner__denied),
	    T_(test_owner_add__taken__refused_whole),
	    T_(test_owner_add__name_of_one_that_went__only_without_entries),
	    T_(test_owner_add__wrong__refused),
	    T_(test_owner_add_key__by_the_operator__denied),
	    T_(test_owner_add_key__by_itself__counts),
	    T_(test_owner_add_key__too_many__refused),
	    T_(test_owner_remove_key__the_last_one__stays),
	    T_(test_owner_set_operator__other_keys__those_alone_count),
	    T_(test_owner_remove__with_secrets__only_when_that_is_said),
	    T_(test_owner_remove__none_or_the_operator__not_found),
	    T_(test_owner_repositories__given_and_taken_by_the_operator),
	    T_(test_owner_list__by_the_operator__all),
	    T_(test_owner_list__many__in_pages),
	    T_(test_store_key__rotated_and_moved__all_opens),
	    T_(test_store_key__wrong_step__refused),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
