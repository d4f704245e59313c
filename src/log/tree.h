/*
 * A Merkle tree over an append-only list (RFC 6962 section 2.1, RFC 9162 section 2.1),
 * with SHA-256: what makes a log that nobody can rewrite unseen.
 *
 * The hash of a leaf is over 00 and its bytes, that of a node over 01 and the hashes of
 * its two subtrees; a tree of n leaves splits at the largest power of two below n. So
 * every subtree over 2^level leaves that begins at a multiple of 2^level stays as it is
 * for ever: these are what is stored, by their level and their position in it.
 */
#ifndef TOBI_LOG_TREE_H
#define TOBI_LOG_TREE_H

#include <stdbool.h>

#include "base/writer.h"

enum { LOG_HASH_SIZE = 32, LOG_LEVELS = 62 };
/* The most leaves that a log may have. */
#define LOG_SIZE_MAX (UINT64_C(1) << LOG_LEVELS)

struct log_hash {
	uint8_t bytes[LOG_HASH_SIZE];
};

bool log_hash_equal(const struct log_hash *a, const struct log_hash *b);
struct tobi_bytes log_hash_view(const struct log_hash *hash);
/* They fail only when OpenSSL does: TOBI_E_CRYPTO. */
TOBI_MUST_USE enum tobi_err log_hash_leaf(struct tobi_bytes leaf,
					  struct log_hash *ret_hash);
TOBI_MUST_USE enum tobi_err log_hash_node(const struct log_hash *left,
					  const struct log_hash *right,
					  struct log_hash *ret_hash);
/* Of a log without a leaf: the hash of nothing. */
TOBI_MUST_USE enum tobi_err log_hash_empty(struct log_hash *ret_hash);

/* The whole subtrees that make up a log of that size, the largest first: one for each bit
 * of the size. Enough to append and to know the root. */
struct log_frontier {
	uint64_t size;
	struct log_hash hashes[LOG_LEVELS + 1];
};

/* Takes a subtree that has just become whole, the leaf itself (level 0) first. */
typedef enum tobi_err log_put(void *context, unsigned level, uint64_t position,
			      const struct log_hash *hash, struct tobi_fault *fault);

/* One leaf more; put may be NULL. Whatever the size, two subtrees become whole on the
 * average. Errors: TOBI_E_LIMIT, _CRYPTO, those of put; the frontier is then as before.
 */
TOBI_MUST_USE enum tobi_err log_frontier_append(struct log_frontier *frontier,
						const struct log_hash *leaf, log_put *put,
						void *context, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err log_frontier_root(const struct log_frontier *frontier,
					      struct log_hash *ret_root);
bool log_frontier_equal(const struct log_frontier *a, const struct log_frontier *b);
/* The hashes one after another: how it is stored, beside the size. */
void log_frontier_write(const struct log_frontier *frontier, struct writer *out);
/* TOBI_E_MALFORMED when there are not as many as the size has bits; TOBI_E_LIMIT. */
TOBI_MUST_USE enum tobi_err log_frontier_read(uint64_t size, struct tobi_bytes hashes,
					      struct log_frontier *ret_frontier,
					      struct tobi_fault *fault);

#endif
