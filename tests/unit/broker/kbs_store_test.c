#include "broker/kbs_store.h"

#include <stdio.h>

#include "tests/broker_world.h"

static struct kbs_session session;
static struct arena arena;

static int enter(void **state)
{
	arena = arena_init(16 << 20);
	broker_world_enter(state);
	assert_int_equal(kbs_session_new(KBS_TEE_SNP, world.now, &session, NULL), 0);
	session.id[KBS_SESSION_SIZE - 1] = 0x7f; /* nothing is looked for */
	return 0;
}

static int leave(void **state)
{
	arena_done(&arena);
	return broker_world_leave(state);
}

static struct kbs_kept made(int64_t expires)
{
	return (struct kbs_kept){
	    .expires = expires,
	    .nonce = text_bytes("nonce"),
	    .evidence = text_bytes("evidence"),
	    .pieces = {text_bytes("one"), {NULL, 0}, text_bytes("three")},
	    .piece_count = 3,
	    .config_unknown = true,
	    .jwk = text_bytes("{}"),
	    .token = text_bytes("a.b.c")};
}

static enum tobi_err add(int64_t expires)
{
	const struct kbs_kept kept = made(expires);

	return kbs_store_add(world.broker, &session, &kept, world.now, &world.fault);
}

static enum tobi_err find(struct kbs_kept *ret_kept)
{
	return kbs_store_find(world.broker, &session, world.now, &arena, ret_kept,
			      &world.fault);
}

/* Another one, of the same world. */
static void another(bool looks)
{
	assert_int_equal(kbs_session_new(KBS_TEE_SNP, world.now, &session, NULL), 0);
	session.id[KBS_SESSION_SIZE - 1] = looks ? 0 : 0x7f;
}

static void test_kbs_store__added__all_of_it_is_found(void **state)
{
	struct kbs_kept found = {0}, expected = made(world.now + 300);

	(void)state;
	assert_int_equal(add(world.now + 300), 0);
	assert_int_equal(find(&found), 0);
	assert_int_equal(found.expires, expected.expires);
	assert_bytes_equal(found.nonce, expected.nonce);
	assert_int_equal(found.device_nonce.size, 0);
	assert_bytes_equal(found.evidence, expected.evidence);
	assert_int_equal(found.piece_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_bytes_equal(found.pieces[i], expected.pieces[i]);
	assert_true(found.config_unknown);
	assert_bytes_equal(found.jwk, expected.jwk);
	assert_bytes_equal(found.token, expected.token);
	assert_int_equal(found.denials, 0);
}

static void test_kbs_store__added_twice__exists(void **state)
{
	(void)state;
	assert_int_equal(add(world.now + 300), 0);
	assert_int_equal(add(world.now + 300), TOBI_E_EXISTS);
}

static void test_kbs_store__absent_or_over__not_found(void **state)
{
	struct kbs_kept found = {0};

	(void)state;
	assert_int_equal(find(&found), TOBI_E_NOT_FOUND);
	assert_int_equal(add(world.now + 300), 0);
	world.now += 299;
	assert_int_equal(find(&found), 0);
	world.now += 1;
	assert_int_equal(find(&found), TOBI_E_NOT_FOUND);
}

static void test_kbs_store__denials__are_counted(void **state)
{
	struct kbs_kept found = {0};

	(void)state;
	assert_int_equal(add(world.now + 300), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    kbs_store_count_denial(world.broker, &session, &world.fault), 0);
	assert_int_equal(find(&found), 0);
	assert_int_equal(found.denials, 3);
}

static int64_t rows(void)
{
	return db_world_number("SELECT COUNT(*) FROM kbs_sessions", NO_VALUES);
}

static void test_kbs_store__over__are_taken_away_by_those_that_come(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		another(false);
		assert_int_equal(add(world.now + 10 * i), 0);
	}
	assert_int_equal(rows(), 3);
	/* Another broker's clock may be behind. */
	world.now += KBS_CLOCKS_SECONDS;
	another(true);
	assert_int_equal(add(world.now + 300), 0);
	assert_int_equal(rows(), 3);
	world.now += 20;
	another(true);
	assert_int_equal(add(world.now + 300), 0);
	assert_int_equal(rows(), 2);
}

