#include "broker/store.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"

enum { TRIES = 10, PAUSE_MS = 5 };

DEFINE_CLEANUP(struct db_conn *, db_give)

static enum tobi_err try_once(struct db *db, store_change *change, void *context,
			      struct tobi_fault *fault)
{
	CLEANUP(db_givep) struct db_conn *conn = NULL;
	enum tobi_err err = db_take(db, &conn, fault);

	if (!err)
		err = db_begin(conn, fault);
	if (!err)
		err = change(conn, context, fault);
	return err ? err : db_commit(conn, fault);
}

/* Longer from one try to the next, so that brokers get out of each other's way. */
static void pause_before(unsigned next)
{
	struct timespec left = {0, (long)next * PAUSE_MS * 1000000L};

	nanosleep(&left, NULL);
}

bool store_failed(enum tobi_err err, const struct tobi_fault *fault)
{
	return err && strcmp(fault->object, "database") == 0;
}

enum tobi_err store_apply(struct db *db, store_change *change, void *context,
			  struct tobi_fault *fault)
{
	/* A file alone that stays locked was waited for long enough. */
	unsigned tries = db_is_shared(db) ? TRIES : 1;
	enum tobi_err err = TOBI_OK;

	for (unsigned i = 0; i < tries; i++) {
		if (i)
			pause_before(i);
		err = try_once(db, change, context, fault);
		if (err != TOBI_E_TIMEOUT)
			break;
	}
	return err;
}

enum tobi_err store_run(struct db *db, const char *sql, const struct db_value *values,
			size_t count, db_row *row, void *context, uint64_t *ret_changed,
			struct tobi_fault *fault)
{
	CLEANUP(db_givep) struct db_conn *conn = NULL;
	enum tobi_err err = db_take(db, &conn, fault);

	return err ? err
		   : db_run(conn, sql, values, count, row, context, ret_changed, fault);
}

static enum tobi_err strange(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, "database", "",
			 "a row is not as the broker writes it");
}

enum tobi_err store_text(const struct db_value *value, char *ret_text, size_t size,
			 struct tobi_fault *fault)
{
	if (value->kind != DB_TEXT || value->bytes.size >= size ||
	    (value->bytes.size && memchr(value->bytes.ptr, 0, value->bytes.size)))
		return strange(fault);
	bytes_copy(ret_text, size, value->bytes.ptr, value->bytes.size);
	ret_text[value->bytes.size] = 0;
	return TOBI_OK;
}

enum tobi_err store_bytes(const struct db_value *value, uint8_t *ret_bytes, size_t size,
			  struct tobi_fault *fault)
{
	if (value->kind != DB_BYTES || value->bytes.size != size)
		return strange(fault);
	bytes_copy(ret_bytes, size, value->bytes.ptr, size);
	return TOBI_OK;
}

int64_t store_integer(const struct db_value *value)
{
	return value->kind == DB_INTEGER ? value->integer : 0;
}

enum tobi_err store_count_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	size_t *rows = context;

	(void)values, (void)count, (void)fault;
	(*rows)++;
	return TOBI_OK;
}

enum tobi_err store_take_count(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	(void)count, (void)fault;
	*(int64_t *)context = store_integer(&values[0]);
	return TOBI_OK;
}

enum tobi_err store_check_room(struct db_conn *conn, const char *sql, const char *owner,
			       const char *object, int limit, struct tobi_fault *fault)
{
	const struct db_value value = db_text(owner);
	int64_t count = 0;
	enum tobi_err err =
	    db_run(conn, sql, &value, 1, store_take_count, &count, NULL, fault);

	return !err && count >= limit ? fault_set(fault, TOBI_E_LIMIT, object, "",
						  "over %d of one owner", limit)
				      : err;
}
