/*
 * Layers become a file tree. Each layer is read twice: first it is compared with its
 * digests and what it hides of the layers below is removed, then what it has is added. So
 * a whiteout never meets a file of its own layer, in whatever order they come, and
 * nothing is written of a layer that is not the one that was named. For this room only.
 */
#ifndef TOBI_IMAGE_OCI_APPLY_H
#define TOBI_IMAGE_OCI_APPLY_H

#include "image/oci_layer.h"
#include "image/stage.h"

/* Something that was not kept: how often, and the first. */
struct oci_dropped {
	size_t count;
	char first[128];
};

struct oci_tree {
	struct stage *stage;
	struct oci_dropped special;	 /* devices, pipes, sockets */
	struct oci_dropped set_id;	 /* set-user-id and set-group-id bits of files */
	struct oci_dropped capabilities; /* security.capability */
	struct oci_dropped attributes;	 /* other extended attributes, ACLs */
};

TOBI_MUST_USE enum tobi_err oci_apply_layer(const struct oci_layer *layer,
					    struct oci_tree *tree,
					    struct tobi_fault *fault);

#endif
