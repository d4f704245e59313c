/* A log in memory, for tests: its whole subtrees, and the root of each size. */
#ifndef TESTS_LOG_GROWN_H
#define TESTS_LOG_GROWN_H

#include <stdio.h>

#include "log/proof.h"
#include "tests/bytes.h"

enum { GROWN_MAX = 136, GROWN_LEVELS = 9 };

struct grown {
	struct log_frontier frontier;
	struct log_hash nodes[GROWN_LEVELS][GROWN_MAX], roots[GROWN_MAX + 1];
	size_t puts, gets;
};

static inline enum tobi_err grown_put(void *context, unsigned level, uint64_t position,
				      const struct log_hash *hash,
				      struct tobi_fault *fault)
{
	struct grown *grown = context;

	(void)fault;
	assert_true(level < GROWN_LEVELS && position < GROWN_MAX);
	grown->nodes[level][position] = *hash;
	grown->puts++;
	return TOBI_OK;
}

static inline enum tobi_err grown_get(void *context, unsigned level, uint64_t position,
				      struct log_hash *ret_hash, struct tobi_fault *fault)
{
	struct grown *grown = context;

	(void)fault;
	assert_true(level < GROWN_LEVELS);
	/* It has become whole, or it may not be asked for. */
	assert_true((position + 1) << level <= grown->frontier.size);
	*ret_hash = grown->nodes[level][position];
	grown->gets++;
	return TOBI_OK;
}

/* Leaf i is the text "leaf i", or what changed says instead. */
static inline void grown_init(struct grown *grown, size_t count, size_t changed)
{
	char text[32];
	struct log_hash leaf;

	*grown = (struct grown){0};
	assert_int_equal(log_frontier_root(&grown->frontier, &grown->roots[0]), 0);
	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%s %zu", i == changed ? "other" : "leaf",
			 i);
		assert_int_equal(log_hash_leaf(text_bytes(text), &leaf), 0);
		assert_int_equal(
		    log_frontier_append(&grown->frontier, &leaf, grown_put, grown, NULL),
		    0);
		assert_int_equal(
		    log_frontier_root(&grown->frontier, &grown->roots[i + 1]), 0);
	}
}

#endif
