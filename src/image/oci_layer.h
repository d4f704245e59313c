/*
 * One layer: blob → unpacked → tar, with three comparisons at the end (size and digest of
 * the blob, digest of what it unpacks to). For this room only.
 */
#ifndef TOBI_IMAGE_OCI_LAYER_H
#define TOBI_IMAGE_OCI_LAYER_H

#include "image/oci_blob.h"
#include "image/oci_tar.h"

/* What may still be unpacked, of all layers together. */
struct oci_budget {
	uint64_t bytes;
	size_t entries;
};

struct oci_layer {
	const struct oci_source *source;
	const struct oci_descriptor *descriptor;
	const struct oci_digest *diff_id;
	struct oci_budget *budget;
	const volatile sig_atomic_t *stop;
	char object[32]; /* "layer 3", for faults */
};

/* One entry. The fault's field and offset are set by the reader. */
typedef enum tobi_err oci_entry_fn(void *context, struct archive *archive,
				   struct archive_entry *entry, struct tobi_fault *fault);

/* Calls take for every entry in order. An entry was taken before the digests could be
 * compared: what was made of it counts only after TOBI_OK. */
TOBI_MUST_USE enum tobi_err oci_layer_read(const struct oci_layer *layer,
					   oci_entry_fn *take, void *context,
					   struct tobi_fault *fault);

#endif
