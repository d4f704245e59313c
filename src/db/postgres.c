/* Statements and transactions in PostgreSQL; connecting is in postgres_open.c. */
#include "db/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"

/* Types by their numbers in pg_type, which never change. */
enum {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_NAME = 19,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_TEXT = 25,
	TYPE_VARCHAR = 1043,
};

static void clearp(PGresult **result)
{
	PQclear(*result);
}

static struct postgres_conn *of(struct db_conn *conn)
{
	return (struct postgres_conn *)conn;
}

enum tobi_err postgres_fault(struct postgres_conn *conn, const PGresult *result,
			     struct tobi_fault *fault)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *text =
	    result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *severity =
	    result ? PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED) : NULL;

	if (!text)
		text = PQerrorMessage(conn->lib);
	/* After FATAL the server ends it, which is not always seen yet. */
	if (PQstatus(conn->lib) != CONNECTION_OK ||
	    (severity && (!strcmp(severity, "FATAL") || !strcmp(severity, "PANIC"))))
		conn->conn.broken = true;
	else if (result && PQresultStatus(result) == PGRES_EMPTY_QUERY)
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "not exactly one statement");
	if (conn->conn.broken)
		return fault_set(fault, TOBI_E_SYSTEM, "database", "",
				 "the connection to PostgreSQL ended: %.*s",
				 (int)strcspn(text, "\n"), text);
	if (state && !strcmp(state, "53100"))
		return fault_set(fault, TOBI_E_SYSTEM, "database", "",
				 "no space is left for the database; nothing of this "
				 "change is kept: %s",
				 text);
	return fault_set(fault, postgres_code(state), "database", "", "PostgreSQL: %.*s",
			 (int)strcspn(text, "\n"), text);
}

enum tobi_err postgres_exec(struct postgres_conn *conn, const char *sql,
			    struct tobi_fault *fault)
{
	CLEANUP(clearp) PGresult *result = PQexec(conn->lib, sql);
	const ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
		   ? TOBI_OK
		   : postgres_fault(conn, result, fault);
}

static enum tobi_err begin(struct db_conn *conn, struct tobi_fault *fault)
{
	return postgres_exec(of(conn), "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE",
			     fault);
}

static enum tobi_err commit(struct db_conn *any, struct tobi_fault *fault)
{
	struct postgres_conn *conn = of(any);
	CLEANUP(clearp) PGresult *result = PQexec(conn->lib, "COMMIT");
	enum tobi_err err;

	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		err = postgres_fault(conn, result, fault);
		return any->broken
			   ? fault_set(fault, TOBI_E_SYSTEM, "database", "",
				       "the connection to PostgreSQL ended in a commit: "
				       "whether it was done is not known")
			   : err;
	}
	/* The server answers so, without an error, where a statement had failed. */
	if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
		return fault_set(fault, TOBI_E_SYSTEM, "database", "",
				 "PostgreSQL rolled back instead of committing");
	return TOBI_OK;
}

static void rollback(struct db_conn *any)
{
	struct postgres_conn *conn = of(any);

	if (any->broken || PQtransactionStatus(conn->lib) == PQTRANS_IDLE)
		return;
	if (postgres_exec(conn, "ROLLBACK", NULL))
		any->broken = true;
}

/* The lock is the session's: taken outside of the transactions, so that each of them sees
 * what the one before has done. The number is this project's own. */
static enum tobi_err lock_schema(struct db_conn *conn, bool lock,
				 struct tobi_fault *fault)
{
	return postgres_exec(of(conn),
			     lock ? "SELECT pg_advisory_lock(6084047102190)"
				  : "SELECT pg_advisory_unlock(6084047102190)",
			     fault);
}

/* Values as the server takes them: integers in its byte order, all else as it is. */
struct parameters {
	Oid types[DB_VALUES];
	const char *values[DB_VALUES];
	int sizes[DB_VALUES], formats[DB_VALUES];
	uint8_t integers[DB_VALUES][8];
};

static void parameters_fill(struct parameters *to, const struct db_value *values,
			    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		to->formats[i] = 1;
		/* A NULL pointer would be NULL. */
		to->values[i] =
		    values[i].bytes.size ? (const char *)values[i].bytes.ptr : "";
		to->sizes[i] = (int)values[i].bytes.size;
		switch (values[i].kind) {
		case DB_INTEGER:
			to->types[i] = TYPE_INT8;
			store_be(to->integers[i], 8, (uint64_t)values[i].integer);
			to->values[i] = (const char *)to->integers[i];
			to->sizes[i] = 8;
			break;
		case DB_TEXT:
			to->types[i] = TYPE_TEXT;
			break;
		case DB_BYTES:
			to->types[i] = TYPE_BYTEA;
			break;
		case DB_NULL:
		default:
			to->types[i] = 0; /* of what it is compared with, or put in */
			to->values[i] = NULL;
			break;
		}
	}
}

