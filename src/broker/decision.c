#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "broker/decision_details.h"
#include "broker/decision_inside.h"
#include "log/leaf.h"

enum { OPEN_TRIES = 5 };

/* ---- The queue: many wait, one commits ---- */

static struct pending *take_batch(struct decision_log *log)
{
	struct pending *list = log->first, **end = &log->first;

	for (size_t i = 0; *end && i < DECISION_BATCH; i++)
		end = &(*end)->next;
	log->first = *end;
	*end = NULL;
	if (!log->first)
		log->end = &log->first;
	return list == log->first ? NULL : list;
}

static void *run_committer(void *context)
{
	struct decision_log *log = context;

	pthread_mutex_lock(&log->lock);
	while (log->first || !log->stop) {
		struct pending *list = log->first ? take_batch(log) : NULL, *next;
		int64_t now;

		if (!list) {
			pthread_cond_wait(&log->work, &log->lock);
			continue;
		}
		pthread_mutex_unlock(&log->lock);
		now = decision_commit(log, list);
		/* Once it is done it is gone: it was on a stack. Each is woken alone, so
		 * that they need not wait for each other's turn at a lock. */
		for (; list; list = next) {
			next = list->next;
			sem_post(&list->done);
		}
		decision_log_sweep_sometimes(log, now);
		pthread_mutex_lock(&log->lock);
	}
	pthread_mutex_unlock(&log->lock);
	return NULL;
}

enum tobi_err decision_log_append(struct decision_log *log,
				  const struct decision *decision, uint64_t *ret_index,
				  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer leaf = wr_init(LOG_LEAF_MAX);
	CLEANUP(wr_done) struct writer details = wr_init(DETAILS_MAX);
	struct pending pending = {.stored = {.owner = decision->principal,
					     .time = decision->time,
					     .evidence = decision->evidence}};
	bool has_evidence = decision->evidence.size != 0;
	enum tobi_err err = TOBI_OK;

	if (has_evidence && hash_sha384(decision->evidence, pending.stored.digest))
		return fault_set(fault, TOBI_E_CRYPTO, "log", "evidence", "cannot hash");
	if (pending.stored.owner && !pending.stored.owner[0])
		pending.stored.owner = NULL;
	err = decision_leaf(decision, has_evidence ? pending.stored.digest : NULL, &leaf,
			    fault);
	if (err)
		return err;
	pending.stored.leaf = wr_view(&leaf);
	/* Why not: so many words that a release that is given is spared them. */
	if (decision->result && !decision->accepted)
		decision_details_write(decision->result, &details);
	if (!wr_err(&details))
		pending.stored.details = wr_view(&details);
	if (sem_init(&pending.done, 0, 0))
		return fault_set(fault, TOBI_E_SYSTEM, "log", "", "no semaphore");
	pthread_mutex_lock(&log->lock);
	*log->end = &pending;
	log->end = &pending.next;
	pthread_mutex_unlock(&log->lock);
	pthread_cond_signal(&log->work);
	while (sem_wait(&pending.done))
		; /* a signal */
	sem_destroy(&pending.done);
	if (pending.err) {
		if (fault)
			*fault = pending.fault;
		return pending.err;
	}
	if (ret_index)
		*ret_index = pending.index;
	return TOBI_OK;
}

/* ---- Opening ---- */

static enum tobi_err begin(struct decision_log *log, struct db_conn *conn,
			   struct tobi_fault *fault)
{
	struct log_state *state = &log->state;
	enum tobi_err err;

	*state = (struct log_state){0};
	bytes_copy(state->name, LOG_NAME_MAX, log->name, strlen(log->name));
	err = decision_sign(log, 0, state, fault);
	if (!err)
		err = log_state_begin(conn, state, fault);
	return err;
}

/* Of several brokers that start at once, one begins the log, and the others find it. */
static enum tobi_err find(struct decision_log *log, struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	struct log_head head;
	enum tobi_err err = db_take(log->db, &conn, fault);

	if (err)
		return err;
	for (unsigned i = 0; i < OPEN_TRIES; i++) {
		err = log_state_read(conn, &log->state, fault);
		if (err != TOBI_E_NOT_FOUND)
			break;
		err = begin(log, conn, fault);
		if (err && err != TOBI_E_EXISTS && err != TOBI_E_TIMEOUT)
			break;
	}
	db_give(conn);
	if (!err)
		err = decision_check_state(log, &log->state, &head, fault);
	if (!err)
		log->state_time = head.time;
	return err;
}

static enum tobi_err start(struct decision_log *log, struct tobi_fault *fault)
{
	log->end = &log->first;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->work, NULL);
	log->running = true;
	if (pthread_create(&log->committer, NULL, run_committer, log) != 0) {
		log->running = false;
		return fault_set(fault, TOBI_E_SYSTEM, "log", "", "no thread for it");
	}
	return TOBI_OK;
}

DEFINE_CLEANUP(struct decision_log *, decision_log_free)

enum tobi_err decision_log_open(struct db *db, EVP_PKEY *key, const char *name,
				struct decision_log **ret_log, struct tobi_fault *fault)
{
	CLEANUP(decision_log_freep) struct decision_log *log = calloc(1, sizeof(*log));
	enum tobi_err err;

	if (!log)
		return fault_set(fault, TOBI_E_MEMORY, "log", "", "out of memory");
	if (strlen(name) > LOG_NAME_MAX)
		return fault_set(fault, TOBI_E_ARGUMENT, "log", "name",
				 "a log's name has 1 to %d bytes of text", LOG_NAME_MAX);
	bytes_copy(log->name, LOG_NAME_MAX, name, strlen(name));
	log->db = db;
	log->retention = DECISION_RETENTION;
	if (EVP_PKEY_up_ref(key) != 1)
		return fault_set(fault, TOBI_E_CRYPTO, "log", "key", "cannot be used");
	log->key = key;
	err = key_spki_sha384(key, log->key_id, fault);
	if (!err)
		err = find(log, fault);
	if (!err)
		err = start(log, fault);
	if (!err)
		*ret_log = TAKE(log);
	return err;
}

void decision_log_free(struct decision_log *log)
{
	if (!log)
		return;
	if (log->running) {
		pthread_mutex_lock(&log->lock);
		log->stop = true;
		pthread_cond_signal(&log->work);
		pthread_mutex_unlock(&log->lock);
		pthread_join(log->committer, NULL);
	}
	if (log->end) {
		pthread_cond_destroy(&log->work);
		pthread_mutex_destroy(&log->lock);
	}
	EVP_PKEY_free(log->key);
	free(log);
}
