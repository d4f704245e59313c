/*
 * Whether evidence is bound to what was asked for. A verifier looks again, and at more;
 * this is so that an answer to somebody else's question is not handed on.
 */
#ifndef TOBI_ATTEST_ECHO_H
#define TOBI_ATTEST_ECHO_H

#include "attest/attester.h"

/* kind: a name of tee_verifier_named(). Errors: TOBI_E_MISMATCH; those of evidence that
 * cannot be read as its kind; TOBI_E_UNSUPPORTED for a kind without a rule here. */
TOBI_MUST_USE enum tobi_err echo_check(const char *kind, struct tobi_bytes evidence,
				       const struct attest_request *request,
				       struct tobi_fault *fault);

#endif
