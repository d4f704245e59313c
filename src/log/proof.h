/*
 * Proofs over a log's tree (RFC 9162 sections 2.1.3 and 2.1.4): that a leaf is in it, and
 * that a later tree has grown out of an earlier one, with no entry changed, erased or put
 * in between. Whoever checks needs nothing but heads that he trusts (log/head.h).
 *
 * Making a proof reads at most about two nodes for each level of the tree.
 */
#ifndef TOBI_LOG_PROOF_H
#define TOBI_LOG_PROOF_H

#include "log/tree.h"

struct log_path {
	size_t count;
	struct log_hash hashes[LOG_LEVELS + 1];
};

struct log_inclusion {
	uint64_t size, index; /* index < size */
	struct log_path path;
};

struct log_consistency {
	uint64_t from, to; /* sizes, from <= to */
	struct log_path path;
};

/* Gives a whole subtree that log_frontier_append() has put. */
typedef enum tobi_err log_get(void *context, unsigned level, uint64_t position,
			      struct log_hash *ret_hash, struct tobi_fault *fault);

/* TOBI_E_ARGUMENT when there is no such leaf, or no such size; those of get. */
TOBI_MUST_USE enum tobi_err log_inclusion_make(uint64_t size, uint64_t index,
					       log_get *get, void *context,
					       struct log_inclusion *ret_proof,
					       struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err log_consistency_make(uint64_t from, uint64_t to, log_get *get,
						 void *context,
						 struct log_consistency *ret_proof,
						 struct tobi_fault *fault);
/* The root of the log as it was at that size. */
TOBI_MUST_USE enum tobi_err log_root_of(uint64_t size, log_get *get, void *context,
					struct log_hash *ret_root,
					struct tobi_fault *fault);

/* TOBI_E_MISMATCH when it does not lead from this leaf to that root, and when it has one
 * hash too many or too few; TOBI_E_CRYPTO. */
TOBI_MUST_USE enum tobi_err log_inclusion_verify(const struct log_inclusion *proof,
						 const struct log_hash *leaf,
						 const struct log_hash *root,
						 struct tobi_fault *fault);
/* The same between two roots. Every log has grown out of the empty one, whose root must
 * be that of nothing. */
TOBI_MUST_USE enum tobi_err log_consistency_verify(const struct log_consistency *proof,
						   const struct log_hash *from_root,
						   const struct log_hash *to_root,
						   struct tobi_fault *fault);

/* CBOR: [size, index, [hash, ...]] and [from, to, [hash, ...]], in the shape of
 * draft-ietf-cose-merkle-tree-proofs section 5.2 and 5.3. Reading is strict, and looks at
 * the shape alone; TOBI_E_MALFORMED for an index or a size that cannot be, too. */
void log_inclusion_write(const struct log_inclusion *proof, struct writer *out);
TOBI_MUST_USE enum tobi_err log_inclusion_read(struct tobi_bytes bytes,
					       struct log_inclusion *ret_proof,
					       struct tobi_fault *fault);
void log_consistency_write(const struct log_consistency *proof, struct writer *out);
TOBI_MUST_USE enum tobi_err log_consistency_read(struct tobi_bytes bytes,
						 struct log_consistency *ret_proof,
						 struct tobi_fault *fault);

#endif
