/*
 * CBOR (RFC 8949): a pull decoder over the bounded reader, and an encoder.
 *
 * The decoder accepts only preferred serialisation and definite lengths. Under
 * CBOR_DETERMINISTIC map keys must also be in bytewise order of their encodings
 * (section 4.2.1); under CBOR_PREFERRED any order is accepted and maps are checked for
 * duplicates when they are opened. Floats are never accepted.
 *
 * Like the reader it is sticky: read on, check once with cbor_finish().
 */
#ifndef TOBI_CODEC_CBOR_H
#define TOBI_CODEC_CBOR_H

#include "base/reader.h"
#include "base/writer.h"

enum cbor_rules { CBOR_DETERMINISTIC, CBOR_PREFERRED };

enum cbor_kind {
	CBOR_END, /* nothing left, or failed */
	CBOR_UINT,
	CBOR_NEGATIVE,
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_BOOL,
	CBOR_NULL,
	CBOR_OTHER, /* undefined, other simple values, floats */
};

struct cbor {
	struct reader rd;
	enum cbor_rules rules;
	/* Of what is skipped, and of maps that are opened. cbor_init() sets the depth to
	 * LIMIT_CBOR_DEPTH; a format may ask for more, LIMIT_CBOR_DEPTH_MOST at most. */
	size_t depth;
	bool lines; /* texts may have line ends (PEM) */
};

/* A map being read. */
struct cbor_map {
	size_t left; /* entries not yet started */
	size_t last; /* offset and size of the last key's encoding */
	size_t last_size;
	bool open; /* a break is still to come behind the last entry */
};

struct cbor cbor_init(struct tobi_bytes bytes, enum cbor_rules rules);

/* The kind of the next item; does not move. */
enum cbor_kind cbor_peek(const struct cbor *cbor);

uint64_t cbor_uint(struct cbor *cbor, const char *field);
/* Fails above max with TOBI_E_LIMIT. */
uint64_t cbor_uint_max(struct cbor *cbor, uint64_t max, const char *field);
int64_t cbor_int(struct cbor *cbor, const char *field);
bool cbor_bool(struct cbor *cbor, const char *field);
void cbor_null(struct cbor *cbor, const char *field);
uint64_t cbor_tag(struct cbor *cbor, const char *field);
/* Borrowed from the input. Above max: TOBI_E_LIMIT. */
struct tobi_bytes cbor_bytes(struct cbor *cbor, size_t max, const char *field);
/* Exactly size bytes, else TOBI_E_MALFORMED. */
struct tobi_bytes cbor_bytes_exact(struct cbor *cbor, size_t size, const char *field);
/* Text that utf8_is_text() accepts. */
struct tobi_bytes cbor_text(struct cbor *cbor, size_t max, const char *field);
/* The same, and lines may end in it. */
struct tobi_bytes cbor_text_lines(struct cbor *cbor, size_t max, const char *field);

/* The number of elements that follow, at most max. */
size_t cbor_array(struct cbor *cbor, size_t max, const char *field);

/* Opens a map of at most max entries. */
struct cbor_map cbor_map(struct cbor *cbor, size_t max, const char *field);
/* The same, and the map's length may be indefinite: for formats of others, of which some
 * writers do so. What is in it may not. Read it until there is no next key, for the break
 * is behind the last entry. */
struct cbor_map cbor_map_any(struct cbor *cbor, size_t max, const char *field);
/*
 * The next key; false at the end of the map or after failure. Order and duplicates are
 * checked. A key of another kind is a failure.
 */
bool cbor_map_int(struct cbor *cbor, struct cbor_map *map, int64_t *ret_key,
		  const char *field);
/* The next key must be this one: false, and a failure that names field, when it is not.
 */
bool cbor_map_expect(struct cbor *cbor, struct cbor_map *map, int64_t key,
		     const char *field);
bool cbor_map_text(struct cbor *cbor, struct cbor_map *map, struct tobi_bytes *ret_key,
		   const char *field);

/* Skips one whole item under the same rules, and gives its encoding. */
struct tobi_bytes cbor_skip(struct cbor *cbor, const char *field);

/* Records a failure at the current position. */
void cbor_fail(struct cbor *cbor, enum tobi_err err, const char *field);
/* A map lacks a required key: TOBI_E_MALFORMED naming it, when present is false. */
void cbor_require(struct cbor *cbor, bool present, const char *field);
bool cbor_failed(const struct cbor *cbor);
TOBI_MUST_USE enum tobi_err cbor_finish(struct cbor *cbor, const char *object,
					struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err cbor_status(const struct cbor *cbor, const char *object,
					struct tobi_fault *fault);

/* Encoding. The caller writes maps in key order. */
void cbor_write_uint(struct writer *wr, uint64_t value);
void cbor_write_int(struct writer *wr, int64_t value);
void cbor_write_bool(struct writer *wr, bool value);
void cbor_write_null(struct writer *wr);
void cbor_write_tag(struct writer *wr, uint64_t tag);
void cbor_write_bytes(struct writer *wr, struct tobi_bytes bytes);
void cbor_write_text(struct writer *wr, const char *text);
void cbor_write_text_bytes(struct writer *wr, struct tobi_bytes text);
void cbor_write_array(struct writer *wr, size_t count);
void cbor_write_map(struct writer *wr, size_t count);

#endif
