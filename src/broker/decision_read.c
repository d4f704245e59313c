#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "broker/decision_inside.h"

static enum tobi_err damaged(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, "log", "",
			 "the database does not hold what was written");
}

/* ---- Heads ---- */

static void set_head(struct decision_head *head, const struct log_state *state,
		     const struct log_head *said)
{
	bytes_copy(head->bytes, LOG_HEAD_MAX, state->head, state->head_size);
	head->size = state->head_size;
	head->leaves = said->size;
	head->root = said->root;
	head->time = said->time;
}

static enum tobi_err read_state(struct decision_log *log, struct log_state *ret_state,
				struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err = db_take(log->db, &conn, fault);

	if (!err)
		err = log_state_read(conn, ret_state, fault);
	db_give(conn);
	return err;
}

/* The one that was signed anew is as good as long as it is of the same size. */
static bool take_fresh(struct decision_log *log, const struct log_head *stored,
		       int64_t now, struct decision_head *head)
{
	bool good;

	pthread_mutex_lock(&log->lock);
	good = log->fresh.size && log->fresh.leaves == stored->size &&
	       log_hash_equal(&log->fresh.root, &stored->root) &&
	       now - log->fresh.time <= DECISION_HEAD_SECONDS;
	if (good)
		*head = log->fresh;
	pthread_mutex_unlock(&log->lock);
	return good;
}

enum tobi_err decision_log_head(struct decision_log *log, int64_t now,
				struct decision_head *ret_head, struct tobi_fault *fault)
{
	struct log_state state = {0};
	struct log_head said;
	enum tobi_err err = read_state(log, &state, fault);

	if (!err)
		err = decision_check_state(log, &state, &said, fault);
	if (err)
		return err;
	if (now - said.time <= DECISION_HEAD_SECONDS) {
		set_head(ret_head, &state, &said);
		return TOBI_OK;
	}
	if (take_fresh(log, &said, now, ret_head))
		return TOBI_OK;
	err = decision_sign(log, now, &state, fault);
	if (err)
		return err;
	said.time = now;
	set_head(ret_head, &state, &said);
	pthread_mutex_lock(&log->lock);
	log->fresh = *ret_head;
	pthread_mutex_unlock(&log->lock);
	return TOBI_OK;
}

/* ---- Leaves ---- */

struct leaves_read {
	decision_each *each;
	void *context;
};

static enum tobi_err take_leaf(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	const struct leaves_read *read = context;
	struct decision_entry entry = {0};

	if (count != 3 || values[0].kind != DB_INTEGER || values[2].kind != DB_BYTES)
		return damaged(fault);
	entry.index = (uint64_t)values[0].integer;
	if (values[1].kind == DB_TEXT)
		entry.owner = values[1].bytes;
	entry.leaf = values[2].bytes;
	if (log_hash_leaf(entry.leaf, &entry.hash))
		return fault_set(fault, TOBI_E_CRYPTO, "log", "", "cannot hash");
	return read->each(read->context, &entry, fault);
}

static enum tobi_err read_leaves(struct decision_log *log, const char *sql,
				 const struct db_value *values, size_t count,
				 struct leaves_read *read, struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err = db_take(log->db, &conn, fault);

	if (!err)
		err = db_run(conn, sql, values, count, take_leaf, read, NULL, fault);
	db_give(conn);
	return err;
}

static struct db_value number(uint64_t value)
{
	return db_integer(value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

enum tobi_err decision_log_leaves(struct decision_log *log, uint64_t from, uint64_t count,
				  decision_each *each, void *context,
				  struct tobi_fault *fault)
{
	const struct db_value values[] = {number(from), number(count)};
	struct leaves_read read = {each, context};

	return read_leaves(log,
			   "SELECT idx, owner, body FROM log_leaves "
			   "WHERE idx >= ? ORDER BY idx LIMIT ?",
			   values, 2, &read, fault);
}

enum tobi_err decision_log_owned(struct decision_log *log, const char *owner,
				 uint64_t before, uint64_t count, decision_each *each,
				 void *context, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(owner), number(before), number(count)};
	struct leaves_read read = {each, context};

	if (!owner)
		return read_leaves(
		    log,
		    "SELECT idx, owner, body FROM log_leaves WHERE owner IS NULL "
		    "AND idx < ? ORDER BY idx DESC LIMIT ?",
		    values + 1, 2, &read, fault);
	return read_leaves(log,
			   "SELECT idx, owner, body FROM log_leaves WHERE owner = ? "
			   "AND idx < ? ORDER BY idx DESC LIMIT ?",
			   values, 3, &read, fault);
}

/* ---- Proofs ---- */

/* Which sizes the log has had: all up to the present one. */
static enum tobi_err take_for(struct decision_log *log, uint64_t size,
			      struct db_conn **ret_conn, struct tobi_fault *fault)
{
	struct log_state state = {0};
	struct db_conn *conn = NULL;
	enum tobi_err err = db_take(log->db, &conn, fault);

