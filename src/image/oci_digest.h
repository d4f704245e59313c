/* Digests of container images: "sha256:HEX", "sha512:HEX". For this room only. */
#ifndef TOBI_IMAGE_OCI_DIGEST_H
#define TOBI_IMAGE_OCI_DIGEST_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum { OCI_DIGEST_TEXT = 8 + 128 };

struct oci_digest {
	const EVP_MD *method; /* NULL: there is none to compare with */
	uint8_t value[64];
	size_t size;
	char text[OCI_DIGEST_TEXT];
};

/* Lower case only, and these two algorithms only. */
bool oci_digest_parse(const char *text, struct oci_digest *ret_digest);
bool oci_digest_equal(const struct oci_digest *a, const struct oci_digest *b);

/* Hashes what goes by, and compares at the end. */
struct oci_hash {
	EVP_MD_CTX *context; /* NULL: nothing is compared */
	const struct oci_digest *expected;
};

TOBI_MUST_USE enum tobi_err oci_hash_init(const struct oci_digest *expected,
					  struct oci_hash *ret_hash,
					  struct tobi_fault *fault);
void oci_hash_done(struct oci_hash *hash);
TOBI_MUST_USE enum tobi_err oci_hash_add(struct oci_hash *hash, struct tobi_bytes bytes,
					 struct tobi_fault *fault);
/* what: "its digest", for the fault (TOBI_E_MISMATCH). */
TOBI_MUST_USE enum tobi_err oci_hash_finish(struct oci_hash *hash, const char *object,
					    const char *what, struct tobi_fault *fault);

#endif
