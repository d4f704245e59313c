/* What an enclave's seal keys are derived from, and which ones it may have
 * (docs/PROTOCOL.md section 6.4). */
#ifndef PLATFORM_SEAL_KEY_H
#define PLATFORM_SEAL_KEY_H

#include "image/image.h"

enum seal_kind { SEAL_TO_IMAGE, SEAL_TO_SIGNER };

/* As the agent asks; borrows. */
struct seal_request {
	enum seal_kind kind;
	struct tobi_bytes signer; /* its id; empty for SEAL_TO_IMAGE */
	uint64_t svn;		  /* zero for SEAL_TO_IMAGE */
	struct tobi_bytes label;
};

enum { SEAL_LABEL_MAX = 64, SEAL_INFO_MAX = 256 };

/* Appends the info of the key. TOBI_E_DENIED for a key that is not this image's: of a
 * signer that did not sign it, or of a security version that it has not reached. */
TOBI_MUST_USE enum tobi_err seal_key_info(const struct image *image,
					  const struct seal_request *request,
					  struct writer *out, struct tobi_fault *fault);

#endif
