/* How the broker's parts use the database: one statement, or a change in a transaction
 * that is tried again when another broker was faster. */
#ifndef TOBI_BROKER_STORE_H
#define TOBI_BROKER_STORE_H

#include <stdbool.h>

#include "db/db.h"

/* What is done in one transaction. It may be called more than once, each time anew. */
typedef enum tobi_err store_change(struct db_conn *conn, void *context,
				   struct tobi_fault *fault);

/* Errors: the change's own, and those of db_take(), db_begin() and db_commit(). */
TOBI_MUST_USE enum tobi_err store_apply(struct db *db, store_change *change,
					void *context, struct tobi_fault *fault);
/* One statement, on a connection that is taken for it. */
TOBI_MUST_USE enum tobi_err store_run(struct db *db, const char *sql,
				      const struct db_value *values, size_t count,
				      db_row *row, void *context, uint64_t *ret_changed,
				      struct tobi_fault *fault);

/* Whether it is the database's failure, and so, whatever its code, nothing that a caller
 * did or may be told of. What the database says and means something (TOBI_E_EXISTS) gets
 * a fault of its own where that is known. */
bool store_failed(enum tobi_err err, const struct tobi_fault *fault);

#define STORE_COUNT(values) (sizeof(values) / sizeof((values)[0]))

/* Columns of a row; a row that is not as it was written is TOBI_E_MALFORMED. */
TOBI_MUST_USE enum tobi_err store_text(const struct db_value *value, char *ret_text,
				       size_t size, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err store_bytes(const struct db_value *value, uint8_t *ret_bytes,
					size_t size, struct tobi_fault *fault);
/* Zero for what is none. */
int64_t store_integer(const struct db_value *value);

/* The first column of the one row, a number: context is an int64_t. */
enum tobi_err store_take_count(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault);
/* TOBI_E_LIMIT when an owner has all that one may have. sql counts what is the owner's,
 * who is its one value; object is for the fault. */
TOBI_MUST_USE enum tobi_err store_check_room(struct db_conn *conn, const char *sql,
					     const char *owner, const char *object,
					     int limit, struct tobi_fault *fault);

/* Counts its rows: context is a size_t. */
enum tobi_err store_count_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault);

#endif
