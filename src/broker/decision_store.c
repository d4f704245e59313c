#include "broker/decision_store.h"

#include <inttypes.h>

#include "base/fault.h"
#include "base/secret.h"

enum { FRONTIER_MAX = LOG_HASH_SIZE * (LOG_LEVELS + 1) };

static enum tobi_err damaged(struct tobi_fault *fault, const char *what)
{
	return fault_set(fault, TOBI_E_MALFORMED, "log", what,
			 "the database does not hold what was written");
}

struct state_read {
	struct log_state *state;
	bool there;
};

static enum tobi_err take_state(void *context, const struct db_value *values,
				size_t count, struct tobi_fault *fault)
{
	struct state_read *read = context;
	struct log_state *state = read->state;

	if (count != 4 || values[0].kind != DB_TEXT || values[1].kind != DB_INTEGER ||
	    values[2].kind != DB_BYTES || values[3].kind != DB_BYTES)
		return damaged(fault, "state");
	if (values[0].bytes.size > LOG_NAME_MAX || values[3].bytes.size > LOG_HEAD_MAX ||
	    values[1].integer < 0)
		return damaged(fault, "state");
	bytes_copy(state->name, LOG_NAME_MAX, values[0].bytes.ptr, values[0].bytes.size);
	state->name[values[0].bytes.size] = 0;
	bytes_copy(state->head, LOG_HEAD_MAX, values[3].bytes.ptr, values[3].bytes.size);
	state->head_size = values[3].bytes.size;
	read->there = true;
	return log_frontier_read((uint64_t)values[1].integer, values[2].bytes,
				 &state->frontier, fault);
}

enum tobi_err log_state_read(struct db_conn *conn, struct log_state *ret_state,
			     struct tobi_fault *fault)
{
	struct state_read read = {.state = ret_state};
	enum tobi_err err =
	    db_run(conn, "SELECT name, size, frontier, head FROM log_state WHERE id = 1",
		   NULL, 0, take_state, &read, NULL, fault);

	if (!err && !read.there)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "log", "",
				"the log was not begun");
	return err;
}

enum tobi_err log_state_begin(struct db_conn *conn, const struct log_state *state,
			      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer frontier = wr_init(FRONTIER_MAX);
	struct db_value values[4];

	log_frontier_write(&state->frontier, &frontier);
	if (wr_err(&frontier))
		return fault_set(fault, wr_err(&frontier), "log", "", "no room");
	values[0] = db_text(state->name);
	values[1] = db_integer((int64_t)state->frontier.size);
	values[2] = db_bytes(wr_view(&frontier));
	values[3] = db_bytes((struct tobi_bytes){state->head, state->head_size});
	return db_run(conn,
		      "INSERT INTO log_state (id, name, size, frontier, head) "
		      "VALUES (1, ?, ?, ?, ?)",
		      values, 4, NULL, NULL, NULL, fault);
}

enum tobi_err log_state_update(struct db_conn *conn, uint64_t old_size,
			       const struct log_state *state, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer frontier = wr_init(FRONTIER_MAX);
	struct db_value values[4];
	uint64_t changed = 0;
	enum tobi_err err;

	log_frontier_write(&state->frontier, &frontier);
	if (wr_err(&frontier))
		return fault_set(fault, wr_err(&frontier), "log", "", "no room");
	values[0] = db_integer((int64_t)state->frontier.size);
	values[1] = db_bytes(wr_view(&frontier));
	values[2] = db_bytes((struct tobi_bytes){state->head, state->head_size});
	values[3] = db_integer((int64_t)old_size);
	err = db_run(conn,
		     "UPDATE log_state SET size = ?, frontier = ?, head = ? "
		     "WHERE id = 1 AND size = ?",
		     values, 4, NULL, NULL, &changed, fault);
	if (!err && changed != 1)
		err = fault_set(fault, TOBI_E_TIMEOUT, "log", "",
				"another broker has appended meanwhile");
	return err;
}

/*
 * Where a whole subtree is among all of them, in the order in which they become whole:
 * behind those of the leaves before its last one, which are two for each less one for
 * each bit of their number, and those below it. So new rows are always the last ones.
 */
static int64_t place_of(unsigned level, uint64_t position)
{
	uint64_t last = ((position + 1) << level) - 1;

	return (int64_t)(2 * last - (uint64_t)__builtin_popcountll(last) + level);
}

static enum tobi_err store_node(void *context, unsigned level, uint64_t position,
				const struct log_hash *hash, struct tobi_fault *fault)
{
	struct db_conn *conn = context;
	struct db_value values[2];

	values[0] = db_integer(place_of(level, position));
	values[1] = db_bytes(log_hash_view(hash));
	return db_run(conn, "INSERT INTO log_nodes (place, hash) VALUES (?, ?)", values,
		      2, NULL, NULL, NULL, fault);
}

