/* What came as evidence, taken apart: a vendor's as it is, a token, a wrapper (CMW)
 * around one of them, or the collection of attested TLS. */
#ifndef TOBI_APPRAISE_PARTS_H
#define TOBI_APPRAISE_PARTS_H

#include "appraise/appraise.h"

struct evidence_parts {
	struct cmw cmw;
	struct tobi_bytes cpu;			/* the evidence itself */
	struct tobi_bytes claims, endorsements; /* empty where there is none */
	const struct tee_verifier *verifier;
	/* The caller's pieces, and what the wrapper held beside the evidence. */
	const struct tobi_bytes *pieces;
	size_t piece_count;
	bool collection; /* it has a record "cpu", and others by their names */
	bool raw;	 /* without claims */
};

/*
 * A session takes a collection only, as raw evidence has no claims to bind it. What is
 * not borrowed from the request is in the result's arena. A wrapper that is signed owes
 * its checks, and they are recorded here. Errors: TOBI_E_MALFORMED, _UNSUPPORTED, and
 * the reader's of wrappers.
 */
TOBI_MUST_USE enum tobi_err evidence_take(struct tobi_result *result,
					  const struct tobi_policy *policy,
					  const struct appraisal_request *request,
					  struct evidence_parts *ret_parts,
					  struct tobi_fault *fault);
/* For evidence without a signed wrapper: refuses it where the policy wants one. */
void wrapper_miss(struct tobi_result *result, const struct tobi_policy *policy);
/* Whether bytes are a wrapper that evidence_take() could read. */
bool evidence_is_wrapped(struct tobi_bytes bytes);
/* What is in a wrapper, signed or not: whoever signed it is not asked for. Borrowed, or
 * in the arena. Errors: cmw_open()'s. */
TOBI_MUST_USE enum tobi_err evidence_open_wrapper(struct tobi_bytes bytes,
						  struct arena *arena,
						  struct cmw *ret_cmw,
						  struct tobi_fault *fault);

extern const struct check *const wrapper_rows[]; /* NULL at the end */

#endif
