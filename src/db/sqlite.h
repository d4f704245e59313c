/* What sqlite.c and sqlite_open.c share. */
#ifndef TOBI_DB_SQLITE_H
#define TOBI_DB_SQLITE_H

#include <sqlite3.h>
#include <time.h>

#include "db/statements.h"

struct sqlite_conn {
	struct db_conn conn;
	sqlite3 *lib;
	struct statements statements;
	struct timespec until; /* the statement that runs is ended then */
	bool limited;
};

/* The library's error code of a connection in this project's terms. */
enum tobi_err sqlite_fault(sqlite3 *lib, int code, const char *what,
			   struct tobi_fault *fault);
/* A statement without values and rows, not kept. */
enum tobi_err sqlite_exec(sqlite3 *lib, const char *sql, struct tobi_fault *fault);

enum tobi_err sqlite_prepare_place(struct db *db, struct tobi_fault *fault);
enum tobi_err sqlite_connect(struct db *db, struct db_conn **ret_conn,
			     struct tobi_fault *fault);
enum tobi_err sqlite_backup(struct db_conn *conn, const char *path,
			    struct tobi_fault *fault);
enum tobi_err sqlite_check(struct db_conn *conn, bool all, struct tobi_fault *fault);
void sqlite_close(struct db_conn *conn);

#endif
