/* Statements, values, transactions, the pool: alike on both libraries. */
#include <pthread.h>
#include <stdio.h>

#include "base/fault.h"
#include "db/backend.h"
#include "tests/db_world.h"

static void make_things(void)
{
	db_world_do("CREATE TABLE things (name TEXT PRIMARY KEY, number BIGINT, "
		    "content BYTEA, CHECK (number IS NULL OR number <> -13))",
		    NO_VALUES);
}

static int64_t count_things(void)
{
	return db_world_number("SELECT count(*) FROM things", NO_VALUES);
}

/* What a row has, copied. */
struct seen {
	size_t rows, count;
	struct db_value values[8];
	uint8_t bytes[8][64];
	enum tobi_err answer;
};

static enum tobi_err see(void *context, const struct db_value *values, size_t count,
			 struct tobi_fault *fault)
{
	struct seen *seen = context;

	seen->rows++;
	seen->count = count;
	for (size_t i = 0; i < count; i++) {
		seen->values[i] = values[i];
		if (values[i].kind == DB_TEXT)
			assert_int_equal(values[i].bytes.ptr[values[i].bytes.size], 0);
		bytes_copy(seen->bytes[i], 64, values[i].bytes.ptr, values[i].bytes.size);
		seen->values[i].bytes.ptr = seen->bytes[i];
	}
	return seen->answer ? fault_set(fault, seen->answer, "row", "", "enough")
			    : TOBI_OK;
}

static void test_db_run__values__come_back(void **state)
{
	static const uint8_t odd[] = {0, 0xff, 0x80, 0, '\'', '\\', '?'};
	const struct tobi_bytes bytes = {odd, sizeof(odd)};
	struct seen seen = {0};

	(void)state;
	make_things();
	assert_int_equal(
	    db_world_do("INSERT INTO things VALUES (?, ?, ?)",
			VALUES(T("na\u00efve ?'\"\\\n$1"), N(INT64_MIN), B(bytes))),
	    1);
	assert_int_equal(
	    db_world_do("INSERT INTO things VALUES (?, ?, ?)",
			VALUES(T(""), N(INT64_MAX), B((struct tobi_bytes){0}))),
	    1);
	assert_int_equal(db_world_do("INSERT INTO things VALUES (?, ?, ?)",
				     VALUES(T("null"), db_null(), db_null())),
			 1);
	assert_int_equal(db_run(db_world.conn,
				"SELECT name, number, content, number < 0 FROM things "
				"WHERE name = ?",
				VALUES(T("na\u00efve ?'\"\\\n$1")), see, &seen, NULL,
				&db_world.fault),
			 TOBI_OK);
	assert_int_equal(seen.rows, 1);
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.values[0].kind, DB_TEXT);
	assert_true(bytes_equal_text(seen.values[0].bytes, "na\u00efve ?'\"\\\n$1"));
	assert_int_equal(seen.values[1].kind, DB_INTEGER);
	assert_true(seen.values[1].integer == INT64_MIN);
	assert_int_equal(seen.values[2].kind, DB_BYTES);
	assert_bytes_equal(seen.values[2].bytes, bytes);
	assert_int_equal(seen.values[3].kind, DB_INTEGER);
	assert_int_equal(seen.values[3].integer, 1);
	seen = (struct seen){0};
	assert_int_equal(db_run(db_world.conn,
				"SELECT name, number, content FROM things WHERE number "
				"IS NULL OR number > ? ORDER BY name",
				VALUES(N(0)), see, &seen, NULL, NULL),
			 TOBI_OK);
	assert_int_equal(seen.rows, 2);
	assert_int_equal(seen.values[1].kind, DB_NULL);
	assert_int_equal(seen.values[2].kind, DB_NULL);
	seen = (struct seen){0};
	assert_int_equal(db_run(db_world.conn,
				"SELECT name, number, content FROM things WHERE name = ?",
				VALUES(T("")), see, &seen, NULL, NULL),
			 TOBI_OK);
	assert_int_equal(seen.rows, 1);
	assert_int_equal(seen.values[0].kind, DB_TEXT);
	assert_int_equal(seen.values[0].bytes.size, 0);
	assert_true(seen.values[1].integer == INT64_MAX);
	assert_int_equal(seen.values[2].kind, DB_BYTES);
	assert_int_equal(seen.values[2].bytes.size, 0);
}

