/* What an attester gave, as one file: the collection that `tobichi verify` takes. */
#ifndef TOBI_ATTEST_COLLECTION_H
#define TOBI_ATTEST_COLLECTION_H

#include "attest/attester.h"

/* claims_buffer may be empty: the evidence is bound to bytes of the caller's own then.
 * Errors: TOBI_E_LIMIT when it is all too much for one file; _UNSUPPORTED for a kind that
 * has no verifier here. */
TOBI_MUST_USE enum tobi_err collection_write(const struct attest_output *output,
					     struct tobi_bytes claims_buffer,
					     struct writer *out,
					     struct tobi_fault *fault);

#endif
