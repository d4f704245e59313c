/* What db.c asks of a library: sqlite.c and postgres.c each fill in one table. */
#ifndef TOBI_DB_BACKEND_H
#define TOBI_DB_BACKEND_H

#include <pthread.h>

#include "db/db.h"

enum {
	DB_VALUES = 256,      /* of one statement, and columns of one row */
	DB_BUSY_MS = 10000,   /* that a writer waits for others */
	DB_RUN_MS = 30000,    /* that one statement may take */
	DB_VALUE = 16 << 20,  /* the largest text or bytes */
	DB_STATEMENTS = 128,  /* prepared, of one connection */
	DB_CONNECTIONS = 256, /* at once, at most */
};

/* Backends have one of these first in a structure of their own. */
struct db_conn {
	struct db *db;
	struct db_conn *next; /* among those that nobody has */
	bool begun;
	bool failed; /* within a transaction: nothing but a rollback is left */
	bool broken; /* to be opened anew */
};

struct db_ops {
	const char *prefix; /* of a location */
	bool shared;
	const char *find_table; /* a statement: one row when a table of the name ? is */
	/* Looks at the place, once. May be NULL. */
	enum tobi_err (*prepare)(struct db *db, struct tobi_fault *fault);
	enum tobi_err (*connect)(struct db *db, struct db_conn **ret_conn,
				 struct tobi_fault *fault);
	void (*close)(struct db_conn *conn);
	/* Of one that was not used for a while; without asking the server. */
	bool (*alive)(struct db_conn *conn);
	/* One broker changes the schema at a time. NULL: db_begin() is enough for that.
	 */
	enum tobi_err (*lock_schema)(struct db_conn *conn, bool lock,
				     struct tobi_fault *fault);
	enum tobi_err (*begin)(struct db_conn *conn, struct tobi_fault *fault);
	enum tobi_err (*commit)(struct db_conn *conn, struct tobi_fault *fault);
	void (*rollback)(struct db_conn *conn);
	enum tobi_err (*run)(struct db_conn *conn, const char *sql,
			     const struct db_value *values, size_t count, db_row *row,
			     void *context, uint64_t *ret_changed,
			     struct tobi_fault *fault);
	/* Whether what is committed is on its medium, or in the system's hands. NULL: it
	 * always is. */
	enum tobi_err (*synced)(struct db_conn *conn, bool synced,
				struct tobi_fault *fault);
	enum tobi_err (*backup)(struct db_conn *conn, const char *path,
				struct tobi_fault *fault); /* or NULL */
	/* all: for damage, too. */
	enum tobi_err (*check)(struct db_conn *conn, bool all, struct tobi_fault *fault);
};

extern const struct db_ops db_sqlite, db_postgres;

struct db {
	const struct db_ops *ops;
	char *place; /* the location without its prefix */
	unsigned most, open;
	unsigned busy_ms, run_ms; /* DB_BUSY_MS, DB_RUN_MS, but in tests */
	struct db_conn *idle;
	pthread_mutex_t lock; /* of open and idle */
	pthread_cond_t freed;
	/* SQLite: writers of this process wait here in turn, not by asking the file. */
	pthread_mutex_t writer;
};

#endif
