#include "tests/db_world.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

struct db_world db_world;

void db_world_argument(int argc, char **argv)
{
	const char *location = getenv("TOBICHI_TEST_DATABASE");

	db_world.postgres = argc == 2 && strcmp(argv[1], "postgres") == 0;
	if (!db_world.postgres && (argc != 2 || strcmp(argv[1], "sqlite") != 0)) {
		fprintf(stderr, "usage: %s sqlite|postgres\n", argv[0]);
		exit(1);
	}
	if (db_world.postgres && !location) {
		printf("skipped: no PostgreSQL; run it by tests/postgres.sh\n");
		exit(77);
	}
	if (db_world.postgres)
		snprintf(db_world.location, sizeof(db_world.location), "%s", location);
}

static void empty_postgres(void)
{
	db_world_do("DROP SCHEMA public CASCADE", NO_VALUES);
	db_world_do("CREATE SCHEMA public", NO_VALUES);
}

void db_world_again(void)
{
	db_give(db_world.conn);
	db_free(db_world.db);
	db_world.db = NULL;
	db_world.conn = NULL;
	db_world.fault = (struct tobi_fault){0};
	if (db_open(db_world.location, 4, &db_world.db, &db_world.fault) ||
	    db_take(db_world.db, &db_world.conn, &db_world.fault))
		fail_msg("%s", db_world.fault.message);
}

int db_world_enter(void **state)
{
	(void)state;
	snprintf(db_world.folder, sizeof(db_world.folder), "/tmp/tobichi-db-XXXXXX");
	assert_non_null(mkdtemp(db_world.folder));
	snprintf(db_world.path, sizeof(db_world.path), "%s/broker.db", db_world.folder);
	if (!db_world.postgres)
		snprintf(db_world.location, sizeof(db_world.location), "sqlite:%s",
			 db_world.path);
	db_world_again();
	if (db_world.postgres) {
		empty_postgres();
		db_world_again();
	}
	return 0;
}

int db_world_leave(void **state)
{
	DIR *folder;
	const struct dirent *entry;
	char name[400];

	(void)state;
	db_give(db_world.conn);
	db_free(db_world.db);
	db_world.conn = NULL;
	db_world.db = NULL;
	folder = opendir(db_world.folder);
	while (folder && (entry = readdir(folder))) {
		snprintf(name, sizeof(name), "%s/%s", db_world.folder, entry->d_name);
		unlink(name);
	}
	if (folder)
		closedir(folder);
	return rmdir(db_world.folder);
}

enum tobi_err db_world_run(const char *sql, const struct db_value *values, size_t count)
{
	db_world.fault = (struct tobi_fault){0};
	return db_run(db_world.conn, sql, values, count, NULL, NULL, NULL,
		      &db_world.fault);
}

uint64_t db_world_do(const char *sql, const struct db_value *values, size_t count)
{
	uint64_t changed = 0;

	if (db_run(db_world.conn, sql, values, count, NULL, NULL, &changed,
		   &db_world.fault))
		fail_msg("%s: %s", sql, db_world.fault.message);
	return changed;
}

struct number {
	int64_t value;
	size_t rows;
};

static enum tobi_err number_row(void *context, const struct db_value *values,
				size_t count, struct tobi_fault *fault)
{
	struct number *number = context;

	(void)fault;
	assert_int_equal(count, 1);
	assert_int_equal(values[0].kind, DB_INTEGER);
	number->value = values[0].integer;
	number->rows++;
	return TOBI_OK;
}

int64_t db_world_number(const char *sql, const struct db_value *values, size_t count)
{
	struct number number = {0};

	if (db_run(db_world.conn, sql, values, count, number_row, &number, NULL,
		   &db_world.fault))
		fail_msg("%s: %s", sql, db_world.fault.message);
	assert_int_equal(number.rows, 1);
	return number.value;
}

void db_world_settle(void)
{
	while (db_world.postgres &&
	       db_world_number("SELECT count(*) FROM pg_stat_activity WHERE "
			       "application_name = 'tobichi-broker' AND state <> 'idle' "
			       "AND pid <> pg_backend_pid()",
			       NO_VALUES) > 0)
		usleep(10000);
}
