/*
 * Evidence: from a claims-buffer that this agent has made to a CMW collection with the
 * platform's token over its hash. Requests wait in one queue, are answered in order, and
 * are sent no faster than the platform service should have to sign.
 */
#ifndef AGENT_EVIDENCE_H
#define AGENT_EVIDENCE_H

#include <event2/event.h>

#include "base/limits.h"
#include "base/writer.h"

struct evidence;

/* Exactly one of both for each request that is not forgotten: the collection, or why not.
 */
typedef void evidence_done_fn(void *context, const struct writer *collection,
			      const struct tobi_fault *why);

struct evidence_setup {
	struct event_base *base;
	/* Sends REPORT. */
	void (*report)(void *context, const uint8_t claims_hash[static 32]);
	void *context;
	uint8_t spki_sha256[32];   /* of the agent's key */
	struct tobi_bytes endorse; /* may be empty; borrowed */
};

TOBI_MUST_USE enum tobi_err evidence_new(const struct evidence_setup *setup,
					 struct evidence **ret_evidence,
					 struct tobi_fault *fault);
void evidence_free(struct evidence *evidence);

/* For a session: the collection does not hold the claims-buffer. TOBI_E_LIMIT when too
 * many wait; TOBI_E_DENIED when the buffer is not one that the agent may have made: its
 * own key, and bound to a session. */
TOBI_MUST_USE enum tobi_err evidence_for_session(struct evidence *evidence,
						 struct tobi_bytes claims_buffer,
						 evidence_done_fn *done, void *context,
						 struct tobi_fault *fault);
/* For the host's verifier: a claims-buffer with this nonce is made here and goes with the
 * token. */
TOBI_MUST_USE enum tobi_err evidence_for_nonce(struct evidence *evidence,
					       struct tobi_bytes nonce,
					       evidence_done_fn *done, void *context,
					       struct tobi_fault *fault);
/* No callback with this context comes any more. */
void evidence_forget(struct evidence *evidence, const void *context);

/* What the service answered to the oldest REPORT; guest: a collection of the guest around
 * it, over the same claims, or empty. TOBI_E_PROTOCOL when none was sent. */
TOBI_MUST_USE enum tobi_err evidence_token(struct evidence *evidence,
					   struct tobi_bytes token,
					   struct tobi_bytes guest,
					   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err evidence_refused(struct evidence *evidence,
					     const struct tobi_fault *why,
					     struct tobi_fault *fault);

#endif
