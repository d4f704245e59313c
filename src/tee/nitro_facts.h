/* What a document of AWS Nitro says, as claims and for people. */
#ifndef TOBI_TEE_NITRO_FACTS_H
#define TOBI_TEE_NITRO_FACTS_H

#include "tee/nitro_document.h"
#include "tee/tee.h"

/* Nothing in the claims borrows from the document. TOBI_E_MEMORY. */
TOBI_MUST_USE enum tobi_err nitro_take_claims(const struct nitro_document *document,
					      enum nitro_kind kind, struct arena *arena,
					      struct tee_claims *claims,
					      struct tobi_fault *fault);

#endif
