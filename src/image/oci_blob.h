/* A file of a container image that is read as its descriptor says: size and digest. For
 * this room only. */
#ifndef TOBI_IMAGE_OCI_BLOB_H
#define TOBI_IMAGE_OCI_BLOB_H

#include "image/oci_document.h"
#include "image/oci_source.h"

struct oci_blob {
	const struct oci_descriptor *descriptor;
	const char *object; /* for faults */
	struct oci_stream stream;
	struct oci_hash hash;
	uint64_t got;
};

TOBI_MUST_USE enum tobi_err oci_blob_open(const struct oci_source *source,
					  const struct oci_descriptor *descriptor,
					  const char *object, struct oci_blob *ret_blob,
					  struct tobi_fault *fault);
/* ret_size 0: the end. */
TOBI_MUST_USE enum tobi_err oci_blob_read(struct oci_blob *blob, uint8_t *out,
					  size_t room, size_t *ret_size,
					  struct tobi_fault *fault);
/* Reads what is left, and compares all of it. */
TOBI_MUST_USE enum tobi_err oci_blob_finish(struct oci_blob *blob,
					    struct tobi_fault *fault);
void oci_blob_done(struct oci_blob *blob);

/* Reads it once, and compares. */
TOBI_MUST_USE enum tobi_err oci_blob_check(const struct oci_source *source,
					   const struct oci_descriptor *descriptor,
					   const char *object, struct tobi_fault *fault);
/* The whole of a small one, compared. */
TOBI_MUST_USE enum tobi_err oci_blob_load(const struct oci_source *source,
					  const struct oci_descriptor *descriptor,
					  const char *object, struct writer *out,
					  struct tobi_fault *fault);

#endif
