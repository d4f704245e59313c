/* The signatures of an image (docs/PROTOCOL.md section 1.2). */
#ifndef TOBI_IMAGE_SIGNATURES_H
#define TOBI_IMAGE_SIGNATURES_H

#include "base/limits.h"
#include "pki/key.h"

struct signature {
	struct tobi_bytes spki, cose; /* borrowed */
	uint8_t signer[SHA384_SIZE];
};

/*
 * Reads the array and verifies every signature over the manifest's bytes. ret_list has
 * room for LIMIT_SIGNERS. Errors: the decoder's, SIGNATURE, UNSUPPORTED, MALFORMED.
 */
TOBI_MUST_USE enum tobi_err signatures_parse(struct tobi_bytes bytes,
					     struct tobi_bytes manifest_bytes,
					     struct signature *ret_list,
					     size_t *ret_count, struct tobi_fault *fault);
/*
 * Appends the array: the count signatures of list, and one more by key (NULL: no more),
 * which replaces one by the same key. TOBI_E_LIMIT above LIMIT_SIGNERS.
 */
TOBI_MUST_USE enum tobi_err signatures_write(const struct signature *list, size_t count,
					     EVP_PKEY *key,
					     struct tobi_bytes manifest_bytes,
					     struct writer *out,
					     struct tobi_fault *fault);

#endif