/* The bound holds as near as one in 64 looks; here each does. */
static void test_kbs_store__too_many__the_oldest_go(void **state)
{
	struct kbs_session first;
	struct kbs_kept found = {0};

	(void)state;
	world.broker->setup.sessions = 3;
	first = session;
	for (int i = 0; i < 5; i++) {
		if (i > 0)
			another(true);
		assert_int_equal(add(world.now + 100 + i), 0);
		assert_true(rows() <= 3);
	}
	assert_int_equal(find(&found), 0);
	session = first;
	assert_int_equal(find(&found), TOBI_E_NOT_FOUND);
}

/* Anybody can hand in much that looks like evidence. */
static void test_kbs_store__too_large_together__the_oldest_go(void **state)
{
	struct kbs_kept found = {0};

	(void)state;
	for (int i = 0; i < 8; i++) {
		another(false);
		assert_int_equal(add(world.now + 100 + i), 0);
	}
	assert_int_equal(
	    db_world_number("SELECT size FROM kbs_sessions LIMIT 1", NO_VALUES),
	    (int64_t)strlen("evidence") + 3 * 4 + (int64_t)strlen("onethree") +
		(int64_t)strlen("{}a.b.c"));
	db_world_do("UPDATE kbs_sessions SET size = ?", VALUES(N(LIMIT_KBS_KEPT / 4)));
	another(true);
	assert_int_equal(add(world.now + 300), 0);
	assert_int_equal(rows(), 4); /* three of a quarter each, and the new one */
	assert_int_equal(find(&found), 0);
	assert_int_equal(
	    db_world_number("SELECT MIN(expires) FROM kbs_sessions", NO_VALUES),
	    world.now + 105);
}

/* Whoever has the database may have changed it: another key, and the secret would be for
 * whoever has that. */
static void test_kbs_store__row_changed__not_used(void **state)
{
	static const char *const changes[] = {
	    "jwk = '{\"kty\": \"EC\"}'",
	    "token = 'a.b.d'",
	    "config_unknown = 0",
	    "expires = expires + 1",
	    "mac = NULL",
	    "nonce = evidence",
	    "device_nonce = nonce",
	    "evidence = nonce",
	    "pieces = nonce",
	    "mac = nonce",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct kbs_kept found = {0};
		char text[128];

		another(false);
		db_world_do("DELETE FROM kbs_sessions", NO_VALUES);
		assert_int_equal(add(world.now + 300), 0);
		assert_int_equal(find(&found), 0);
		snprintf(text, sizeof(text), "UPDATE kbs_sessions SET %s", changes[i]);
		db_world_do(text, NO_VALUES);
		assert_int_equal(find(&found), TOBI_E_SIGNATURE);
	}
}

static void test_kbs_store__row_of_another_session__not_used(void **state)
{
	struct kbs_kept found = {0};

	(void)state;
	assert_int_equal(add(world.now + 300), 0);
	another(false);
	db_world_do("UPDATE kbs_sessions SET id = ?", VALUES(T(session.text)));
	assert_int_equal(find(&found), TOBI_E_SIGNATURE);
}

int main(int argc, char **argv)
{
#define T_(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
	    T_(test_kbs_store__added__all_of_it_is_found),
	    T_(test_kbs_store__added_twice__exists),
	    T_(test_kbs_store__absent_or_over__not_found),
	    T_(test_kbs_store__denials__are_counted),
	    T_(test_kbs_store__over__are_taken_away_by_those_that_come),
	    T_(test_kbs_store__too_many__the_oldest_go),
	    T_(test_kbs_store__too_large_together__the_oldest_go),
	    T_(test_kbs_store__row_changed__not_used),
	    T_(test_kbs_store__row_of_another_session__not_used),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