static void test_db_run__question_mark_in_quotes__is_no_value(void **state)
{
	(void)state;
	make_things();
	assert_int_equal(
	    db_world_number("SELECT count(*) FROM things /* ? */ WHERE name = '?''?' "
			    "OR \"name\" = ? -- ?\n AND number = ?",
			    VALUES(T("x"), N(1))),
	    0);
}

static void test_db_run__other_count_of_values__argument(void **state)
{
	(void)state;
	make_things();
	assert_int_equal(
	    db_world_run("SELECT name FROM things WHERE name = ?", NO_VALUES),
	    TOBI_E_ARGUMENT);
	assert_int_equal(db_world_run("SELECT name FROM things WHERE name = ?",
				      VALUES(T("a"), T("b"))),
			 TOBI_E_ARGUMENT);
}

static void test_db_run__two_statements__refused(void **state)
{
	(void)state;
	make_things();
	assert_int_equal(
	    db_world_run("DELETE FROM things; DELETE FROM things", NO_VALUES),
	    TOBI_E_ARGUMENT);
	assert_int_equal(db_world_run("", NO_VALUES), TOBI_E_ARGUMENT);
}

static void test_db_run__bad_text__argument(void **state)
{
	static const uint8_t zero[] = {'a', 0, 'b'}, latin[] = {'a', 0xe4};
	const struct db_value with_zero = {.kind = DB_TEXT,
					   .bytes = {zero, sizeof(zero)}};
	const struct db_value not_utf8 = {.kind = DB_TEXT,
					  .bytes = {latin, sizeof(latin)}};

	(void)state;
	make_things();
	assert_int_equal(
	    db_world_run("INSERT INTO things (name) VALUES (?)", &with_zero, 1),
	    TOBI_E_ARGUMENT);
	assert_int_equal(
	    db_world_run("INSERT INTO things (name) VALUES (?)", &not_utf8, 1),
	    TOBI_E_ARGUMENT);
	assert_int_equal(count_things(), 0);
}

static void test_db_run__large_value__limit(void **state)
{
	const size_t most = 16 << 20;
	uint8_t *large = calloc(1, most + 1);
	const struct tobi_bytes fits = {large, most}, over = {large, most + 1};

	(void)state;
	make_things();
	assert_non_null(large);
	assert_int_equal(db_world_run("INSERT INTO things (name, content) VALUES (?, ?)",
				      VALUES(T("a"), B(over))),
			 TOBI_E_LIMIT);
	assert_int_equal(db_world_do("INSERT INTO things (name, content) VALUES (?, ?)",
				     VALUES(T("a"), B(fits))),
			 1);
	assert_true(db_world_number("SELECT length(content) FROM things", NO_VALUES) ==
		    (int64_t)most);
	free(large);
}

static void test_db_run__many_values__limit(void **state)
{
	struct db_value values[257];
	struct writer sql = wr_init(4096);

	(void)state;
	wr_printf(&sql, "SELECT 1 WHERE 0 = 1");
	for (int i = 0; i < 257; i++)
		values[i] = db_integer(i);
	for (int i = 0; i < 256; i++)
		wr_printf(&sql, " OR 1 = ?");
	wr_u8(&sql, 0);
	assert_int_equal(db_world_run((const char *)sql.ptr, values, 256), TOBI_OK);
	sql.size--;
	wr_printf(&sql, " OR 1 = ?");
	wr_u8(&sql, 0);
	assert_int_equal(db_world_run((const char *)sql.ptr, values, 257), TOBI_E_LIMIT);
	wr_done(&sql);
}

