/* Statements and transactions in SQLite; opening a file is in sqlite_open.c. */
#include <stdlib.h>

#include "base/deadline.h"
#include "base/fault.h"
#include "base/secret.h"
#include "db/sqlite.h"

static struct sqlite_conn *of(struct db_conn *conn)
{
	return (struct sqlite_conn *)conn;
}

static enum tobi_err code_of(int extended)
{
	switch (extended) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return TOBI_E_EXISTS;
	}
	switch (extended & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_INTERRUPT:
		return TOBI_E_TIMEOUT;
	case SQLITE_NOMEM:
		return TOBI_E_MEMORY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return TOBI_E_MALFORMED;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return TOBI_E_DENIED;
	case SQLITE_TOOBIG:
		return TOBI_E_LIMIT;
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return TOBI_E_ARGUMENT;
	default:
		return TOBI_E_SYSTEM;
	}
}

enum tobi_err sqlite_fault(sqlite3 *lib, int code, const char *what,
			   struct tobi_fault *fault)
{
	const int extended = lib ? sqlite3_extended_errcode(lib) : code;
	const enum tobi_err err = code_of(extended);

	if ((extended & 0xff) == SQLITE_FULL)
		return fault_set(fault, err, "database", "",
				 "%s: no space is left for the database; nothing of this "
				 "change is kept",
				 what);
	if (err == TOBI_E_MALFORMED)
		return fault_set(fault, err, "database", "",
				 "%s: the file is damaged, or no database: %s; restore a "
				 "backup",
				 what, lib ? sqlite3_errmsg(lib) : sqlite3_errstr(code));
	return fault_set(fault, err, "database", "", "%s: %s", what,
			 lib ? sqlite3_errmsg(lib) : sqlite3_errstr(code));
}

enum tobi_err sqlite_exec(sqlite3 *lib, const char *sql, struct tobi_fault *fault)
{
	const int code = sqlite3_exec(lib, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? TOBI_OK : sqlite_fault(lib, code, sql, fault);
}

/* The writers of this process take turns; other processes are waited for by the library
 * (busy timeout), which asks again and again. */
static enum tobi_err writer_lock(struct db *db, struct tobi_fault *fault)
{
	const struct timespec until = deadline_in(db->busy_ms);

	if (pthread_mutex_clocklock(&db->writer, CLOCK_MONOTONIC, &until))
		return fault_set(fault, TOBI_E_TIMEOUT, "database", "",
				 "another writer holds the database");
	return TOBI_OK;
}

static enum tobi_err begin(struct db_conn *conn, struct tobi_fault *fault)
{
	enum tobi_err err = writer_lock(conn->db, fault);

	if (err)
		return err;
	err = sqlite_exec(of(conn)->lib, "BEGIN IMMEDIATE", fault);
	if (err)
		pthread_mutex_unlock(&conn->db->writer);
	return err;
}

static enum tobi_err commit(struct db_conn *conn, struct tobi_fault *fault)
{
	enum tobi_err err = sqlite_exec(of(conn)->lib, "COMMIT", fault);

	/* After an error db.c rolls back, and that lets the lock go. */
	if (!err)
		pthread_mutex_unlock(&conn->db->writer);
	return err;
}

static void rollback(struct db_conn *conn)
{
	/* The library may have rolled back by itself: no space, an I/O error. */
	if (!sqlite3_get_autocommit(of(conn)->lib) &&
	    sqlite_exec(of(conn)->lib, "ROLLBACK", NULL))
		conn->broken = true;
	pthread_mutex_unlock(&conn->db->writer);
}

static int bind_one(sqlite3_stmt *statement, int at, const struct db_value *value)
{
	/* A NULL pointer would bind NULL. */
	const void *ptr = value->bytes.size ? (const void *)value->bytes.ptr : "";

	switch (value->kind) {
	case DB_INTEGER:
		return sqlite3_bind_int64(statement, at, value->integer);
	case DB_TEXT:
		return sqlite3_bind_text64(statement, at, ptr, value->bytes.size,
					   SQLITE_STATIC, SQLITE_UTF8);
	case DB_BYTES:
		return sqlite3_bind_blob64(statement, at, ptr, value->bytes.size,
					   SQLITE_STATIC);
	case DB_NULL:
	default:
		return sqlite3_bind_null(statement, at);
	}
}

static enum tobi_err read_column(sqlite3_stmt *statement, int at,
				 struct db_value *ret_value, struct tobi_fault *fault)
{
	switch (sqlite3_column_type(statement, at)) {
	case SQLITE_NULL:
		*ret_value = db_null();
		return TOBI_OK;
	case SQLITE_INTEGER:
		*ret_value = db_integer(sqlite3_column_int64(statement, at));
		return TOBI_OK;
	case SQLITE_TEXT:
		ret_value->kind = DB_TEXT;
		ret_value->bytes.ptr = sqlite3_column_text(statement, at);
		break;
	case SQLITE_BLOB:
		ret_value->kind = DB_BYTES;
		ret_value->bytes.ptr = sqlite3_column_blob(statement, at);
		break;
	default:
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "column %d of the answer is no integer, text or bytes",
				 at + 1);
	}
	ret_value->bytes.size = (size_t)sqlite3_column_bytes(statement, at);
	return TOBI_OK;
}

