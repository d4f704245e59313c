/*
 * An empty database for a test: a SQLite file in a folder of its own, or the private
 * PostgreSQL that tests/postgres.sh started (its location is in TOBICHI_TEST_DATABASE).
 * Programs with this take "sqlite" or "postgres" as their argument, and run alike.
 */
#ifndef TESTS_DB_WORLD_H
#define TESTS_DB_WORLD_H

#include "db/db.h"
#include "tests/bytes.h"

struct db_world {
	bool postgres;
	char folder[64], path[96]; /* of the file, with SQLite */
	char location[512];
	struct db *db;
	struct db_conn *conn;
	struct tobi_fault fault;
};

extern struct db_world db_world;

/* Reads the argument of a program; the process ends when it is none, and skips (77) when
 * there is no PostgreSQL. */
void db_world_argument(int argc, char **argv);
/* Set-up and tear-down of each test, for cmocka. */
int db_world_enter(void **state);
int db_world_leave(void **state);
/* Opened anew, as after a start of the program; conn is taken anew, too. */
void db_world_again(void);
/* Waits for what a server still does for processes that are gone: it may be at a commit
 * of theirs. */
void db_world_settle(void);

/* One statement on the world's connection. Values: N(1), T("text"), B(bytes), db_null().
 */
#define N(value) db_integer(value)
#define T(value) db_text(value)
#define B(value) db_bytes(value)
#define VALUES(...)                                                                      \
	(const struct db_value[]){__VA_ARGS__},                                          \
	    sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)
#define NO_VALUES NULL, 0

enum tobi_err db_world_run(const char *sql, const struct db_value *values, size_t count);
/* The number of rows changed; it must succeed. */
uint64_t db_world_do(const char *sql, const struct db_value *values, size_t count);
/* The one integer of the one row. */
int64_t db_world_number(const char *sql, const struct db_value *values, size_t count);

#endif
