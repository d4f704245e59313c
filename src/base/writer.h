/*
 * A growable buffer with a ceiling. Failure is sticky: after it, writes do nothing and
 * wr_err() says why; so a message is written in one go and checked once.
 */
#ifndef TOBI_BASE_WRITER_H
#define TOBI_BASE_WRITER_H

#include "tobichi/bytes.h"
#include "tobichi/error.h"

struct writer {
	uint8_t *ptr; /* heap, owned */
	size_t size;
	size_t capacity;
	size_t ceiling;
	enum tobi_err err;
};

/* Nothing is allocated yet. ceiling: the most bytes it may ever hold. */
struct writer wr_init(size_t ceiling);
/* Wipes and frees. Accepts a zeroed writer. */
void wr_done(struct writer *wr);

void wr_u8(struct writer *wr, uint8_t value);
void wr_uint_be(struct writer *wr, uint64_t value, size_t size);
void wr_bytes(struct writer *wr, const void *ptr, size_t size);
void wr_printf(struct writer *wr, const char *format, ...) TOBI_PRINTF(2, 3);

/* Room for size bytes, zeroed, at the end; NULL after failure. */
uint8_t *wr_reserve(struct writer *wr, size_t size);

TOBI_MUST_USE enum tobi_err wr_err(const struct writer *wr);
struct tobi_bytes wr_view(const struct writer *wr);

#endif
