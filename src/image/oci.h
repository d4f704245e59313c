/*
 * Container images: an OCI layout (folder or archive), or what `docker save` and `podman
 * save` write. The layers fill a pack, the configuration fills a manifest.
 * docs/PACKING.md says what becomes of what.
 */
#ifndef TOBI_IMAGE_OCI_H
#define TOBI_IMAGE_OCI_H

#include "image/pack.h"

struct oci;

struct oci_request {
	const char *path;
	const char *ref;	  /* a tag or a digest; NULL: the only image */
	const char *architecture; /* as in a manifest: "x86_64" */
	const char *temporary;
	const volatile sig_atomic_t *stop; /* as for pack_new() */
};

/* What the user set, and the image's configuration does not change. */
struct oci_given {
	const char *entrypoint; /* NULL: the image's */
	bool user, directory, writable_size;
};

/* Whether a path is that of a container image, as far as its first bytes tell. */
bool oci_looks_like_image(const char *path);

/* Finds the image and reads its documents. */
TOBI_MUST_USE enum tobi_err oci_open(const struct oci_request *request,
				     struct oci **ret_oci, struct tobi_fault *fault);
void oci_free(struct oci *oci);

/* Entry point and arguments. What is in the manifest already takes the place of the
 * image's command. It borrows from oci, here and below. */
TOBI_MUST_USE enum tobi_err oci_set_program(struct oci *oci,
					    const struct oci_given *given,
					    struct manifest *manifest,
					    struct tobi_fault *fault);
/* All layers, into an empty pack. */
TOBI_MUST_USE enum tobi_err oci_unpack(struct oci *oci, struct pack *pack,
				       struct tobi_fault *fault);
/* After both: the rest of the manifest. What is in it already stays. */
TOBI_MUST_USE enum tobi_err oci_configure(struct oci *oci, const struct oci_given *given,
					  struct pack *pack, struct manifest *manifest,
					  struct tobi_fault *fault);

/* What was not kept as it was, one sentence each, for the user. */
size_t oci_notes(const struct oci *oci, const char *const **ret_notes);

#endif
