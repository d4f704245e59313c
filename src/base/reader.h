/*
 * The bounded reader: the only code that moves a pointer through bytes from outside.
 *
 * Failure is sticky: after the first failed read every getter returns zero, and
 * rd_failed() stays true with the offset and the field of that first failure. So a parser
 * reads many fields and checks once, before it loops, allocates or branches on a value.
 */
#ifndef TOBI_BASE_READER_H
#define TOBI_BASE_READER_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

struct reader {
	const uint8_t *start;
	size_t size;
	size_t pos;
	size_t origin; /* offset of start in the outermost object, for messages */
	enum tobi_err err;
	size_t fail_offset;
	const char *fail_field;
};

struct reader rd_init(struct tobi_bytes bytes);

/* field names what is read, for messages; it must outlive the reader (a literal). */
uint8_t rd_u8(struct reader *rd, const char *field);
uint16_t rd_u16be(struct reader *rd, const char *field);
uint32_t rd_u32be(struct reader *rd, const char *field);
uint64_t rd_u64be(struct reader *rd, const char *field);
uint16_t rd_u16le(struct reader *rd, const char *field);
uint32_t rd_u32le(struct reader *rd, const char *field);
uint64_t rd_u64le(struct reader *rd, const char *field);

/* Borrows size bytes of the input; empty after failure. */
struct tobi_bytes rd_bytes(struct reader *rd, size_t size, const char *field);

/* A child reader over the next size bytes, which the parent then has behind it. */
struct reader rd_sub(struct reader *rd, size_t size, const char *field);

/* Refuses a count of which each element needs at least min_size bytes of what is left. */
size_t rd_count(struct reader *rd, uint64_t count, size_t min_size, const char *field);

/* Records a failure at the current position, unless there is an earlier one. */
void rd_fail(struct reader *rd, enum tobi_err err, const char *field);

size_t rd_left(const struct reader *rd);
bool rd_failed(const struct reader *rd);
/* Offset of the next byte in the outermost object. */
size_t rd_offset(const struct reader *rd);

/* The result of a parse: fails on an earlier failure and on bytes left over. */
TOBI_MUST_USE enum tobi_err rd_finish(struct reader *rd, const char *object,
				      struct tobi_fault *fault);
/* The same, but bytes may follow. */
TOBI_MUST_USE enum tobi_err rd_status(const struct reader *rd, const char *object,
				      struct tobi_fault *fault);

#endif
