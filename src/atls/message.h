/*
 * The four messages of tobichi-atls/1 and their frames (docs/PROTOCOL.md section 4.1):
 * writing and reading of each, strict both ways.
 *
 * What is read borrows from the bytes that it was read from.
 * Source: attested TLS, section 5.2.
 */
#ifndef TOBI_ATLS_MESSAGE_H
#define TOBI_ATLS_MESSAGE_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/writer.h"

enum atls_type { ATLS_OFFER = 1, ATLS_ANSWER, ATLS_EVIDENCE, ATLS_RESULT };

enum { ATLS_VERSION = 1, ATLS_NONCE_SIZE = 32, ATLS_FRAME_HEADER = 4 };

enum atls_status { ATLS_ACCEPT, ATLS_REFUSE, ATLS_CANNOT };

/* X(code, number, sentence). What a peer is told, and all that it is told. */
#define ATLS_REASONS(X)                                                                  \
	X(ATLS_NO_REASON, 0, "no reason given")                                          \
	X(ATLS_MALFORMED, 1, "a message was malformed")                                  \
	X(ATLS_BAD_VERSION, 2, "the versions differ")                                    \
	X(ATLS_NO_COMMON_TYPE, 3, "there is no kind of evidence that both sides know")   \
	X(ATLS_CANNOT_ATTEST, 4, "a side that should attest cannot")                     \
	X(ATLS_BINDING_MISMATCH, 5, "the evidence was not made for this session")        \
	X(ATLS_EVIDENCE_REFUSED, 6, "the evidence was refused")                          \
	X(ATLS_IDENTITY_REFUSED, 7, "the identity was refused")                          \
	X(ATLS_TIMED_OUT, 8, "the exchange took too long")                               \
	X(ATLS_INTERNAL, 9, "internal error")

enum atls_reason {
#define X(code, number, text) code = number,
	ATLS_REASONS(X)
#undef X
};
/* The sentence; never NULL. */
const char *atls_reason_text(enum atls_reason reason);

/* OFFER and ANSWER. An ANSWER has at most one protocol, the chosen one. */
struct atls_hello {
	enum atls_type type;
	uint64_t version; /* read: another version than 1 is left to the caller */
	struct tobi_bytes nonce;
	bool peer_must_attest;
	bool can_attest;
	struct tobi_bytes types[LIMIT_ATLS_NAMES];
	size_t type_count;
	struct tobi_bytes protocols[LIMIT_ATLS_NAMES];
	size_t protocol_count;
};

struct atls_evidence {
	struct tobi_bytes claims_buffer;
	struct tobi_bytes collection;
};

struct atls_result {
	enum atls_status status;
	struct tobi_bytes transcript; /* 32 bytes */
	enum atls_reason reason;      /* ATLS_NO_REASON: absent */
};

/* Appends one frame: header and item. */
void atls_write_hello(struct writer *out, const struct atls_hello *hello);
void atls_write_evidence(struct writer *out, const struct atls_evidence *evidence);
void atls_write_result(struct writer *out, const struct atls_result *result);

/*
 * The size of the item after a frame's header. TOBI_E_MALFORMED for 0, TOBI_E_LIMIT above
 * the limit of the largest message that may come now.
 */
TOBI_MUST_USE enum tobi_err
atls_frame_size(const uint8_t header[static ATLS_FRAME_HEADER], bool evidence_expected,
		size_t *ret_size, struct tobi_fault *fault);
/*
 * Which message an item is; its own size limit is checked. TOBI_E_MALFORMED when it is
 * none, TOBI_E_UNSUPPORTED for an unknown number.
 */
TOBI_MUST_USE enum tobi_err atls_read_type(struct tobi_bytes item,
					   enum atls_type *ret_type,
					   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err atls_read_hello(struct tobi_bytes item, enum atls_type type,
					    struct atls_hello *ret_hello,
					    struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err atls_read_evidence(struct tobi_bytes item,
					       struct atls_evidence *ret_evidence,
					       struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err atls_read_result(struct tobi_bytes item,
					     struct atls_result *ret_result,
					     struct tobi_fault *fault);

#endif
