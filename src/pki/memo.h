/*
 * What was worked out from bytes, remembered: verified chains, parsed and verified
 * collateral. A name is the hash of all that the result depends on but the time; a result
 * has the time in which it holds. Bounded, and safe for many threads.
 */
#ifndef TOBI_PKI_MEMO_H
#define TOBI_PKI_MEMO_H

#include <stdatomic.h>

#include "pki/chain.h"

struct memo_name {
	uint8_t hash[SHA256_SIZE];
};

/* The head of every value; shared, and never changed once it is kept. */
struct memo_value {
	atomic_int references; /* starts at 1: its maker's */
	void (*free)(struct memo_value *value);
};

struct memo;

/* NULL when there is no memory. */
struct memo *memo_new(void);
void memo_free(struct memo *memo);
DEFINE_CLEANUP(struct memo *, memo_free)

/* The name of a result of this kind ("pck-chain") from these parts: their sizes count, so
 * that no two lists of parts make one name. */
TOBI_MUST_USE enum tobi_err memo_name_make(const char *kind,
					   const struct tobi_bytes *parts, size_t count,
					   struct memo_name *ret_name);
/* A reference of the caller's own, or NULL: not known, or it does not hold at the time.
 * NULL for a NULL memo. */
struct memo_value *memo_find(struct memo *memo, const struct memo_name *name,
			     int64_t time);
/* Keeps a reference of its own for as long as there is room: from window.not_before until
 * window.not_after. Does nothing for a NULL memo. */
void memo_keep(struct memo *memo, const struct memo_name *name,
	       const struct chain_window *window, struct memo_value *value);
struct memo_value *memo_ref(struct memo_value *value);
/* Accepts NULL. */
void memo_unref(struct memo_value *value);

#endif
