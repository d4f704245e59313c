#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/fault.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "db/backend.h"

static const struct db_ops *const backends[] = {&db_sqlite, &db_postgres};

static enum tobi_err locks_init(struct db *db)
{
	pthread_condattr_t attributes;

	if (pthread_mutex_init(&db->lock, NULL) || pthread_mutex_init(&db->writer, NULL))
		return TOBI_E_MEMORY;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (pthread_cond_init(&db->freed, &attributes))
		return TOBI_E_MEMORY;
	pthread_condattr_destroy(&attributes);
	return TOBI_OK;
}

void db_free(struct db *db)
{
	if (!db)
		return;
	while (db->idle) {
		struct db_conn *conn = db->idle;

		db->idle = conn->next;
		db->ops->close(conn);
	}
	pthread_cond_destroy(&db->freed);
	pthread_mutex_destroy(&db->writer);
	pthread_mutex_destroy(&db->lock);
	free(db->place);
	free(db);
}

DEFINE_CLEANUP(struct db *, db_free)

static const struct db_ops *backend_of(const char *location)
{
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		if (!strncmp(location, backends[i]->prefix, strlen(backends[i]->prefix)))
			return backends[i];
	}
	return NULL;
}

enum tobi_err db_open(const char *location, unsigned connections, struct db **ret_db,
		      struct tobi_fault *fault)
{
	const struct db_ops *ops = backend_of(location);
	CLEANUP(db_freep) struct db *db = NULL;
	enum tobi_err err;

	if (!ops)
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "a location is sqlite:PATH or postgres:CONNINFO");
	if (!connections || connections > DB_CONNECTIONS)
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "connections",
				 "1 to %d of them", DB_CONNECTIONS);
	db = calloc(1, sizeof(*db));
	if (!db)
		return TOBI_E_MEMORY;
	db->ops = ops;
	db->most = connections;
	db->busy_ms = DB_BUSY_MS;
	db->run_ms = DB_RUN_MS;
	db->place = strdup(location + strlen(ops->prefix));
	if (!db->place || locks_init(db))
		return TOBI_E_MEMORY;
	err = ops->prepare ? ops->prepare(db, fault) : TOBI_OK;
	if (!err)
		err = ops->connect(db, &db->idle, fault);
	if (err)
		return err;
	db->open = 1;
	*ret_db = TAKE(db);
	return TOBI_OK;
}

bool db_is_shared(const struct db *db)
{
	return db->ops->shared;
}

/* One that nobody has; or NULL, and then one may be opened: it is counted already. */
static enum tobi_err wait_for_one(struct db *db, struct db_conn **ret_conn,
				  struct tobi_fault *fault)
{
	const struct timespec until = deadline_in(db->busy_ms);
	int failed = 0;

	pthread_mutex_lock(&db->lock);
	while (!db->idle && db->open == db->most && failed != ETIMEDOUT)
		failed = pthread_cond_timedwait(&db->freed, &db->lock, &until);
	if (db->idle) {
		*ret_conn = db->idle;
		db->idle = db->idle->next;
	} else if (db->open < db->most) {
		*ret_conn = NULL;
		db->open++;
	} else {
		pthread_mutex_unlock(&db->lock);
		return fault_set(fault, TOBI_E_TIMEOUT, "database", "",
				 "all %u connections stayed in use", db->most);
	}
	pthread_mutex_unlock(&db->lock);
	return TOBI_OK;
}

static void count_closed(struct db *db)
{
	pthread_mutex_lock(&db->lock);
	db->open--;
	pthread_cond_signal(&db->freed);
	pthread_mutex_unlock(&db->lock);
}

enum tobi_err db_take(struct db *db, struct db_conn **ret_conn, struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err = wait_for_one(db, &conn, fault);

	if (err)
		return err;
	if (conn && (conn->broken || !db->ops->alive(conn))) {
		db->ops->close(conn);
		conn = NULL;
	}
	if (!conn)
		err = db->ops->connect(db, &conn, fault);
	if (err) {
		count_closed(db);
		/* It was there when the database was opened. */
		return err == TOBI_E_NOT_FOUND ? TOBI_E_SYSTEM : err;
	}
	conn->next = NULL;
	*ret_conn = conn;
	return TOBI_OK;
}

