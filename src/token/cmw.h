/*
 * CMW collections (draft-ietf-rats-msg-wrap, 2025-12): reading records and CBOR
 * collections, writing a flat CBOR collection.
 */
#ifndef TOBI_TOKEN_CMW_H
#define TOBI_TOKEN_CMW_H

#include "base/limits.h"
#include "base/writer.h"

enum {
	CMW_REFERENCE = 1,
	CMW_ENDORSEMENT = 2,
	CMW_EVIDENCE = 4,
	CMW_RESULT = 8,
	CMW_POLICY = 16
};

struct cmw_record {
	struct tobi_bytes key;
	struct tobi_bytes media_type; /* empty when content_format is given */
	uint64_t content_format;
	struct tobi_bytes value;
	unsigned indicator; /* 0 when absent */
};

struct cmw {
	struct cmw_record records[LIMIT_CMW_ENTRIES];
	size_t count;
};

/* A flat collection of records with text keys; nested ones are TOBI_E_UNSUPPORTED. */
TOBI_MUST_USE enum tobi_err cmw_parse(struct tobi_bytes bytes, const char *object,
				      struct cmw *ret_cmw, struct tobi_fault *fault);
/* NULL when there is none. */
const struct cmw_record *cmw_find(const struct cmw *cmw, const char *key);
/* records in key order (shorter keys first, then bytewise). */
void cmw_write(struct writer *out, const struct cmw_record *records, size_t count);

#define CMW_TYPE_EAT "application/vnd.tobichi.eat"
#define CMW_TYPE_CLAIMS "application/vnd.tobichi.claims-buffer"
#define CMW_TYPE_CHAIN "application/vnd.tobichi.x5chain"

#endif
