/*
 * The log of decisions (docs/PROTOCOL.md section 18.4): each is a leaf of a Merkle tree
 * (src/log/), and the tree's heads are signed. Nothing is released before its decision is
 * in the log, on the disk.
 */
#ifndef TOBI_BROKER_DECISION_H
#define TOBI_BROKER_DECISION_H

#include "appraise/appraise.h"
#include "db/db.h"
#include "pki/key.h"

struct decision_log;

enum decision_kind {
	DECISION_RELEASE = 1, /* a resource was asked for */
	DECISION_ATTEST = 2,  /* evidence was handed in */
	DECISION_ADMIN = 3,   /* an owner or the operator changed something */
	DECISION_COUNTER = 4, /* a counter was read or moved */
	DECISION_CERTIFICATE = 5,
};

/* Everything is borrowed. No secret may be in it, nor anything to guess one by. */
struct decision {
	enum decision_kind kind;
	int64_t time;
	bool accepted;
	const char *remote;    /* who asked: the address, or NULL */
	const char *channel;   /* "kbs", "atls", "admin" */
	const char *principal; /* the owner, or NULL */
	const char *resource;  /* "repository/type/tag", or what else it was about */
	uint64_t version;      /* of the resource; 0: none */
	const char *action;    /* "release", "put", "delete", "owner add", ... */
	const char *reason;    /* for people; from the verdict, or what was refused */
	struct tobi_bytes evidence;	  /* kept as retention says; its digest always */
	const struct tobi_result *result; /* every check is written down; or NULL */
	const uint8_t *policy;		  /* SHA-384 of the policy's text, or NULL */
};

/* key signs heads; name is the log's. */
TOBI_MUST_USE enum tobi_err decision_log_open(struct db *db, EVP_PKEY *key,
					      const char *name,
					      struct decision_log **ret_log,
					      struct tobi_fault *fault);
void decision_log_free(struct decision_log *log);

/*
 * Appends and waits until leaf and a signed head over it are on the disk; decisions of
 * several threads are committed together. ret_index may be NULL. After an error the
 * decision counts as not written: release nothing.
 */
TOBI_MUST_USE enum tobi_err decision_log_append(struct decision_log *log,
						const struct decision *decision,
						uint64_t *ret_index,
						struct tobi_fault *fault);

#endif