static int64_t read_integer(const uint8_t *bytes, size_t size)
{
	const uint64_t value = load_be(bytes, size);

	switch (size) {
	case 2:
		return (int16_t)value;
	case 4:
		return (int32_t)value;
	default:
		return (int64_t)value; /* and a truth value, of one byte */
	}
}

static enum tobi_err read_column(const PGresult *result, int row, int column,
				 struct db_value *ret_value, struct tobi_fault *fault)
{
	const struct tobi_bytes bytes = {(const uint8_t *)PQgetvalue(result, row, column),
					 (size_t)PQgetlength(result, row, column)};

	if (PQgetisnull(result, row, column)) {
		*ret_value = db_null();
		return TOBI_OK;
	}
	switch (PQftype(result, column)) {
	case TYPE_BOOL:
	case TYPE_INT2:
	case TYPE_INT4:
	case TYPE_INT8:
		if (bytes.size > 8)
			break;
		*ret_value = db_integer(read_integer(bytes.ptr, bytes.size));
		return TOBI_OK;
	case TYPE_TEXT:
	case TYPE_VARCHAR:
	case TYPE_NAME:
		*ret_value = (struct db_value){.kind = DB_TEXT, .bytes = bytes};
		return TOBI_OK;
	case TYPE_BYTEA:
		*ret_value = db_bytes(bytes);
		return TOBI_OK;
	}
	return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
			 "column %d of the answer is no integer, text or bytes",
			 column + 1);
}

static enum tobi_err hand_over(const PGresult *result, db_row *row, void *context,
			       struct tobi_fault *fault)
{
	struct db_value values[DB_VALUES];
	const int count = PQnfields(result);
	enum tobi_err err = TOBI_OK;

	if (count > DB_VALUES)
		return fault_set(fault, TOBI_E_LIMIT, "database", "", "over %d columns",
				 DB_VALUES);
	for (int at = 0; at < PQntuples(result) && !err; at++) {
		for (int i = 0; i < count && !err; i++) {
			values[i] = db_null();
			err = read_column(result, at, i, &values[i], fault);
		}
		if (!err)
			err = row(context, values, (size_t)count, fault);
	}
	return err;
}

static enum tobi_err prepare(struct postgres_conn *conn, const char *sql,
			     const struct parameters *parameters,
			     const struct db_value *values, size_t count,
			     struct statement **ret_statement, struct tobi_fault *fault)
{
	struct statement *found = statements_get(&conn->statements, sql, values, count);
	CLEANUP(clearp) PGresult *result = NULL;
	CLEANUP(freep) char *translated = NULL;
	enum tobi_err err;

	if (!found)
		return TOBI_E_MEMORY;
	*ret_statement = found;
	if (found->handle)
		return TOBI_OK;
	err = postgres_translate(sql, count, &translated, fault);
	if (!err) {
		result = PQprepare(conn->lib, found->name, translated, (int)count,
				   parameters->types);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			err = postgres_fault(conn, result, fault);
	}
	if (err)
		statements_drop(&conn->statements, found);
	else
		found->handle = found; /* the server has it, by its name */
	return err;
}

static uint64_t changed_by(PGresult *result)
{
	/* Of SELECT it is the count of rows, too. */
	return strncmp(PQcmdStatus(result), "SELECT", 6) == 0
		   ? 0
		   : strtoull(PQcmdTuples(result), NULL, 10);
}

static enum tobi_err run(struct db_conn *any, const char *sql,
			 const struct db_value *values, size_t count, db_row *row,
			 void *context, uint64_t *ret_changed, struct tobi_fault *fault)
{
	struct postgres_conn *conn = of(any);
	CLEANUP(clearp) PGresult *result = NULL;
	struct parameters parameters;
	struct statement *statement = NULL;
	ExecStatusType status;
	enum tobi_err err;

	if (any->broken)
		return fault_set(fault, TOBI_E_SYSTEM, "database", "",
				 "the connection to PostgreSQL ended before");
	parameters_fill(&parameters, values, count);
	err = prepare(conn, sql, &parameters, values, count, &statement, fault);
	if (err) {
		any->failed = any->begun;
		return err;
	}
	result = PQexecPrepared(conn->lib, statement->name, (int)count, parameters.values,
				parameters.sizes, parameters.formats, 1);
	status = PQresultStatus(result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		any->failed = any->begun;
		return postgres_fault(conn, result, fault);
	}
	*ret_changed = changed_by(result);
	return row ? hand_over(result, row, context, fault) : TOBI_OK;
}

static enum tobi_err check(struct db_conn *conn, bool all, struct tobi_fault *fault)
{
	(void)all;
	return postgres_exec(of(conn), "SELECT 1", fault);
}

const struct db_ops db_postgres = {
    .prefix = "postgres:",
    .shared = true,
    .find_table = "SELECT 1 WHERE to_regclass(?) IS NOT NULL",
    .connect = postgres_connect,
    .close = postgres_close,
    .alive = postgres_alive,
    .lock_schema = lock_schema,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .run = run,
    .check = check,
};
