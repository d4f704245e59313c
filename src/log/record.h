/*
 * What `tobichi log prove` writes and `tobichi log verify` checks without a network: one
 * CBOR map with a proof and the signed head that it leads to (docs/PROTOCOL.md 18.4).
 */
#ifndef TOBI_LOG_RECORD_H
#define TOBI_LOG_RECORD_H

#include "log/head.h"
#include "log/leaf.h"
#include "log/proof.h"

enum { LOG_RECORD_MAX = LOG_LEAF_MAX + (8 << 10) };

enum log_record_kind { LOG_RECORD_INCLUSION = 1, LOG_RECORD_CONSISTENCY = 2 };

struct log_record {
	enum log_record_kind kind;
	/* Borrowed from what was read. */
	struct tobi_bytes head; /* signed, the later one */
	/* Of an inclusion: the leaf, where it may be seen, else empty; its hash always.
	 */
	struct tobi_bytes leaf;
	struct log_hash leaf_hash;
	struct log_inclusion inclusion;
	/* Of a consistency: the earlier head. */
	struct tobi_bytes older;
	struct log_consistency consistency;
};

TOBI_MUST_USE enum tobi_err log_record_write(const struct log_record *record,
					     struct writer *out,
					     struct tobi_fault *fault);
/* The shape alone. The decoder's errors; TOBI_E_LIMIT, _UNSUPPORTED. */
TOBI_MUST_USE enum tobi_err log_record_read(struct tobi_bytes bytes,
					    struct log_record *ret_record,
					    struct tobi_fault *fault);
/*
 * All of it: the heads are of the log's key and of one log, and the proof leads from the
 * one to the other. key as in log_head_read(). The heads borrow from the record; older is
 * filled in for a consistency only, and may be NULL. Errors: those of log_head_read();
 * TOBI_E_MISMATCH.
 */
TOBI_MUST_USE enum tobi_err log_record_verify(const struct log_record *record,
					      const uint8_t *key,
					      struct log_head *ret_head,
					      struct log_head *ret_older,
					      struct tobi_fault *fault);
/* What a newer head of the same log must be to an older one, before any proof is asked
 * for: TOBI_E_MISMATCH for another name, another root of the same size, or a smaller
 * size. */
TOBI_MUST_USE enum tobi_err log_head_follows(const struct log_head *older,
					     const struct log_head *newer,
					     struct tobi_fault *fault);

#endif
