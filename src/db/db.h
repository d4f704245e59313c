/*
 * One SQL database behind two libraries: SQLite (a file, the default) and PostgreSQL
 * (several brokers, one database). Callers write SQL that both understand, with ? for
 * values; what differs is in sqlite.c and postgres.c, and nowhere else.
 *
 * A value never becomes part of a statement's text. Whoever holds the database file holds
 * what is in it: what must stay secret is sealed before it comes here (broker/keyring.h).
 *
 * Threads: struct db may be shared; a connection belongs to the thread that took it.
 * Durability: when db_commit() returns TOBI_OK the change survives kill -9 and a power
 * cut (SQLite: WAL with full synchronisation; PostgreSQL: synchronous_commit).
 */
#ifndef TOBI_DB_DB_H
#define TOBI_DB_DB_H

#include <stdbool.h>

#include "base/writer.h"

struct db;
struct db_conn;

enum db_kind { DB_NULL, DB_INTEGER, DB_TEXT, DB_BYTES };

struct db_value {
	enum db_kind kind;
	int64_t integer;
	struct tobi_bytes bytes; /* of a text, too; borrowed */
};

struct db_value db_null(void);
struct db_value db_integer(int64_t integer);
struct db_value db_text(const char *text); /* NULL: DB_NULL */
struct db_value db_bytes(struct tobi_bytes bytes);

/*
 * location: "sqlite:PATH" or "postgres:CONNINFO" (libpq's). Nothing is made but the file;
 * db_migrate() makes the tables. At most connections connections are open at once.
 * Errors: TOBI_E_ARGUMENT (another location), TOBI_E_NOT_FOUND (the folder, the server),
 * TOBI_E_DENIED (a file that others may read), TOBI_E_SYSTEM.
 */
TOBI_MUST_USE enum tobi_err db_open(const char *location, unsigned connections,
				    struct db **ret_db, struct tobi_fault *fault);
/* After each connection was given back. */
void db_free(struct db *db);
bool db_is_shared(const struct db *db); /* PostgreSQL: other brokers may write, too */

/* One step of the schema, applied once, in the order of the table, in one transaction
 * each. A database that is newer than the table is refused (TOBI_E_UNSUPPORTED). */
struct db_migration {
	const char *name;	       /* unique, never changed once it was released */
	const char *const *statements; /* NULL ends */
};
TOBI_MUST_USE enum tobi_err db_migrate(struct db *db,
				       const struct db_migration *migrations,
				       size_t count, struct tobi_fault *fault);

/* Waits while all are taken (10 s: then TOBI_E_TIMEOUT). A connection that broke is
 * opened anew here: TOBI_E_SYSTEM while the server is away. */
TOBI_MUST_USE enum tobi_err db_take(struct db *db, struct db_conn **ret_conn,
				    struct tobi_fault *fault);
/* Rolls back what was not committed. Accepts NULL. */
void db_give(struct db_conn *conn);

/* A transaction that will write: it waits for other writers, at most the busy time (10 s:
 * then TOBI_E_TIMEOUT). In PostgreSQL it is serializable: TOBI_E_EXISTS never comes from
 * a lost race but from a unique index; a race that was lost is TOBI_E_TIMEOUT, and may be
 * tried again from db_begin() on. After a statement that failed nothing but a rollback is
 * left (ON CONFLICT DO NOTHING and ret_changed tell of what is there without failing);
 * db_commit() says so. When the server goes away within db_commit() the fault says that
 * nobody knows whether it was done. */
TOBI_MUST_USE enum tobi_err db_begin(struct db_conn *conn, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err db_commit(struct db_conn *conn, struct tobi_fault *fault);
void db_rollback(struct db_conn *conn);

/* Called for each row; values are borrowed until it returns; a text is followed by a zero
 * byte. Truth values are DB_INTEGER; a sum needs CAST(SUM(x) AS BIGINT). Not TOBI_OK ends
 * the statement with that error. It may run other statements. Rows may all be in memory
 * at once: say LIMIT. */
typedef enum tobi_err db_row(void *context, const struct db_value *values, size_t count,
			     struct tobi_fault *fault);

/*
 * One statement, outside of a transaction or within. row may be NULL; ret_changed (rows
 * changed) too. At most 256 values, and columns of a row; texts are UTF-8 without zero
 * bytes. Statements are prepared once for each connection and text (the pointer
 * need not be the same). Errors: TOBI_E_EXISTS (a unique index), TOBI_E_TIMEOUT (locked,
 * a race that was lost, or over 30 s), TOBI_E_SYSTEM (no space, the server is gone: the
 * fault says what), TOBI_E_LIMIT (a value over 16 MiB), TOBI_E_ARGUMENT (the statement,
 * its values, another constraint), TOBI_E_MALFORMED (the database is damaged),
 * TOBI_E_DENIED.
 */
TOBI_MUST_USE enum tobi_err db_run(struct db_conn *conn, const char *sql,
				   const struct db_value *values, size_t count,
				   db_row *row, void *context, uint64_t *ret_changed,
				   struct tobi_fault *fault);

/*
 * The same for one that changes something outside of a transaction, and need not outlive
 * a machine that loses its power: then it may be gone, whole, with all that was written
 * after it so. It outlives the process, and what is committed otherwise after it keeps
 * it, too. TOBI_E_ARGUMENT within a transaction. PostgreSQL makes no difference.
 */
TOBI_MUST_USE enum tobi_err db_run_unsynced(struct db_conn *conn, const char *sql,
					    const struct db_value *values, size_t count,
					    db_row *row, void *context,
					    uint64_t *ret_changed,
					    struct tobi_fault *fault);

/* A copy of all of it, as it is at one moment, while others go on: a SQLite file, 0600,
 * whole or not there. TOBI_E_EXISTS; TOBI_E_UNSUPPORTED for PostgreSQL, which has pg_dump
 * for that. */
TOBI_MUST_USE enum tobi_err db_backup(struct db *db, const char *path,
				      struct tobi_fault *fault);
/* For readiness: whether the database answers. */
TOBI_MUST_USE enum tobi_err db_check(struct db *db, struct tobi_fault *fault);
/* Reads all of a SQLite file for damage (TOBI_E_MALFORMED); as db_check() for PostgreSQL,
 * which has pg_amcheck for that. */
TOBI_MUST_USE enum tobi_err db_check_all(struct db *db, struct tobi_fault *fault);

#endif
