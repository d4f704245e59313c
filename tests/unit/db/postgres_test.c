/* What only PostgreSQL has: a server that is not there, that refuses, and settings of its
 * operator that must not weaken a commit. */
#include <stdio.h>
#include <unistd.h>

#include "tests/db_world.h"

static enum tobi_err open_at(const char *location)
{
	struct db *db = NULL;
	enum tobi_err err;

	db_world.fault = (struct tobi_fault){0};
	err = db_open(location, 1, &db, &db_world.fault);
	if (!err)
		db_free(db);
	return err;
}

static void test_db_open__no_server__not_found(void **state)
{
	char location[200];

	(void)state;
	snprintf(location, sizeof(location), "postgres:host=%s user=x", db_world.folder);
	assert_int_equal(open_at(location), TOBI_E_NOT_FOUND);
	/* Port 1 of this host: nobody listens. */
	assert_int_equal(open_at("postgres:host=127.0.0.1 port=1 user=x"),
			 TOBI_E_NOT_FOUND);
	assert_int_equal(open_at("postgres:nonsense"), TOBI_E_NOT_FOUND);
}

static void test_db_open__no_such_database__not_found(void **state)
{
	char location[600];

	(void)state;
	snprintf(location, sizeof(location), "%s dbname=nothing", db_world.location);
	assert_int_equal(open_at(location), TOBI_E_NOT_FOUND);
	assert_non_null(strstr(db_world.fault.message, "nothing"));
}

static void test_db_open__no_such_role__denied(void **state)
{
	char location[600];

	(void)state;
	snprintf(location, sizeof(location), "%s user=nobody_at_all", db_world.location);
	assert_int_equal(open_at(location), TOBI_E_DENIED);
}

static enum tobi_err take_text(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	(void)count;
	(void)fault;
	snprintf(context, 32, "%s", (const char *)values[0].bytes.ptr);
	return TOBI_OK;
}

static void expect_setting(const char *sql, const char *wanted)
{
	char text[32] = "";

	assert_int_equal(
	    db_run(db_world.conn, sql, NO_VALUES, take_text, text, NULL, &db_world.fault),
	    TOBI_OK);
	assert_string_equal(text, wanted);
}

static void test_db_take__weakened_by_the_operator__commits_to_the_disk(void **state)
{
	(void)state;
	db_world_do("ALTER ROLE broker SET synchronous_commit TO off", NO_VALUES);
	db_world_do("ALTER ROLE broker SET standard_conforming_strings TO off",
		    NO_VALUES);
	db_world_again();
	expect_setting("SELECT current_setting('synchronous_commit')", "on");
	expect_setting("SELECT current_setting('standard_conforming_strings')", "on");
	expect_setting("SELECT current_setting('statement_timeout')", "30s");
	expect_setting("SELECT current_setting('lock_timeout')", "10s");
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	expect_setting("SELECT current_setting('transaction_isolation')", "serializable");
	db_rollback(db_world.conn);
	/* What is stronger is left. */
	db_world_do("ALTER ROLE broker SET synchronous_commit TO remote_apply",
		    NO_VALUES);
	db_world_again();
	expect_setting("SELECT current_setting('synchronous_commit')", "remote_apply");
	db_world_do("ALTER ROLE broker RESET ALL", NO_VALUES);
}

/* A role that may not change the schema runs a broker all the same. */
static void test_db_migrate__role_without_rights__needs_none(void **state)
{
	static const char *const first[] = {"CREATE TABLE one (id BIGINT)", NULL};
	static const struct db_migration steps[] = {{"first", first}};
	static const struct db_migration more[] = {{"first", first}, {"second", first}};
	struct db *db = NULL;
	char location[600];

	(void)state;
	assert_int_equal(db_migrate(db_world.db, steps, 1, NULL), TOBI_OK);
	db_world_do("DROP ROLE IF EXISTS lesser", NO_VALUES);
	db_world_do("CREATE ROLE lesser LOGIN", NO_VALUES);
	db_world_do("GRANT USAGE ON SCHEMA public TO lesser", NO_VALUES);
	db_world_do("GRANT SELECT ON schema_steps TO lesser", NO_VALUES);
	snprintf(location, sizeof(location), "%s user=lesser", db_world.location);
	assert_int_equal(db_open(location, 1, &db, NULL), TOBI_OK);
	assert_int_equal(db_migrate(db, steps, 1, NULL), TOBI_OK);
	assert_int_equal(db_migrate(db, more, 2, &db_world.fault), TOBI_E_DENIED);
	db_free(db);
	db_world_do("DROP OWNED BY lesser", NO_VALUES);
	db_world_do("DROP ROLE lesser", NO_VALUES);
}

static void test_db_backup__of_postgres__unsupported(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/copy", db_world.folder);
	assert_int_equal(db_backup(db_world.db, path, &db_world.fault),
			 TOBI_E_UNSUPPORTED);
	assert_non_null(strstr(db_world.fault.message, "pg_dump"));
	assert_int_not_equal(access(path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_world_enter, db_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_db_open__no_server__not_found),
	    TEST(test_db_open__no_such_database__not_found),
	    TEST(test_db_open__no_such_role__denied),
	    TEST(test_db_take__weakened_by_the_operator__commits_to_the_disk),
	    TEST(test_db_migrate__role_without_rights__needs_none),
	    TEST(test_db_backup__of_postgres__unsupported),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
