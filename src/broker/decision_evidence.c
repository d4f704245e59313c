#include "base/fault.h"
#include "base/secret.h"
#include "broker/decision_inside.h"

void decision_log_retention_default(struct decision_log *log, int64_t seconds)
{
	log->retention = seconds;
}

enum tobi_err decision_retention(struct decision_log *log, struct db_conn *conn,
				 const char *owner, int64_t *ret_seconds,
				 struct tobi_fault *fault)
{
	int64_t otherwise = log->retention;

	if (!owner && otherwise > DECISION_RETENTION_NOBODY)
		otherwise = DECISION_RETENTION_NOBODY;
	return log_retention_read(conn, owner, otherwise, ret_seconds, fault);
}

static enum tobi_err set_retention(struct db_conn *conn, const char *owner,
				   int64_t seconds, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(owner ? owner : ""),
					  db_integer(seconds)};
	const struct db_value there[] = {db_integer(seconds), values[0]};
	enum tobi_err err = db_begin(conn, fault);

	if (err)
		return err;
	err = db_run(conn,
		     "INSERT INTO log_retention (owner, seconds) VALUES (?, ?) "
		     "ON CONFLICT (owner) DO UPDATE SET seconds = excluded.seconds",
		     values, 2, NULL, NULL, NULL, fault);
	if (!err)
		err = db_run(
		    conn, "UPDATE log_evidence SET expires = stored + ? WHERE owner = ?",
		    there, 2, NULL, NULL, NULL, fault);
	if (!err)
		err = db_run(
		    conn, "UPDATE log_details SET expires = stored + ? WHERE owner = ?",
		    there, 2, NULL, NULL, NULL, fault);
	if (!err)
		return db_commit(conn, fault);
	db_rollback(conn);
	return err;
}

enum tobi_err decision_log_retention_set(struct decision_log *log, const char *owner,
					 int64_t seconds, struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err;

	if (seconds < 0 || seconds > DECISION_RETENTION_MAX)
		return fault_set(fault, TOBI_E_ARGUMENT, "log", "retention",
				 "evidence is kept for 0 seconds to ten years");
	err = db_take(log->db, &conn, fault);
	if (!err)
		err = set_retention(conn, owner, seconds, fault);
	db_give(conn);
	return err;
}

enum tobi_err decision_log_retention(struct decision_log *log, const char *owner,
				     int64_t *ret_seconds, struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err = db_take(log->db, &conn, fault);

	if (!err)
		err = decision_retention(log, conn, owner, ret_seconds, fault);
	db_give(conn);
	return err;
}

struct kept_read {
	struct writer *out;
	const char *what;
	bool there;
};

static enum tobi_err take_kept(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	struct kept_read *read = context;

	if (count != 1 || values[0].kind != DB_BYTES)
		return fault_set(fault, TOBI_E_MALFORMED, "log", read->what,
				 "the database does not hold what was written");
	wr_bytes(read->out, values[0].bytes.ptr, values[0].bytes.size);
	read->there = true;
	return wr_err(read->out)
		   ? fault_set(fault, wr_err(read->out), "log", read->what, "no room")
		   : TOBI_OK;
}

static enum tobi_err read_kept(struct decision_log *log, const char *sql,
			       const struct db_value *values, struct kept_read *read,
			       struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err = db_take(log->db, &conn, fault);

	if (!err)
		err = db_run(conn, sql, values, 3, take_kept, read, NULL, fault);
	db_give(conn);
	if (!err && !read->there)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "log", read->what,
				"there is no such %s, or not any more", read->what);
	return err;
}

enum tobi_err decision_log_evidence(struct decision_log *log, const char *owner,
				    const uint8_t digest[static SHA384_SIZE], int64_t now,
				    struct writer *out, struct tobi_fault *fault)
{
	const struct db_value values[] = {
	    db_bytes((struct tobi_bytes){digest, SHA384_SIZE}),
	    db_text(owner ? owner : ""), db_integer(now)};
	struct kept_read read = {.out = out, .what = "evidence"};

	return read_kept(log,
			 "SELECT evidence FROM log_evidence "
			 "WHERE digest = ? AND owner = ? AND expires > ?",
			 values, &read, fault);
}

enum tobi_err decision_log_details(struct decision_log *log, const char *owner,
				   uint64_t index, int64_t now, struct writer *out,
				   struct tobi_fault *fault)
{
	const struct db_value values[] = {
	    db_integer(index > INT64_MAX ? INT64_MAX : (int64_t)index),
	    db_text(owner ? owner : ""), db_integer(now)};
	struct kept_read read = {.out = out, .what = "details"};

	return read_kept(log,
			 "SELECT details FROM log_details "
			 "WHERE idx = ? AND owner = ? AND expires > ?",
			 values, &read, fault);
}

enum tobi_err decision_log_sweep(struct decision_log *log, int64_t now,
				 uint64_t *ret_erased, struct tobi_fault *fault)
{
	const struct db_value value = db_integer(now);
	struct db_conn *conn = NULL;
	uint64_t erased = 0;
	enum tobi_err err = db_take(log->db, &conn, fault);

	if (!err)
		err = db_run(conn, "DELETE FROM log_evidence WHERE expires <= ?", &value,
			     1, NULL, NULL, &erased, fault);
	if (!err)
		err = db_run(conn, "DELETE FROM log_details WHERE expires <= ?", &value,
			     1, NULL, NULL, NULL, fault);
	db_give(conn);
	if (!err && ret_erased)
		*ret_erased = erased;
	return err;
}

void decision_log_sweep_sometimes(struct decision_log *log, int64_t now)
{
	int64_t swept = log->swept;

	if (now < 0 || now < swept + DECISION_SWEEP_SECONDS ||
	    !atomic_compare_exchange_strong(&log->swept, &swept, now))
		return;
	/* What is not erased now is not given out either, and is erased another time. */
	IGNORE(decision_log_sweep(log, now, NULL, NULL));
}
