/*
 * A leaf of the broker's log: one decision, as a CBOR map with one encoding
 * (docs/PROTOCOL.md section 18.4). Its hash alone is public. A random salt is in it, so
 * that nobody who has the hash can guess who asked for what.
 *
 * It is here and not with the broker, so that its clients can read what they verify.
 */
#ifndef TOBI_LOG_LEAF_H
#define TOBI_LOG_LEAF_H

#include <stdbool.h>

#include "base/writer.h"

enum {
	LOG_LEAF_MAX = 64 << 10,
	LOG_CHECKS_MAX = 768, /* of evidence and of the guest around it */
	LOG_SALT_SIZE = 16,
	LOG_DIGEST_SIZE = 48, /* SHA-384 */
	LOG_TEXT_MAX = 512,
	LOG_WORD_MAX = 64,
	LOG_OUTCOMES = 4, /* enum tobi_outcome of tobichi/verify.h */
};

struct log_check {
	struct tobi_bytes code; /* "SOFT-SIGNATURE" */
	unsigned outcome;	/* enum tobi_outcome */
};

/* Borrowed. What is empty is not there, but for channel, action and resource, which must
 * be. Those and reason are texts without control characters. */
struct log_leaf {
	unsigned kind; /* enum decision_kind of broker/decision.h; 1 to 255 */
	int64_t time;
	bool accepted;
	struct tobi_bytes salt; /* LOG_SALT_SIZE */
	struct tobi_bytes channel, action, resource;
	uint64_t version; /* of the resource; 0: not there */
	struct tobi_bytes remote, principal, reason;
	struct tobi_bytes evidence, policy; /* SHA-384 */
	struct log_check checks[LOG_CHECKS_MAX];
	size_t check_count; /* of one that was read: in the order of their outcomes */
};

/* Appends. TOBI_E_ARGUMENT when something in it is not as above, or too long. */
TOBI_MUST_USE enum tobi_err log_leaf_write(const struct log_leaf *leaf,
					   struct writer *out, struct tobi_fault *fault);
/* The decoder's errors; TOBI_E_LIMIT; TOBI_E_UNSUPPORTED for a later version. */
TOBI_MUST_USE enum tobi_err log_leaf_read(struct tobi_bytes bytes,
					  struct log_leaf *ret_leaf,
					  struct tobi_fault *fault);
/* "release", "attest", ...; "other" for a kind that is not known here. */
const char *log_kind_name(unsigned kind);
/* "not run", "passed", "failed", "not asked". */
const char *log_outcome_name(unsigned outcome);

#endif
