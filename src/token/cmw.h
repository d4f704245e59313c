/*
 * CMW (draft-ietf-rats-msg-wrap, 2025-12): records, CBOR tags (RFC 9277) and collections,
 * in CBOR and in JSON.
 */
#ifndef TOBI_TOKEN_CMW_H
#define TOBI_TOKEN_CMW_H

#include <stdbool.h>

#include "base/arena.h"
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
	bool alone;		/* one record or tag, without a key */
	struct tobi_bytes type; /* __cmwc_t of the outermost collection, or empty */
};

enum cmw_form { CMW_CBOR, CMW_JSON };

/* A flat collection of records with text keys; nested ones are TOBI_E_UNSUPPORTED. */
TOBI_MUST_USE enum tobi_err cmw_parse(struct tobi_bytes bytes, const char *object,
				      struct cmw *ret_cmw, struct tobi_fault *fault);
/*
 * Any form, told apart by its first byte; see cmw_form_of(). A record in a collection in
 * the collection is "outer/inner". A number as a key becomes its digits. What is not
 * borrowed from the input is in the arena. Errors: TOBI_E_MALFORMED, _TRUNCATED,
 * _TRAILING, _LIMIT (4 collections deep, 32 records, 1 MiB), _MEMORY.
 */
TOBI_MUST_USE enum tobi_err cmw_open(struct tobi_bytes bytes, const char *object,
				     struct arena *arena, struct cmw *ret_cmw,
				     struct tobi_fault *fault);
/* False for bytes that begin as no CMW does. */
bool cmw_form_of(struct tobi_bytes bytes, enum cmw_form *ret_form);
/*
 * Evidence of a session as a file of its own (section 3.3): the collection with the
 * claims-buffer that the verifier expects, whatever claims came in it; so it is genuine
 * only if it was made over just these. Errors: cmw_parse()'s, the writer's, and
 * TOBI_E_LIMIT for one record too many.
 */
TOBI_MUST_USE enum tobi_err cmw_put_claims(struct tobi_bytes collection,
					   struct tobi_bytes claims_buffer,
					   struct writer *out, struct tobi_fault *fault);
/* NULL when there is none. */
const struct cmw_record *cmw_find(const struct cmw *cmw, const char *key);
/* records in key order (shorter keys first, then bytewise). */
void cmw_write(struct writer *out, const struct cmw_record *records, size_t count);
/* The same as JSON; failure is the writer's. */
void cmw_write_json(struct writer *out, const struct cmw_record *records, size_t count);
/* One record alone; its key is not written. */
void cmw_write_record(struct writer *out, enum cmw_form form,
		      const struct cmw_record *record);
/* A record of a content format as a tag over a byte string (RFC 9277). */
void cmw_write_tag(struct writer *out, const struct cmw_record *record);
/* RFC 9277 appendix B: 0x63740101 + n / 255 * 256 + n mod 255, and back; UINT64_MAX for
 * another tag. */
uint64_t cmw_tag_of(uint64_t content_format);
uint64_t cmw_format_of(uint64_t tag);

#define CMW_TYPE "application/cmw+cbor"
#define CMW_TYPE_JSON "application/cmw+json"
#define CMW_TYPE_EAT "application/vnd.tobichi.eat"
#define CMW_TYPE_CLAIMS "application/vnd.tobichi.claims-buffer"
/* A collection in a collection: what attests the guest around an enclave. */
#define CMW_TYPE_COLLECTION "application/cmw+cbor"
/* Pieces beside the evidence: the log of what a machine measured when it started. */
#define CMW_TYPE_LOG "application/vnd.tobichi.event-log"
#define CMW_TYPE_CHAIN "application/vnd.tobichi.x5chain"

#endif
