/* Bytes for tests: written down, from hexadecimal, or of a text. */
#ifndef TESTS_BYTES_H
#define TESTS_BYTES_H

#include <stdlib.h>

#include "base/hex.h"
#include "base/secret.h"
#include "tests/check.h"

#define BYTES(...)                                                                       \
	((struct tobi_bytes){(const uint8_t[]){__VA_ARGS__},                             \
			     sizeof((const uint8_t[]){__VA_ARGS__})})

static inline struct tobi_bytes text_bytes(const char *text)
{
	return (struct tobi_bytes){(const uint8_t *)text, strlen(text)};
}

/* A heap block of exactly this size, so that a sanitizer sees a read past the end. */
struct block {
	uint8_t *ptr;
	size_t size;
};

static inline struct block block_new(struct tobi_bytes bytes)
{
	struct block block = {malloc(bytes.size ? bytes.size : 1), bytes.size};

	assert_non_null(block.ptr);
	bytes_copy(block.ptr, block.size, bytes.ptr, bytes.size);
	return block;
}

static inline struct block block_unhex(const char *hex)
{
	struct block block = {malloc(strlen(hex) / 2 + 1), strlen(hex) / 2};

	assert_true(hex_read(hex, block.ptr, block.size));
	return block;
}

static inline struct tobi_bytes block_view(struct block block)
{
	return (struct tobi_bytes){block.ptr, block.size};
}

static inline void block_done(struct block block)
{
	free(block.ptr);
}

#define assert_bytes_equal(a, b)                                                         \
	do {                                                                             \
		struct tobi_bytes a_ = (a), b_ = (b);                                    \
		assert_int_equal(a_.size, b_.size);                                      \
		if (a_.size)                                                             \
			assert_memory_equal(a_.ptr, b_.ptr, a_.size);                    \
	} while (0)

#endif