	if (!err)
		err = log_state_read(conn, &state, fault);
	if (!err && size > state.frontier.size)
		err = fault_set(fault, TOBI_E_ARGUMENT, "log", "size",
				"the log has %" PRIu64 " entries", state.frontier.size);
	if (err) {
		db_give(conn);
		return err;
	}
	*ret_conn = conn;
	return TOBI_OK;
}

enum tobi_err decision_log_inclusion(struct decision_log *log, uint64_t size,
				     uint64_t index, struct log_inclusion *ret_proof,
				     struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err = take_for(log, size, &conn, fault);

	if (!err)
		err = log_inclusion_make(size, index, log_node_load, conn, ret_proof,
					 fault);
	db_give(conn);
	return err;
}

enum tobi_err decision_log_consistency(struct decision_log *log, uint64_t from,
				       uint64_t to, struct log_consistency *ret_proof,
				       struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	enum tobi_err err = take_for(log, to, &conn, fault);

	if (!err)
		err =
		    log_consistency_make(from, to, log_node_load, conn, ret_proof, fault);
	db_give(conn);
	return err;
}

/* ---- All of it ---- */

struct whole {
	struct log_frontier frontier;
	uint64_t size; /* that it must have */
	struct db_conn *conn;
	struct log_hash hashes[DECISION_BATCH]; /* of the leaves that come next */
	uint64_t count;
};

static enum tobi_err not_as_written(uint64_t index, const char *what,
				    struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MISMATCH, "log", what,
			 "entry %" PRIu64 " is not as it was written", index);
}

static enum tobi_err compare_node(void *context, unsigned level, uint64_t position,
				  const struct log_hash *hash, struct tobi_fault *fault)
{
	const struct whole *whole = context;
	struct log_hash stored;
	enum tobi_err err = log_node_load(whole->conn, level, position, &stored, fault);

	if (err == TOBI_E_MISMATCH || (!err && !log_hash_equal(hash, &stored)))
		return not_as_written(whole->frontier.size, "hash", fault);
	return err;
}

static enum tobi_err collect(void *context, const struct decision_entry *entry,
			     struct tobi_fault *fault)
{
	struct whole *whole = context;
	uint64_t index = whole->frontier.size + whole->count;

	/* What was written since it began is another time's. */
	if (index == whole->size)
		return TOBI_OK;
	if (entry->index != index)
		return not_as_written(index, "index", fault);
	whole->hashes[whole->count++] = entry->hash;
	return TOBI_OK;
}

static enum tobi_err check_batch(struct decision_log *log, struct whole *whole,
				 struct tobi_fault *fault)
{
	enum tobi_err err;

	whole->count = 0;
	err = decision_log_leaves(log, whole->frontier.size, DECISION_BATCH, collect,
				  whole, fault);
	if (!err && !whole->count)
		return not_as_written(whole->frontier.size, "index", fault);
	if (!err)
		err = db_take(log->db, &whole->conn, fault);
	for (uint64_t i = 0; !err && i < whole->count; i++)
		err = log_frontier_append(&whole->frontier, &whole->hashes[i],
					  compare_node, whole, fault);
	db_give(whole->conn);
	whole->conn = NULL;
	return err;
}

enum tobi_err decision_log_check(struct decision_log *log, uint64_t *ret_size,
				 struct tobi_fault *fault)
{
	struct log_state state = {0};
	struct whole whole = {0};
	struct log_head head;
	enum tobi_err err = read_state(log, &state, fault);

	if (!err)
		err = decision_check_state(log, &state, &head, fault);
	whole.size = state.frontier.size;
	while (!err && whole.frontier.size < whole.size)
		err = check_batch(log, &whole, fault);
	if (!err && !log_frontier_equal(&whole.frontier, &state.frontier))
		err = fault_set(fault, TOBI_E_MISMATCH, "log", "root",
				"the entries are not those of the signed head");
	if (!err)
		*ret_size = whole.size;
	return err;
}
