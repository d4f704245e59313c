#include "broker/keyring_rows.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "broker/store.h"

void key_rows_done(struct key_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		wr_done(&rows->rows[i].wrapped);
	free(rows->rows);
	*rows = (struct key_rows){0};
}

static enum tobi_err damaged(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, "keys", "store_keys",
			 "the table of store keys is damaged; restore a backup");
}

static enum tobi_err take_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	struct key_rows *rows = context;
	struct key_row row = {.wrapped = wr_init(LIMIT_STORE_KEY_WRAPPED)};
	struct key_row *more;

	if (rows->count == LIMIT_STORE_KEYS)
		return fault_set(fault, TOBI_E_LIMIT, "keys", "store_keys",
				 "over %d generations", LIMIT_STORE_KEYS);
	if (count != 4 || values[0].kind != DB_INTEGER || values[0].integer < 0 ||
	    values[3].kind != DB_BYTES ||
	    store_text(&values[1], row.provider, sizeof(row.provider), NULL) ||
	    store_text(&values[2], row.wrap_key, sizeof(row.wrap_key), NULL))
		return damaged(fault);
	row.generation = (uint64_t)values[0].integer;
	wr_bytes(&row.wrapped, values[3].bytes.ptr, values[3].bytes.size);
	more = wr_err(&row.wrapped)
		   ? NULL
		   : realloc(rows->rows, (rows->count + 1) * sizeof(*more));
	if (!more) {
		const enum tobi_err err =
		    wr_err(&row.wrapped) ? damaged(fault) : TOBI_E_MEMORY;

		wr_done(&row.wrapped);
		return err;
	}
	rows->rows = more;
	rows->rows[rows->count++] = row;
	return TOBI_OK;
}

enum tobi_err key_rows_read(struct db *db, uint64_t first, struct key_rows *ret_rows,
			    struct tobi_fault *fault)
{
	const struct db_value from = db_integer((int64_t)first);
	struct key_rows rows = {0};
	enum tobi_err err =
	    store_run(db,
		      "SELECT generation, provider, wrap_key, wrapped FROM store_keys "
		      "WHERE generation >= ? ORDER BY generation",
		      &from, 1, take_row, &rows, NULL, fault);

	if (err) {
		key_rows_done(&rows);
		return err;
	}
	*ret_rows = rows;
	return TOBI_OK;
}

static enum tobi_err take_newest(void *context, const struct db_value *values,
				 size_t count, struct tobi_fault *fault)
{
	if (count != 1 || (values[0].kind == DB_INTEGER && values[0].integer < 0))
		return damaged(fault);
	*(uint64_t *)context = (uint64_t)store_integer(&values[0]);
	return TOBI_OK;
}

enum tobi_err key_rows_newest(struct db *db, uint64_t *ret_generation,
			      struct tobi_fault *fault)
{
	return store_run(db, "SELECT max(generation) FROM store_keys", NULL, 0,
			 take_newest, ret_generation, NULL, fault);
}

struct writing {
	const struct key_rows *rows;
	bool replace;
};

static enum tobi_err write_one(struct db_conn *conn, const struct key_row *row,
			       bool replace, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(row->provider), db_text(row->wrap_key),
					  db_bytes(wr_view(&row->wrapped)),
					  db_integer((int64_t)row->generation)};
	uint64_t changed = 0;
	enum tobi_err err =
	    db_run(conn,
		   replace ? "UPDATE store_keys SET provider = ?, wrap_key = ?, wrapped "
			     "= ? WHERE generation = ?"
			   : "INSERT INTO store_keys (provider, wrap_key, wrapped, "
			     "generation) VALUES (?, ?, ?, ?)",
		   values, STORE_COUNT(values), NULL, NULL, &changed, fault);

	if (err)
		return err;
	return changed == 1 ? TOBI_OK : damaged(fault);
}

static enum tobi_err write_all(struct db_conn *conn, void *context,
			       struct tobi_fault *fault)
{
	const struct writing *writing = context;
	int64_t there = 0;
	enum tobi_err err = TOBI_OK;

	if (writing->replace)
		err = db_run(conn, "SELECT count(*) FROM store_keys", NULL, 0,
			     store_take_count, &there, NULL, fault);
	if (!err && writing->replace && there != (int64_t)writing->rows->count)
		return fault_set(fault, TOBI_E_EXISTS, "keys", "store_keys",
				 "a new store key was made meanwhile: try again");
	for (size_t i = 0; i < writing->rows->count && !err; i++)
		err = write_one(conn, &writing->rows->rows[i], writing->replace, fault);
	return err;
}

enum tobi_err key_rows_write(struct db *db, const struct key_rows *rows, bool replace,
			     struct tobi_fault *fault)
{
	struct writing writing = {rows, replace};

	return store_apply(db, write_all, &writing, fault);
}