static void test_db_run__constraints__are_told_apart(void **state)
{
	(void)state;
	make_things();
	db_world_do("INSERT INTO things (name) VALUES (?)", VALUES(T("a")));
	assert_int_equal(
	    db_world_run("INSERT INTO things (name) VALUES (?)", VALUES(T("a"))),
	    TOBI_E_EXISTS);
	assert_int_equal(db_world_run("INSERT INTO things (name, number) VALUES (?, ?)",
				      VALUES(T("b"), N(-13))),
			 TOBI_E_ARGUMENT);
	assert_int_equal(
	    db_world_do("INSERT INTO things (name) VALUES (?) ON CONFLICT DO NOTHING",
			VALUES(T("a"))),
	    0);
	db_world_do("CREATE TABLE parts (thing TEXT NOT NULL REFERENCES things (name))",
		    NO_VALUES);
	assert_int_equal(db_world_run("INSERT INTO parts VALUES (?)", VALUES(T("zz"))),
			 TOBI_E_ARGUMENT);
	db_world_do("INSERT INTO parts VALUES (?)", VALUES(T("a")));
	assert_int_equal(db_world_run("DELETE FROM things", NO_VALUES), TOBI_E_ARGUMENT);
	assert_int_equal(count_things(), 1);
}

static void test_db_run__changed__is_counted(void **state)
{
	uint64_t changed = 7;

	(void)state;
	make_things();
	for (int i = 0; i < 5; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%d", i);
		db_world_do("INSERT INTO things (name, number) VALUES (?, ?)",
			    VALUES(T(name), N(i)));
	}
	assert_int_equal(db_world_do("UPDATE things SET number = number + ? WHERE number "
				     ">= ?",
				     VALUES(N(10), N(2))),
			 3);
	assert_int_equal(db_run(db_world.conn, "SELECT name FROM things", NO_VALUES, NULL,
				NULL, &changed, NULL),
			 TOBI_OK);
	assert_int_equal(changed, 0);
	assert_int_equal(
	    db_world_do("DELETE FROM things WHERE number > ?", VALUES(N(100))), 0);
	assert_int_equal(db_world_do("DELETE FROM things", NO_VALUES), 5);
	assert_int_equal(db_world_number("INSERT INTO things (name, number) VALUES (?, "
					 "?) RETURNING number",
					 VALUES(T("r"), N(3))),
			 3);
}

static void test_db_run__row_says_no__ends_with_that(void **state)
{
	struct seen seen = {.answer = TOBI_E_REFUSED};

	(void)state;
	make_things();
	db_world_do("INSERT INTO things (name) VALUES (?), (?)", VALUES(T("a"), T("b")));
	assert_int_equal(db_run(db_world.conn, "SELECT name FROM things", NO_VALUES, see,
				&seen, NULL, &db_world.fault),
			 TOBI_E_REFUSED);
	assert_string_equal(db_world.fault.message, "enough");
	assert_int_equal(seen.rows, 1);
	/* The statement can be run again. */
	seen = (struct seen){0};
	assert_int_equal(db_run(db_world.conn, "SELECT name FROM things", NO_VALUES, see,
				&seen, NULL, NULL),
			 TOBI_OK);
	assert_int_equal(seen.rows, 2);
}

static enum tobi_err same_again(void *context, const struct db_value *values,
				size_t count, struct tobi_fault *fault)
{
	struct seen seen = {0};

	(void)values;
	(void)count;
	(*(int *)context)++;
	assert_int_equal(db_run(db_world.conn, "SELECT name FROM things", NO_VALUES, see,
				&seen, NULL, fault),
			 TOBI_OK);
	assert_int_equal(seen.rows, 3);
	return TOBI_OK;
}