static enum tobi_err hand_over(sqlite3_stmt *statement, db_row *row, void *context,
			       struct tobi_fault *fault)
{
	struct db_value values[DB_VALUES];
	const int count = sqlite3_column_count(statement);
	enum tobi_err err = TOBI_OK;

	if (!row)
		return TOBI_OK;
	if (count > DB_VALUES)
		return fault_set(fault, TOBI_E_LIMIT, "database", "", "over %d columns",
				 DB_VALUES);
	for (int i = 0; i < count && !err; i++) {
		values[i] = db_null();
		err = read_column(statement, i, &values[i], fault);
	}
	return err ? err : row(context, values, (size_t)count, fault);
}

/* Steps through the rows; sets ret_failed when the library failed, not the caller. */
static enum tobi_err step_all(struct sqlite_conn *conn, sqlite3_stmt *statement,
			      db_row *row, void *context, bool *ret_failed,
			      struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	int code = SQLITE_ROW;

	while (!err && (code = sqlite3_step(statement)) == SQLITE_ROW)
		err = hand_over(statement, row, context, fault);
	if (err)
		return err;
	if (code == SQLITE_DONE)
		return TOBI_OK;
	*ret_failed = true;
	return sqlite_fault(conn->lib, code, "statement", fault);
}

static enum tobi_err prepare(struct sqlite_conn *conn, const char *sql,
			     const struct db_value *values, size_t count,
			     struct statement **ret_statement, struct tobi_fault *fault)
{
	struct statement *found = statements_get(&conn->statements, sql, values, count);
	const char *tail = NULL;
	sqlite3_stmt *made = NULL;
	int code;

	if (!found)
		return TOBI_E_MEMORY;
	if (!found->handle) {
		code = sqlite3_prepare_v3(conn->lib, sql, -1, SQLITE_PREPARE_PERSISTENT,
					  &made, &tail);
		found->handle = made;
		if (code != SQLITE_OK || !made || *tail) {
			statements_drop(&conn->statements, found);
			return code != SQLITE_OK
				   ? sqlite_fault(conn->lib, code, "statement", fault)
				   : fault_set(fault, TOBI_E_ARGUMENT, "database", "",
					       "not exactly one statement");
		}
	}
	if (sqlite3_bind_parameter_count(found->handle) != (int)count)
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "the statement has %d values, not %zu",
				 sqlite3_bind_parameter_count(found->handle), count);
	*ret_statement = found;
	return TOBI_OK;
}

static enum tobi_err run_prepared(struct sqlite_conn *conn, struct statement *statement,
				  const struct db_value *values, size_t count,
				  db_row *row, void *context, bool *ret_failed,
				  struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	int code = SQLITE_OK;

	for (size_t i = 0; i < count && code == SQLITE_OK; i++)
		code = bind_one(statement->handle, (int)i + 1, &values[i]);
	if (code != SQLITE_OK) {
		*ret_failed = true;
		return sqlite_fault(conn->lib, code, "value", fault);
	}
	statement->busy = true;
	err = step_all(conn, statement->handle, row, context, ret_failed, fault);
	statement->busy = false;
	sqlite3_reset(statement->handle);
	/* Values are borrowed: nothing of them stays. */
	sqlite3_clear_bindings(statement->handle);
	return err;
}

static enum tobi_err run(struct db_conn *any, const char *sql,
			 const struct db_value *values, size_t count, db_row *row,
			 void *context, uint64_t *ret_changed, struct tobi_fault *fault)
{
	struct sqlite_conn *conn = of(any);
	const bool outermost = !conn->limited;
	const sqlite3_int64 before = sqlite3_total_changes64(conn->lib);
	struct statement *statement = NULL;
	bool failed = false, alone = false;
	enum tobi_err err = prepare(conn, sql, values, count, &statement, fault);

	if (err) {
		any->failed = any->begun;
		return err;
	}
	alone = !any->begun && outermost && !sqlite3_stmt_readonly(statement->handle);
	err = alone ? writer_lock(any->db, fault) : TOBI_OK;
	if (err)
		return err;
	if (outermost) {
		conn->until = deadline_in(any->db->run_ms);
		conn->limited = true;
	}
	err = run_prepared(conn, statement, values, count, row, context, &failed, fault);
	if (outermost)
		conn->limited = false;
	if (alone)
		pthread_mutex_unlock(&any->db->writer);
	any->failed |= failed && any->begun;
	if (sqlite3_total_changes64(conn->lib) != before)
		*ret_changed = (uint64_t)sqlite3_changes64(conn->lib);
	return err;
}

/* A write-ahead log is whole without a sync for each commit (NORMAL), and then only the
 * last ones are not in it after a loss of power. */
static enum tobi_err synced(struct db_conn *conn, bool synced, struct tobi_fault *fault)
{
	return sqlite_exec(
	    of(conn)->lib,
	    synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", fault);
}

static bool alive(struct db_conn *conn)
{
	(void)conn;
	return true;
}

const struct db_ops db_sqlite = {
    .prefix = "sqlite:",
    .find_table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
    .prepare = sqlite_prepare_place,
    .connect = sqlite_connect,
    .close = sqlite_close,
    .alive = alive,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .run = run,
    .synced = synced,
    .backup = sqlite_backup,
    .check = sqlite_check,
};
