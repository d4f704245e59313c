/* What the files that read a CoRIM share. Sticky, like the decoder below. */
#ifndef TOBI_CORIM_READER_H
#define TOBI_CORIM_READER_H

#include "codec/cbor.h"
#include "corim/corim.h"

struct corim_reader {
	struct cbor cbor;
	struct arena *arena;
	size_t triples, measurements, items; /* counted against the ceilings */
};

enum {
	CORIM_TAG_TIME = 1,
	CORIM_TAG_URI = 32,
	CORIM_TAG_UUID = 37,
	CORIM_TAG_OID = 111,
	CORIM_TAG_CORIM = 501,
	CORIM_TAG_COSWID = 505,
	CORIM_TAG_COMID = 506,
	CORIM_TAG_COTL = 508,
	CORIM_TAG_UEID = 550,
	CORIM_TAG_SVN = 552,
	CORIM_TAG_MIN_SVN = 553,
	CORIM_TAG_BYTES = 560,
	CORIM_TAG_MASKED = 563,
	CORIM_TAG_RANGE = 564,
	CORIM_TAG_NUMERIC = 60010,
	CORIM_TAG_SET = 60020,
	CORIM_TEXT_MAX = 1024,
	CORIM_BYTES_MAX = 64 << 10,
};

/* Which kinds of names are allowed, by 1 << enum corim_id_kind. */
#define CORIM_MAY(kind) (1U << (kind))

/* Opens an array of at most max elements, least at least, and gives room for them, in the
 * arena; NULL after failure, and for no elements. */
void *corim_list(struct corim_reader *rd, size_t least, size_t size, const char *field,
		 size_t *ret_count);
bool corim_failed(const struct corim_reader *rd);
void corim_fail(struct corim_reader *rd, enum tobi_err err, const char *field);

struct corim_id corim_read_id(struct corim_reader *rd, unsigned allowed,
			      const char *field);
/* Text, or a URI under its tag. */
struct tobi_bytes corim_read_uri(struct corim_reader *rd, const char *field);
int64_t corim_read_time(struct corim_reader *rd, const char *field);
struct corim_validity corim_read_validity(struct corim_reader *rd);
struct corim_digests corim_read_digests(struct corim_reader *rd, const char *field);
struct corim_keys corim_read_keys(struct corim_reader *rd, const char *field);
struct corim_entities corim_read_entities(struct corim_reader *rd);
struct corim_environment corim_read_environment(struct corim_reader *rd);
struct corim_values corim_read_values(struct corim_reader *rd);
struct corim_measurements corim_read_measurements(struct corim_reader *rd, size_t least,
						  const char *field);
/* A module, from the bytes of its tag. */
void corim_read_module(struct corim_reader *rd, struct corim_module *module);

#endif
