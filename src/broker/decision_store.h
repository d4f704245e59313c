/*
 * The log in the database: its tree by whole subtrees, so that a leaf more costs about
 * three rows and a proof about two for each level, however long the log is. Statements on
 * one connection; transactions are the caller's.
 */
#ifndef TOBI_BROKER_DECISION_STORE_H
#define TOBI_BROKER_DECISION_STORE_H

#include "db/db.h"
#include "log/head.h"
#include "log/proof.h"

struct log_state {
	char name[LOG_NAME_MAX + 1];
	struct log_frontier frontier;
	uint8_t head[LOG_HEAD_MAX]; /* signed, over that frontier */
	size_t head_size;
};

/* What is appended. Borrowed. */
struct stored_leaf {
	struct tobi_bytes leaf;
	const char *owner; /* or NULL */
	int64_t time;
	struct tobi_bytes evidence; /* or empty */
	uint8_t digest[SHA384_SIZE];
	struct tobi_bytes details; /* decision_details.h; or empty */
};

/* TOBI_E_NOT_FOUND when the log was never begun; TOBI_E_MALFORMED. */
TOBI_MUST_USE enum tobi_err log_state_read(struct db_conn *conn,
					   struct log_state *ret_state,
					   struct tobi_fault *fault);
/* TOBI_E_EXISTS when somebody else has begun it. */
TOBI_MUST_USE enum tobi_err log_state_begin(struct db_conn *conn,
					    const struct log_state *state,
					    struct tobi_fault *fault);
/* TOBI_E_TIMEOUT when the log has not the size any more that it had. */
TOBI_MUST_USE enum tobi_err log_state_update(struct db_conn *conn, uint64_t old_size,
					     const struct log_state *state,
					     struct tobi_fault *fault);

/* The leaf, its nodes, and its evidence and details for that many seconds from its time
 * (0: not at all). */
TOBI_MUST_USE enum tobi_err log_leaf_store(struct db_conn *conn,
					   struct log_frontier *frontier,
					   const struct stored_leaf *leaf,
					   int64_t retention, struct tobi_fault *fault);
/* A log_get of log/proof.h; the context is the connection. TOBI_E_MISMATCH when the
 * database lacks what it should have. */
enum tobi_err log_node_load(void *context, unsigned level, uint64_t position,
			    struct log_hash *ret_hash, struct tobi_fault *fault);

/* The seconds of an owner (or of nobody: NULL), or those for whoever has said nothing. */
TOBI_MUST_USE enum tobi_err log_retention_read(struct db_conn *conn, const char *owner,
					       int64_t otherwise, int64_t *ret_seconds,
					       struct tobi_fault *fault);

#endif
