/*
 * The log of decisions (docs/PROTOCOL.md section 18.4): each is a leaf of a Merkle tree
 * (src/log/), and the tree's heads are signed. Nothing is released before its decision is
 * in the log, on the disk.
 */
#ifndef TOBI_BROKER_DECISION_H
#define TOBI_BROKER_DECISION_H

#include "appraise/appraise.h"
#include "db/db.h"
#include "log/head.h"
#include "log/proof.h"
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
	const char *remote;  /* who asked: the address, or NULL */
	const char *channel; /* "kbs", "atls", "admin" */
	/* The owner whose it is and who may read it; NULL: the operator may. */
	const char *principal;
	const char *resource; /* "repository/type/tag", or what else it was about */
	uint64_t version;     /* of the resource; 0: none */
	const char *action;   /* "release", "put", "delete", "owner add", ... */
	const char *reason;   /* for people; from the verdict, or what was refused */
	struct tobi_bytes evidence;	  /* kept as retention says; its digest always */
	const struct tobi_result *result; /* every check is written down; or NULL */
	const uint8_t *policy;		  /* SHA-384 of the policy's text, or NULL */
};

/*
 * key signs heads; name is the log's, 1 to 128 bytes of text. Begins a log where there is
 * none; of one that there is, the head must be signed by that key, and over what the
 * database has. Errors: TOBI_E_MISMATCH (another log's name; another key; a database that
 * was changed), TOBI_E_ARGUMENT, those of the database.
 */
TOBI_MUST_USE enum tobi_err decision_log_open(struct db *db, EVP_PKEY *key,
					      const char *name,
					      struct decision_log **ret_log,
					      struct tobi_fault *fault);
/* After the last call of the others has returned. Accepts NULL. */
void decision_log_free(struct decision_log *log);

/*
 * Appends and waits until leaf and a signed head over it are on the disk; decisions of
 * several threads are committed together. ret_index may be NULL. After an error the
 * decision counts as not written: release nothing. TOBI_E_MISMATCH when the database was
 * put back to an older state, or changed, while this broker ran.
 */
TOBI_MUST_USE enum tobi_err decision_log_append(struct decision_log *log,
						const struct decision *decision,
						uint64_t *ret_index,
						struct tobi_fault *fault);

/* ---- Reading ---- */

struct decision_head {
	uint8_t bytes[LOG_HEAD_MAX]; /* signed: log/head.h */
	size_t size;		     /* of bytes */
	uint64_t leaves;
	struct log_hash root;
	int64_t time;
};

/* The newest. One that was signed over a minute before now is signed anew, so that a log
 * that stands still can be told from one that is withheld. */
TOBI_MUST_USE enum tobi_err decision_log_head(struct decision_log *log, int64_t now,
					      struct decision_head *ret_head,
					      struct tobi_fault *fault);

/* Borrowed until the callback returns. */
struct decision_entry {
	uint64_t index;
	struct log_hash hash;	 /* of what is there */
	struct tobi_bytes leaf;	 /* log/leaf.h */
	struct tobi_bytes owner; /* empty: nobody's */
};
/* Not TOBI_OK ends the reading with that error. */
typedef enum tobi_err decision_each(void *context, const struct decision_entry *entry,
				    struct tobi_fault *fault);

/* At most count entries from that index upward. */
TOBI_MUST_USE enum tobi_err decision_log_leaves(struct decision_log *log, uint64_t from,
						uint64_t count, decision_each *each,
						void *context, struct tobi_fault *fault);
/* At most count entries of one owner (NULL: nobody's) before that index, the newest
 * first. */
TOBI_MUST_USE enum tobi_err decision_log_owned(struct decision_log *log,
					       const char *owner, uint64_t before,
					       uint64_t count, decision_each *each,
					       void *context, struct tobi_fault *fault);
/* TOBI_E_ARGUMENT for a leaf or a size that the log has not. */
TOBI_MUST_USE enum tobi_err decision_log_inclusion(struct decision_log *log,
						   uint64_t size, uint64_t index,
						   struct log_inclusion *ret_proof,
						   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err decision_log_consistency(struct decision_log *log,
						     uint64_t from, uint64_t to,
						     struct log_consistency *ret_proof,
						     struct tobi_fault *fault);
/* Reads all leaves and compares: hashes, whole subtrees, frontier, head. TOBI_E_MISMATCH
 * names the first entry that is not as it was written. For a restored database, and for
 * tests: it takes its time. */
TOBI_MUST_USE enum tobi_err decision_log_check(struct decision_log *log,
					       uint64_t *ret_size,
					       struct tobi_fault *fault);

/* ---- Evidence ---- */

/* Of owners that have said nothing; of nobody's evidence, which whoever likes may send.
 */
enum { DECISION_RETENTION = 30 * 24 * 3600, DECISION_RETENTION_NOBODY = 24 * 3600 };
#define DECISION_RETENTION_MAX (INT64_C(3650) * 24 * 3600)

/* For owners that have said nothing; DECISION_RETENTION without it. 0: nothing is kept.
 */
void decision_log_retention_default(struct decision_log *log, int64_t seconds);
/* How long evidence of an owner's (NULL: of nobody's) is kept, that which is there
 * included. TOBI_E_ARGUMENT for less than 0 and more than ten years. */
TOBI_MUST_USE enum tobi_err decision_log_retention_set(struct decision_log *log,
						       const char *owner, int64_t seconds,
						       struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err decision_log_retention(struct decision_log *log,
						   const char *owner,
						   int64_t *ret_seconds,
						   struct tobi_fault *fault);
/* Appends the evidence of that digest, if it is this owner's and is still kept. owner
 * NULL: nobody's. TOBI_E_NOT_FOUND. */
TOBI_MUST_USE enum tobi_err
decision_log_evidence(struct decision_log *log, const char *owner,
		      const uint8_t digest[static SHA384_SIZE], int64_t now,
		      struct writer *out, struct tobi_fault *fault);
/* Appends what the checks of that refusal have expected and found (decision_details.h),
 * as long as its evidence is kept. owner NULL: nobody's. TOBI_E_NOT_FOUND. */
TOBI_MUST_USE enum tobi_err decision_log_details(struct decision_log *log,
						 const char *owner, uint64_t index,
						 int64_t now, struct writer *out,
						 struct tobi_fault *fault);
/* Erases what has expired, evidence and details. ret_erased (evidence) may be NULL. */
TOBI_MUST_USE enum tobi_err decision_log_sweep(struct decision_log *log, int64_t now,
					       uint64_t *ret_erased,
					       struct tobi_fault *fault);
/* The same at most once a minute, after appending and when a head is asked for. */
void decision_log_sweep_sometimes(struct decision_log *log, int64_t now);

#endif