static void test_db_run__within_a_row__both_go_on(void **state)
{
	int rows = 0;

	(void)state;
	make_things();
	db_world_do("INSERT INTO things (name) VALUES (?), (?), (?)",
		    VALUES(T("a"), T("b"), T("c")));
	assert_int_equal(db_run(db_world.conn, "SELECT name FROM things", NO_VALUES,
				same_again, &rows, NULL, NULL),
			 TOBI_OK);
	assert_int_equal(rows, 3);
}

static void test_db_run__other_kind_of_column__argument(void **state)
{
	struct seen seen = {0};

	(void)state;
	assert_int_equal(db_run(db_world.conn, "SELECT 1.5", NO_VALUES, see, &seen, NULL,
				&db_world.fault),
			 TOBI_E_ARGUMENT);
	assert_int_equal(seen.rows, 0);
}

static void test_db_run__many_statements__oldest_make_room(void **state)
{
	(void)state;
	make_things();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 400; i++) {
			char sql[64];

			snprintf(sql, sizeof(sql), "SELECT %d + count(*) FROM things", i);
			assert_int_equal(db_world_number(sql, NO_VALUES), i);
		}
	}
}

static void test_db_begin__rolled_back__nothing_stays(void **state)
{
	(void)state;
	make_things();
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	db_world_do("INSERT INTO things (name) VALUES (?)", VALUES(T("a")));
	assert_int_equal(count_things(), 1);
	db_rollback(db_world.conn);
	assert_int_equal(count_things(), 0);
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	db_world_do("INSERT INTO things (name) VALUES (?)", VALUES(T("a")));
	/* Given back in the middle of it. */
	db_give(db_world.conn);
	assert_int_equal(db_take(db_world.db, &db_world.conn, NULL), TOBI_OK);
	assert_int_equal(count_things(), 0);
}

static void test_db_commit__committed__stays(void **state)
{
	(void)state;
	make_things();
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	db_world_do("INSERT INTO things (name) VALUES (?)", VALUES(T("a")));
	assert_int_equal(db_commit(db_world.conn, NULL), TOBI_OK);
	db_world_again();
	assert_int_equal(count_things(), 1);
}

static void test_db_commit__a_statement_failed__says_so(void **state)
{
	(void)state;
	make_things();
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	db_world_do("INSERT INTO things (name) VALUES (?)", VALUES(T("a")));
	assert_int_equal(
	    db_world_run("INSERT INTO things (name) VALUES (?)", VALUES(T("a"))),
	    TOBI_E_EXISTS);
	assert_int_equal(db_world_run("SELECT name FROM things", NO_VALUES),
			 TOBI_E_SYSTEM);
	assert_int_equal(db_commit(db_world.conn, &db_world.fault), TOBI_E_SYSTEM);
	assert_int_equal(count_things(), 0);
	/* The same connection goes on. */
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	db_world_do("INSERT INTO things (name) VALUES (?)", VALUES(T("a")));
	assert_int_equal(db_commit(db_world.conn, NULL), TOBI_OK);
	assert_int_equal(count_things(), 1);
}

