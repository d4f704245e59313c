#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/fault.h"
#include "base/secret.h"
#include "broker/decision_inside.h"

enum { COMMIT_TRIES = 12, WAIT_FIRST_US = 500 };

enum tobi_err decision_sign(const struct decision_log *log, int64_t time,
			    struct log_state *state, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LOG_HEAD_MAX);
	struct log_head head = {
	    .name = bytes_of_text(log->name), .size = state->frontier.size, .time = time};
	enum tobi_err err = log_frontier_root(&state->frontier, &head.root);

	if (err)
		return fault_set(fault, err, "log", "", "cannot hash");
	err = log_head_sign(&head, log->key, &out, fault);
	if (err)
		return err;
	bytes_copy(state->head, LOG_HEAD_MAX, out.ptr, out.size);
	state->head_size = out.size;
	return TOBI_OK;
}

enum tobi_err decision_check_state(const struct decision_log *log,
				   const struct log_state *state,
				   struct log_head *ret_head, struct tobi_fault *fault)
{
	const struct tobi_bytes bytes = {state->head, state->head_size};
	struct log_hash root;
	enum tobi_err err;

	if (strcmp(state->name, log->name) != 0)
		return fault_set(fault, TOBI_E_MISMATCH, "log", "name",
				 "the database has the log '%s', not '%s'", state->name,
				 log->name);
	err = log_head_read_own(bytes, log->key, log->key_id, ret_head, fault);
	if (err == TOBI_E_SIGNATURE)
		return fault_set(fault, TOBI_E_MISMATCH, "log", "key",
				 "the log's head is not signed by this key: each log has "
				 "one key for all its time, and without it cannot go on");
	if (err)
		return err;
	if (log_frontier_root(&state->frontier, &root))
		return fault_set(fault, TOBI_E_CRYPTO, "log", "", "cannot hash");
	if (ret_head->size != state->frontier.size ||
	    !bytes_equal_text(ret_head->name, log->name) ||
	    !log_hash_equal(&ret_head->root, &root))
		return fault_set(
		    fault, TOBI_E_MISMATCH, "log", "head",
		    "the log was changed behind the broker's back: it is not "
		    "what its signed head says");
	return TOBI_OK;
}

enum tobi_err decision_lock_log(const struct decision_log *log, struct db_conn *conn,
				struct tobi_fault *fault)
{
	/* The one statement that PostgreSQL alone knows. It is taken before the
	 * transaction has looked at anything, so that what it sees is what the one before
	 * has left; without it, every overlap of two brokers were a race to try again. */
	if (!db_is_shared(log->db))
		return TOBI_OK;
	return db_run(conn, "LOCK TABLE log_state IN EXCLUSIVE MODE", NULL, 0, NULL, NULL,
		      NULL, fault);
}

/* Byte for byte what this broker has left there: its signature is this broker's own, over
 * that very frontier, and is not checked once more for each commit. */
static bool is_as_left(const struct decision_log *log, const struct log_state *found)
{
	const struct log_state *known = &log->state;

	return strcmp(found->name, known->name) == 0 &&
	       bytes_equal((struct tobi_bytes){found->head, found->head_size},
			   (struct tobi_bytes){known->head, known->head_size}) &&
	       found->frontier.size == known->frontier.size &&
	       log_frontier_equal(&found->frontier, &known->frontier);
}

/* What is in the database must be what this broker has left there, or more. */
static enum tobi_err check_progress(const struct decision_log *log,
				    const struct log_state *found, int64_t *ret_time,
				    struct tobi_fault *fault)
{
	const struct log_state *known = &log->state;
	struct log_head head;
	enum tobi_err err;

	if (is_as_left(log, found)) {
		*ret_time = log->state_time;
		return TOBI_OK;
	}
	err = decision_check_state(log, found, &head, fault);
	if (err)
		return err;
	if (found->frontier.size < known->frontier.size)
		return fault_set(fault, TOBI_E_MISMATCH, "log", "size",
				 "the database was put back to an older state: the log "
				 "had %" PRIu64 " entries, and has %" PRIu64,
				 known->frontier.size, found->frontier.size);
	if (found->frontier.size == known->frontier.size &&
	    !log_frontier_equal(&found->frontier, &known->frontier))
		return fault_set(fault, TOBI_E_MISMATCH, "log", "root",
				 "the database has another log of the same size");
	*ret_time = head.time;
	return TOBI_OK;
}

static enum tobi_err store_all(struct decision_log *log, struct db_conn *conn,
			       struct pending *list, struct log_state *state,
			       int64_t *ret_time, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (struct pending *one = list; one && !err; one = one->next) {
		int64_t retention = 0;

		if (one->stored.evidence.size)
			err = decision_retention(log, conn, one->stored.owner, &retention,
						 fault);
		one->index = state->frontier.size;
		if (!err)
			err = log_leaf_store(conn, &state->frontier, &one->stored,
					     retention, fault);
		/* A log's time does not go back, whatever the clocks of its brokers do.
		 */
		if (one->stored.time > *ret_time)
			*ret_time = one->stored.time;
	}
	return err;
}

static enum tobi_err commit_once(struct decision_log *log, struct db_conn *conn,
				 struct pending *list, struct log_state *state,
				 int64_t *ret_time, struct tobi_fault *fault)
{
	uint64_t old_size = 0;
	enum tobi_err err = db_begin(conn, fault);

	if (err)
		return err;
	err = decision_lock_log(log, conn, fault);
	*state = (struct log_state){0};
	if (!err)
		err = log_state_read(conn, state, fault);
	if (!err)
		err = check_progress(log, state, ret_time, fault);
	if (!err) {
		old_size = state->frontier.size;
		err = store_all(log, conn, list, state, ret_time, fault);
	}
	if (!err)
		err = decision_sign(log, *ret_time, state, fault);
	if (!err)
		err = log_state_update(conn, old_size, state, fault);
	if (!err)
		return db_commit(conn, fault);
	db_rollback(conn);
	return err;
}

static void wait_a_little(unsigned tries)
{
	const struct timespec pause = {.tv_nsec = (long)(WAIT_FIRST_US << tries) * 1000 %
						  500000000};

	nanosleep(&pause, NULL);
}

int64_t decision_commit(struct decision_log *log, struct pending *list)
{
	struct db_conn *conn = NULL;
	struct tobi_fault fault = {0};
	int64_t time = 0;
	enum tobi_err err = TOBI_E_TIMEOUT;

	for (unsigned i = 0; err == TOBI_E_TIMEOUT && i < COMMIT_TRIES; i++) {
		if (i)
			wait_a_little(i);
		/* Anew each time: one that broke is opened again. */
		err = db_take(log->db, &conn, &fault);
		if (!err)
			err = commit_once(log, conn, list, &log->before, &time, &fault);
		db_give(conn);
		conn = NULL;
	}
	if (!err) {
		log->state = log->before;
		log->state_time = time;
	}
	for (struct pending *one = list; one; one = one->next) {
		one->err = err;
		one->fault = fault;
	}
	return err ? -1 : time;
}