static enum tobi_err store_evidence(struct db_conn *conn, const struct stored_leaf *leaf,
				    int64_t retention, struct tobi_fault *fault)
{
	struct db_value values[5];
	int64_t expires;

	if (!leaf->evidence.size || retention <= 0)
		return TOBI_OK;
	if (__builtin_add_overflow(leaf->time, retention, &expires))
		expires = INT64_MAX;
	values[0] = db_bytes((struct tobi_bytes){leaf->digest, SHA384_SIZE});
	values[1] = db_text(leaf->owner ? leaf->owner : "");
	values[2] = db_bytes(leaf->evidence);
	values[3] = db_integer(leaf->time);
	values[4] = db_integer(expires);
	/* The same evidence again: kept as long as the last decision on it. */
	return db_run(
	    conn,
	    "INSERT INTO log_evidence (digest, owner, evidence, stored, expires) "
	    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest, owner) DO UPDATE SET "
	    "stored = excluded.stored, expires = excluded.expires "
	    "WHERE excluded.expires > log_evidence.expires",
	    values, 5, NULL, NULL, NULL, fault);
}

static enum tobi_err store_details(struct db_conn *conn, uint64_t index,
				   const struct stored_leaf *leaf, int64_t retention,
				   struct tobi_fault *fault)
{
	struct db_value values[5];
	int64_t expires;

	if (!leaf->details.size || retention <= 0)
		return TOBI_OK;
	if (__builtin_add_overflow(leaf->time, retention, &expires))
		expires = INT64_MAX;
	values[0] = db_integer((int64_t)index);
	values[1] = db_text(leaf->owner ? leaf->owner : "");
	values[2] = db_bytes(leaf->details);
	values[3] = db_integer(leaf->time);
	values[4] = db_integer(expires);
	return db_run(conn,
		      "INSERT INTO log_details (idx, owner, details, stored, expires) "
		      "VALUES (?, ?, ?, ?, ?)",
		      values, 5, NULL, NULL, NULL, fault);
}

enum tobi_err log_leaf_store(struct db_conn *conn, struct log_frontier *frontier,
			     const struct stored_leaf *leaf, int64_t retention,
			     struct tobi_fault *fault)
{
	struct db_value values[3];
	struct log_hash hash;
	enum tobi_err err = log_hash_leaf(leaf->leaf, &hash);

	if (err)
		return fault_set(fault, err, "log", "", "cannot hash");
	values[0] = db_integer((int64_t)frontier->size);
	values[1] = db_text(leaf->owner);
	values[2] = db_bytes(leaf->leaf);
	err = db_run(conn, "INSERT INTO log_leaves (idx, owner, body) VALUES (?, ?, ?)",
		     values, 3, NULL, NULL, NULL, fault);
	if (!err)
		err = store_evidence(conn, leaf, retention, fault);
	if (!err)
		err = store_details(conn, frontier->size, leaf, retention, fault);
	if (!err)
		err = log_frontier_append(frontier, &hash, store_node, conn, fault);
	return err;
}

struct node_read {
	struct log_hash *hash;
	bool there;
};

static enum tobi_err take_node(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	struct node_read *read = context;

	if (count != 1 || values[0].kind != DB_BYTES ||
	    values[0].bytes.size != LOG_HASH_SIZE)
		return damaged(fault, "hash");
	bytes_copy(read->hash->bytes, LOG_HASH_SIZE, values[0].bytes.ptr, LOG_HASH_SIZE);
	read->there = true;
	return TOBI_OK;
}

enum tobi_err log_node_load(void *context, unsigned level, uint64_t position,
			    struct log_hash *ret_hash, struct tobi_fault *fault)
{
	struct db_conn *conn = context;
	struct node_read read = {.hash = ret_hash};
	const struct db_value value = db_integer(place_of(level, position));
	enum tobi_err err = db_run(conn, "SELECT hash FROM log_nodes WHERE place = ?",
				   &value, 1, take_node, &read, NULL, fault);

	if (!err && !read.there)
		err = fault_set(fault, TOBI_E_MISMATCH, "log", "hash",
				"the database lacks the subtree of level %u at %" PRIu64
				": an entry was erased",
				level, position);
	return err;
}

static enum tobi_err take_seconds(void *context, const struct db_value *values,
				  size_t count, struct tobi_fault *fault)
{
	if (count != 1 || values[0].kind != DB_INTEGER)
		return damaged(fault, "retention");
	*(int64_t *)context = values[0].integer;
	return TOBI_OK;
}

enum tobi_err log_retention_read(struct db_conn *conn, const char *owner,
				 int64_t otherwise, int64_t *ret_seconds,
				 struct tobi_fault *fault)
{
	const struct db_value value = db_text(owner ? owner : "");
	int64_t seconds = otherwise;
	enum tobi_err err =
	    db_run(conn, "SELECT seconds FROM log_retention WHERE owner = ?", &value, 1,
		   take_seconds, &seconds, NULL, fault);

	if (!err)
		*ret_seconds = seconds;
	return err;
}
