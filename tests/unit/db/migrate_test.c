/* The schema's steps: applied once and in order; what is newer is refused. */
#include <pthread.h>

#include "broker/broker.h"
#include "tests/db_world.h"

static const char *const first[] = {"CREATE TABLE one (id BIGINT PRIMARY KEY)",
				    "INSERT INTO one VALUES (1)", NULL};
static const char *const second[] = {"ALTER TABLE one ADD COLUMN name TEXT",
				     "INSERT INTO one VALUES (2, 'two')", NULL};
static const char *const third[] = {"CREATE TABLE three (id BIGINT)", NULL};
static const char *const wrong[] = {"CREATE TABLE wrong (id BIGINT)",
				    "INSERT INTO nothing VALUES (1)", NULL};
static const struct db_migration steps[] = {
    {"first", first}, {"second", second}, {"third", third}};

static enum tobi_err migrate(const struct db_migration *migrations, size_t count)
{
	db_world.fault = (struct tobi_fault){0};
	return db_migrate(db_world.db, migrations, count, &db_world.fault);
}

static void test_db_migrate__step_by_step__each_once(void **state)
{
	(void)state;
	assert_int_equal(migrate(steps, 1), TOBI_OK);
	assert_int_equal(db_world_number("SELECT count(*) FROM one", NO_VALUES), 1);
	assert_int_equal(migrate(steps, 1), TOBI_OK);
	assert_int_equal(migrate(steps, 3), TOBI_OK);
	db_world_again();
	assert_int_equal(migrate(steps, 3), TOBI_OK);
	assert_int_equal(db_world_number("SELECT count(*) FROM one", NO_VALUES), 2);
	assert_int_equal(db_world_number("SELECT count(*) FROM three", NO_VALUES), 0);
	assert_int_equal(db_world_number("SELECT count(*) FROM schema_steps", NO_VALUES),
			 3);
}

static void test_db_migrate__newer_database__refused(void **state)
{
	(void)state;
	assert_int_equal(migrate(steps, 3), TOBI_OK);
	assert_int_equal(migrate(steps, 2), TOBI_E_UNSUPPORTED);
	assert_non_null(strstr(db_world.fault.message, "newer than this program"));
	assert_non_null(strstr(db_world.fault.message, "\"third\""));
	assert_int_equal(migrate(steps, 3), TOBI_OK);
}

static void test_db_migrate__other_step__refused(void **state)
{
	static const struct db_migration other[] = {
	    {"first", first}, {"another", third}, {"third", third}};

	(void)state;
	assert_int_equal(migrate(steps, 2), TOBI_OK);
	assert_int_equal(migrate(other, 3), TOBI_E_UNSUPPORTED);
	assert_non_null(strstr(db_world.fault.message, "\"another\""));
}

static void test_db_migrate__damaged_list__malformed(void **state)
{
	(void)state;
	assert_int_equal(migrate(steps, 3), TOBI_OK);
	db_world_do("DELETE FROM schema_steps WHERE position = 0", NO_VALUES);
	assert_int_equal(migrate(steps, 3), TOBI_E_MALFORMED);
}

static void test_db_migrate__step_fails__nothing_of_it_stays(void **state)
{
	static const struct db_migration fails[] = {{"first", first}, {"wrong", wrong}};

	(void)state;
	assert_int_equal(migrate(fails, 2), TOBI_E_ARGUMENT);
	assert_int_equal(db_world_number("SELECT count(*) FROM schema_steps", NO_VALUES),
			 1);
	/* The table of the failed step is not there: another step makes it. */
	db_world_do("CREATE TABLE wrong (id BIGINT)", NO_VALUES);
}

static void test_db_migrate__no_steps__ok(void **state)
{
	(void)state;
	assert_int_equal(migrate(steps, 0), TOBI_OK);
	assert_int_equal(migrate(steps, 2), TOBI_OK);
}

/* Brokers that start at the same moment. */
static void *start(void *context)
{
	enum tobi_err *err = context;
	struct db *db = NULL;

	*err = db_open(db_world.location, 1, &db, NULL);
	if (!*err)
		*err = db_migrate(db, steps, 3, NULL);
	if (db)
		db_free(db);
	return NULL;
}

static void test_db_migrate__at_once__each_step_once(void **state)
{
	pthread_t threads[6];
	enum tobi_err errors[6] = {0};

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, start, &errors[i]), 0);
	for (int i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(errors[i], TOBI_OK);
	}
	assert_int_equal(db_world_number("SELECT count(*) FROM one", NO_VALUES), 2);
}

static void test_db_migrate__schema_of_the_broker__applies(void **state)
{
	(void)state;
	assert_int_equal(migrate(broker_migrations, broker_migration_count), TOBI_OK);
	assert_int_equal(migrate(broker_migrations, broker_migration_count), TOBI_OK);
	assert_int_equal(db_world_number("SELECT count(*) FROM about", NO_VALUES), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_world_enter, db_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_db_migrate__step_by_step__each_once),
	    TEST(test_db_migrate__newer_database__refused),
	    TEST(test_db_migrate__other_step__refused),
	    TEST(test_db_migrate__damaged_list__malformed),
	    TEST(test_db_migrate__step_fails__nothing_of_it_stays),
	    TEST(test_db_migrate__no_steps__ok),
	    TEST(test_db_migrate__at_once__each_step_once),
	    TEST(test_db_migrate__schema_of_the_broker__applies),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
