/* The parts of evidence as files, for other tools. */
#ifndef CLI_EXTRACT_H
#define CLI_EXTRACT_H

#include "tobichi/bytes.h"
#include "tobichi/error.h"

/* A TPM's quote into a folder, which is made when it is not there: quote.attest,
 * quote.signature, quote.pcrs, quote.extra, ak.pem, as tpm2_checkquote(1) takes them.
 * Says nothing of whether they are right. TOBI_E_NOT_FOUND: there is no quote. */
TOBI_MUST_USE enum tobi_err extract_tpm(struct tobi_bytes evidence, const char *folder,
					struct tobi_fault *fault);

#endif