static void test_db_begin__out_of_order__argument(void **state)
{
	(void)state;
	assert_int_equal(db_commit(db_world.conn, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_E_ARGUMENT);
	db_rollback(db_world.conn);
	db_rollback(db_world.conn);
}

/* Eight threads, four connections, each adds to the same number: no step is lost. */
enum { THREADS = 8, STEPS = 25 };

static enum tobi_err add_once(void)
{
	struct db_conn *conn = NULL;
	enum tobi_err err = db_take(db_world.db, &conn, NULL);

	if (err)
		return err;
	err = db_begin(conn, NULL);
	if (!err)
		err = db_run(conn, "UPDATE things SET number = number + 1 WHERE name = ?",
			     VALUES(T("sum")), NULL, NULL, NULL, NULL);
	if (!err)
		err = db_commit(conn, NULL);
	db_give(conn);
	return err;
}

static void *add(void *context)
{
	enum tobi_err *err = context;

	for (int i = 0; i < STEPS && !*err;) {
		*err = add_once();
		if (!*err)
			i++;
		/* A lost race: again. */
		if (*err == TOBI_E_TIMEOUT)
			*err = TOBI_OK;
	}
	return NULL;
}

static void test_db_begin__many_threads__none_lost(void **state)
{
	pthread_t threads[THREADS];
	enum tobi_err errors[THREADS] = {0};

	(void)state;
	make_things();
	db_world_do("INSERT INTO things (name, number) VALUES (?, ?)",
		    VALUES(T("sum"), N(0)));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add, &errors[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(errors[i], TOBI_OK);
	}
	assert_int_equal(db_world_number("SELECT number FROM things", NO_VALUES),
			 THREADS * STEPS);
}

/* Opened anew, with times that a test can wait for. */
static void hurry(unsigned busy_ms, unsigned run_ms)
{
	db_give(db_world.conn);
	db_world.conn = NULL;
	db_free(db_world.db);
	db_world.db = NULL;
	assert_int_equal(db_open(db_world.location, 2, &db_world.db, NULL), TOBI_OK);
	db_world.db->busy_ms = busy_ms;
	db_world.db->run_ms = run_ms;
	/* The one that is open has the times of before. */
	db_world.db->idle->broken = true;
	assert_int_equal(db_take(db_world.db, &db_world.conn, NULL), TOBI_OK);
	db_give(db_world.conn);
	assert_int_equal(db_take(db_world.db, &db_world.conn, NULL), TOBI_OK);
}

static void test_db_run__locked_by_another__timeout(void **state)
{
	struct db_conn *other = NULL;
	enum tobi_err err;

	(void)state;
	make_things();
	hurry(300, 30000);
	db_world_do("INSERT INTO things (name, number) VALUES ('x', 1)", NO_VALUES);
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	db_world_do("UPDATE things SET number = 2", NO_VALUES);
	assert_int_equal(db_take(db_world.db, &other, NULL), TOBI_OK);
	err = db_begin(other, NULL);
	if (!err)
		err = db_run(other, "UPDATE things SET number = 3", NO_VALUES, NULL, NULL,
			     NULL, NULL);
	assert_int_equal(err, TOBI_E_TIMEOUT);
	db_rollback(other);
	/* Outside of a transaction, too. */
	assert_int_equal(db_run(other, "UPDATE things SET number = 3", NO_VALUES, NULL,
				NULL, NULL, NULL),
			 TOBI_E_TIMEOUT);
	assert_int_equal(db_commit(db_world.conn, NULL), TOBI_OK);
	assert_int_equal(db_run(other, "UPDATE things SET number = number + 5", NO_VALUES,
				NULL, NULL, NULL, NULL),
			 TOBI_OK);
	db_give(other);
	assert_int_equal(db_world_number("SELECT number FROM things", NO_VALUES), 7);
}

static void test_db_run__too_long__timeout(void **state)
{
	(void)state;
	hurry(10000, 300);
	assert_int_equal(db_world_run("WITH RECURSIVE more (n) AS (SELECT 1 UNION ALL "
				      "SELECT n + 1 FROM more) SELECT count(*) FROM more",
				      NO_VALUES),
			 TOBI_E_TIMEOUT);
	/* The connection goes on. */
	assert_int_equal(db_world_number("SELECT 1", NO_VALUES), 1);
}

static void test_db_take__all_in_use__timeout(void **state)
{
	struct db_conn *second = NULL, *third = NULL;

	(void)state;
	hurry(200, 30000);
	assert_int_equal(db_take(db_world.db, &second, NULL), TOBI_OK);
	assert_int_equal(db_take(db_world.db, &third, &db_world.fault), TOBI_E_TIMEOUT);
	db_give(second);
	assert_int_equal(db_take(db_world.db, &third, NULL), TOBI_OK);
	db_give(third);
}

/* Two transactions of which each reads what the other writes: in PostgreSQL one of them
 * must be told that it lost; SQLite has one writer at a time. */
static void test_db_commit__write_skew__one_is_refused(void **state)
{
	struct db_conn *other = NULL;
	enum tobi_err err, first;

	(void)state;
	make_things();
	hurry(300, 30000);
	db_world_do("INSERT INTO things (name, number) VALUES ('a', 1), ('b', 1)",
		    NO_VALUES);
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	assert_int_equal(
	    db_world_number("SELECT CAST(sum(number) AS BIGINT) FROM things", NO_VALUES),
	    2);
	db_world_do("UPDATE things SET number = 0 WHERE name = 'a'", NO_VALUES);
	assert_int_equal(db_take(db_world.db, &other, NULL), TOBI_OK);
	err = db_begin(other, NULL);
	if (!err)
		err = db_run(other, "SELECT CAST(sum(number) AS BIGINT) FROM things",
			     NO_VALUES, NULL, NULL, NULL, NULL);
	if (!err)
		err = db_run(other, "UPDATE things SET number = 0 WHERE name = 'b'",
			     NO_VALUES, NULL, NULL, NULL, NULL);
	first = db_commit(db_world.conn, NULL);
	if (!err)
		err = db_commit(other, NULL);
	db_give(other);
	assert_int_equal(first, TOBI_OK);
	assert_int_equal(err, TOBI_E_TIMEOUT);
	assert_int_equal(
	    db_world_number("SELECT CAST(sum(number) AS BIGINT) FROM things", NO_VALUES),
	    1);
}

static void test_db_open__odd_location__argument(void **state)
{
	static const char *const odd[] = {"",	    "mysql:x",	"sqlite",
					  "/tmp/x", "Sqlite:x", "sqlite:"};
	struct db *db = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_equal(db_open(odd[i], 1, &db, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(db_open(db_world.location, 0, &db, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(db_open(db_world.location, 257, &db, NULL), TOBI_E_ARGUMENT);
	assert_null(db);
}

static void test_db_check__sound__ok(void **state)
{
	(void)state;
	make_things();
	assert_int_equal(db_check(db_world.db, NULL), TOBI_OK);
	assert_int_equal(db_check_all(db_world.db, NULL), TOBI_OK);
	assert_int_equal(db_is_shared(db_world.db), db_world.postgres);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_world_enter, db_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_db_run__values__come_back),
	    TEST(test_db_run__question_mark_in_quotes__is_no_value),
	    TEST(test_db_run__other_count_of_values__argument),
	    TEST(test_db_run__two_statements__refused),
	    TEST(test_db_run__bad_text__argument),
	    TEST(test_db_run__large_value__limit),
	    TEST(test_db_run__many_values__limit),
	    TEST(test_db_run__constraints__are_told_apart),
	    TEST(test_db_run__changed__is_counted),
	    TEST(test_db_run__row_says_no__ends_with_that),
	    TEST(test_db_run__within_a_row__both_go_on),
	    TEST(test_db_run__other_kind_of_column__argument),
	    TEST(test_db_run__many_statements__oldest_make_room),
	    TEST(test_db_begin__rolled_back__nothing_stays),
	    TEST(test_db_commit__committed__stays),
	    TEST(test_db_commit__a_statement_failed__says_so),
	    TEST(test_db_begin__out_of_order__argument),
	    TEST(test_db_begin__many_threads__none_lost),
	    TEST(test_db_run__locked_by_another__timeout),
	    TEST(test_db_run__too_long__timeout),
	    TEST(test_db_take__all_in_use__timeout),
	    TEST(test_db_commit__write_skew__one_is_refused),
	    TEST(test_db_open__odd_location__argument),
	    TEST(test_db_check__sound__ok),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
