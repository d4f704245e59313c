#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "db/backend.h"

static const char make_steps[] = "CREATE TABLE schema_steps (position BIGINT PRIMARY KEY,"
				 " name TEXT NOT NULL UNIQUE)";

/* The steps that were applied, as they come, are held against the table's. */
struct applied {
	const struct db_migration *migrations;
	size_t count, at;
	bool table; /* of steps: it is there */
};

static enum tobi_err count_row(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	(void)values;
	(void)count;
	(void)fault;
	*(bool *)context = true;
	return TOBI_OK;
}

static enum tobi_err step_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	struct applied *applied = context;

	if (count != 2 || values[0].kind != DB_INTEGER || values[1].kind != DB_TEXT ||
	    values[0].integer != (int64_t)applied->at)
		return fault_set(fault, TOBI_E_MALFORMED, "database", "schema_steps",
				 "the list of the schema's steps is damaged");
	if (applied->at == applied->count)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "database", "schema_steps",
				 "the database is newer than this program: its step "
				 "\"%.*s\" is not known here",
				 (int)values[1].bytes.size,
				 (const char *)values[1].bytes.ptr);
	if (!bytes_equal_text(values[1].bytes, applied->migrations[applied->at].name))
		return fault_set(fault, TOBI_E_UNSUPPORTED, "database", "schema_steps",
				 "step %zu of the database's schema is \"%.*s\", not "
				 "\"%s\": another program's, or a newer one's",
				 applied->at + 1, (int)values[1].bytes.size,
				 (const char *)values[1].bytes.ptr,
				 applied->migrations[applied->at].name);
	applied->at++;
	return TOBI_OK;
}

static enum tobi_err look(struct db_conn *conn, struct applied *applied,
			  struct tobi_fault *fault)
{
	const struct db_value table = db_text("schema_steps");
	enum tobi_err err;

	applied->at = 0;
	applied->table = false;
	err = db_run(conn, conn->db->ops->find_table, &table, 1, count_row,
		     &applied->table, NULL, fault);
	if (err || !applied->table)
		return err;
	return db_run(conn, "SELECT position, name FROM schema_steps ORDER BY position",
		      NULL, 0, step_row, applied, NULL, fault);
}

static enum tobi_err apply(struct db_conn *conn, const struct applied *applied,
			   struct tobi_fault *fault)
{
	const struct db_migration *step = &applied->migrations[applied->at];
	const struct db_value values[] = {db_integer((int64_t)applied->at),
					  db_text(step->name)};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; step->statements[i] && !err; i++)
		err = db_run(conn, step->statements[i], NULL, 0, NULL, NULL, NULL, fault);
	if (err)
		return err;
	return db_run(conn, "INSERT INTO schema_steps (position, name) VALUES (?, ?)",
		      values, 2, NULL, NULL, NULL, fault);
}

/* One transaction: the next step that is not there yet, if there is one. */
static enum tobi_err advance(struct db_conn *conn, struct applied *applied,
			     struct tobi_fault *fault)
{
	enum tobi_err err = db_begin(conn, fault);

	if (!err)
		err = look(conn, applied, fault);
	if (!err && !applied->table)
		err = db_run(conn, make_steps, NULL, 0, NULL, NULL, NULL, fault);
	if (!err && applied->at < applied->count)
		err = apply(conn, applied, fault);
	if (err) {
		db_rollback(conn);
		return err;
	}
	return db_commit(conn, fault);
}

static enum tobi_err advance_all(struct db_conn *conn, struct applied *applied,
				 struct tobi_fault *fault)
{
	const struct db_ops *ops = conn->db->ops;
	enum tobi_err err =
	    ops->lock_schema ? ops->lock_schema(conn, true, fault) : TOBI_OK;

	if (err)
		return err;
	do
		err = advance(conn, applied, fault);
	while (!err && applied->at < applied->count);
	if (ops->lock_schema && ops->lock_schema(conn, false, err ? NULL : fault))
		conn->broken = true; /* closing it lets the lock go */
	return err;
}

enum tobi_err db_migrate(struct db *db, const struct db_migration *migrations,
			 size_t count, struct tobi_fault *fault)
{
	struct applied applied = {.migrations = migrations, .count = count};
	struct db_conn *conn = NULL;
	enum tobi_err err = db_take(db, &conn, fault);

	if (err)
		return err;
	/* Who need not change it needs no right to. */
	err = look(conn, &applied, fault);
	if (!err && (!applied.table || applied.at < count))
		err = advance_all(conn, &applied, fault);
	db_give(conn);
	return err;
}
