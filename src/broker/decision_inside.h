/* The log of decisions between its own files. */
#ifndef TOBI_BROKER_DECISION_INSIDE_H
#define TOBI_BROKER_DECISION_INSIDE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "broker/decision.h"
#include "broker/decision_store.h"

enum { DECISION_BATCH = 256, DECISION_HEAD_SECONDS = 60, DECISION_SWEEP_SECONDS = 60 };

/* A decision that waits for its commit; on the stack of who waits. */
struct pending {
	struct stored_leaf stored;
	struct pending *next;
	sem_t done;
	uint64_t index;
	enum tobi_err err;
	struct tobi_fault fault;
};

struct decision_log {
	struct db *db;
	EVP_PKEY *key;
	uint8_t key_id[SHA384_SIZE];
	char name[LOG_NAME_MAX + 1];
	_Atomic int64_t retention; /* of owners that have said nothing */
	_Atomic int64_t swept;	   /* when */

	pthread_t committer;
	bool running;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work;
	struct pending *first, **end; /* the queue */
	bool stop;
	struct decision_head fresh; /* signed anew for who reads */

	/* The committer's own: what the log was when it was last seen, which was checked
	 * or is what was committed here; and the time of its head. */
	struct log_state state, before;
	int64_t state_time;
};

/* Appends the leaf of a decision. TOBI_E_ARGUMENT; _LIMIT, _CRYPTO. */
TOBI_MUST_USE enum tobi_err decision_leaf(const struct decision *decision,
					  const uint8_t *digest, struct writer *out,
					  struct tobi_fault *fault);
/* Whether a state is what its head says, and its head the log's. */
TOBI_MUST_USE enum tobi_err decision_check_state(const struct decision_log *log,
						 const struct log_state *state,
						 struct log_head *ret_head,
						 struct tobi_fault *fault);
/* A head over the state's frontier. */
TOBI_MUST_USE enum tobi_err decision_sign(const struct decision_log *log, int64_t time,
					  struct log_state *state,
					  struct tobi_fault *fault);
/* Seconds that evidence of an owner's is kept. */
TOBI_MUST_USE enum tobi_err decision_retention(struct decision_log *log,
					       struct db_conn *conn, const char *owner,
					       int64_t *ret_seconds,
					       struct tobi_fault *fault);
/* Those of the list, in one transaction. Each has its index afterwards, or the error.
 * Returns the head's time, or -1. */
int64_t decision_commit(struct decision_log *log, struct pending *list);
/* Where each broker in turn appends to a shared database: the first statement of a
 * transaction. */
TOBI_MUST_USE enum tobi_err decision_lock_log(const struct decision_log *log,
					      struct db_conn *conn,
					      struct tobi_fault *fault);

#endif