void db_give(struct db_conn *conn)
{
	struct db *db;

	if (!conn)
		return;
	db = conn->db;
	db_rollback(conn);
	if (conn->broken) {
		db->ops->close(conn);
		count_closed(db);
		return;
	}
	pthread_mutex_lock(&db->lock);
	conn->next = db->idle;
	db->idle = conn;
	pthread_cond_signal(&db->freed);
	pthread_mutex_unlock(&db->lock);
}

enum tobi_err db_begin(struct db_conn *conn, struct tobi_fault *fault)
{
	enum tobi_err err;

	if (conn->begun)
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "a transaction in a transaction");
	err = conn->db->ops->begin(conn, fault);
	conn->begun = !err;
	conn->failed = false;
	return err;
}

enum tobi_err db_commit(struct db_conn *conn, struct tobi_fault *fault)
{
	enum tobi_err err;

	if (!conn->begun)
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "no transaction was begun");
	if (conn->failed) {
		db_rollback(conn);
		return fault_set(
		    fault, TOBI_E_SYSTEM, "database", "",
		    "a statement of the transaction failed: nothing of it is "
		    "kept");
	}
	err = conn->db->ops->commit(conn, fault);
	if (err)
		db_rollback(conn);
	conn->begun = false;
	return err;
}

void db_rollback(struct db_conn *conn)
{
	if (conn->begun)
		conn->db->ops->rollback(conn);
	conn->begun = conn->failed = false;
}

/* What one of the two libraries would take and the other not. */
static enum tobi_err values_check(const struct db_value *values, size_t count,
				  struct tobi_fault *fault)
{
	if (count > DB_VALUES)
		return fault_set(fault, TOBI_E_LIMIT, "database", "", "over %d values",
				 DB_VALUES);
	for (size_t i = 0; i < count; i++) {
		if (values[i].kind != DB_TEXT && values[i].kind != DB_BYTES)
			continue;
		if (values[i].bytes.size > DB_VALUE)
			return fault_set(fault, TOBI_E_LIMIT, "database", "",
					 "value %zu is over %d bytes", i + 1, DB_VALUE);
		if (values[i].kind == DB_TEXT && !utf8_is_valid(values[i].bytes))
			return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
					 "value %zu is not UTF-8, or has a zero byte",
					 i + 1);
	}
	return TOBI_OK;
}

enum tobi_err db_run(struct db_conn *conn, const char *sql, const struct db_value *values,
		     size_t count, db_row *row, void *context, uint64_t *ret_changed,
		     struct tobi_fault *fault)
{
	enum tobi_err err = values_check(values, count, fault);
	uint64_t changed = 0;

	if (err)
		return err;
	if (conn->failed)
		return fault_set(fault, TOBI_E_SYSTEM, "database", "",
				 "an earlier statement of the transaction failed");
	err = conn->db->ops->run(conn, sql, values, count, row, context, &changed, fault);
	if (!err && ret_changed)
		*ret_changed = changed;
	return err;
}

enum tobi_err db_run_unsynced(struct db_conn *conn, const char *sql,
			      const struct db_value *values, size_t count, db_row *row,
			      void *context, uint64_t *ret_changed,
			      struct tobi_fault *fault)
{
	const struct db_ops *ops = conn->db->ops;
	enum tobi_err err;

	if (conn->begun)
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "a transaction's end is what is synced");
	err = ops->synced ? ops->synced(conn, false, fault) : TOBI_OK;
	if (!err)
		err = db_run(conn, sql, values, count, row, context, ret_changed, fault);
	/* One that would go on so is not used again. */
	if (ops->synced && ops->synced(conn, true, NULL))
		conn->broken = true;
	return err;
}

enum tobi_err db_backup(struct db *db, const char *path, struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err;

	if (!db->ops->backup)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "database", "",
				 "PostgreSQL is copied by its own program: pg_dump");
	err = db_take(db, &conn, fault);
	if (!err)
		err = db->ops->backup(conn, path, fault);
	db_give(conn);
	return err;
}

static enum tobi_err check(struct db *db, bool all, struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err = db_take(db, &conn, fault);

	if (!err)
		err = db->ops->check(conn, all, fault);
	db_give(conn);
	return err;
}

enum tobi_err db_check(struct db *db, struct tobi_fault *fault)
{
	return check(db, false, fault);
}

enum tobi_err db_check_all(struct db *db, struct tobi_fault *fault)
{
	return check(db, true, fault);
}
