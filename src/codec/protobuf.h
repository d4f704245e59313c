/*
 * Protocol Buffers, reading only: one field after the other, borrowed from the input.
 *
 * Of our own, as protobuf-c takes what evidence must not have: a number in more bytes
 * than it needs, a field twice (the last one counts, parts of messages are mixed),
 * groups; and it allocates for each field before anything is checked.
 *
 * Source: protobuf.dev, Encoding.
 */
#ifndef TOBI_CODEC_PROTOBUF_H
#define TOBI_CODEC_PROTOBUF_H

#include "base/reader.h"

enum pb_kind { PB_NUMBER = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

struct pb_field {
	uint32_t number;
	enum pb_kind kind;
	uint64_t value;		 /* of a number */
	struct tobi_bytes bytes; /* of bytes, texts, messages */
};

/* False at the end of the message, and after a failure of the reader: TOBI_E_TRUNCATED,
 * _MALFORMED (a number that is too long, no such field), _UNSUPPORTED (groups). */
bool pb_next(struct reader *rd, struct pb_field *ret_field);

/* Numbers of fields up to 63 that were there: false for one that is there again. */
bool pb_once(uint64_t *seen, const struct pb_field *field);

#endif
