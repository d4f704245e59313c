/* Where things are in an image, and measuring a root file system. For this room only. */
#ifndef TOBI_IMAGE_LAYOUT_H
#define TOBI_IMAGE_LAYOUT_H

#include "base/limits.h"
#include "image/hashtree.h"
#include "image/manifest.h"

#define IMAGE_MAGIC "TOBICHI1"

enum {
	IMAGE_HEAD = 56,
	IMAGE_MIDDLE_MAX = LIMIT_MANIFEST + LIMIT_SIGNATURES + HASHTREE_BLOCK,
};

struct image_layout {
	uint32_t manifest_size, signatures_size;
	uint64_t root_offset, root_size;
	uint64_t tree_offset, tree_size;
	uint64_t file_size;
};

/* The only layout for these sizes, which are within their limits. */
struct image_layout image_layout(uint32_t manifest_size, uint32_t signatures_size,
				 uint64_t root_size);
/* Appends header, manifest, signatures and padding. out holds at least IMAGE_HEAD +
 * IMAGE_MIDDLE_MAX. */
TOBI_MUST_USE enum tobi_err image_head_write(struct tobi_bytes manifest_bytes,
					     struct tobi_bytes signature_bytes,
					     uint64_t root_size, struct writer *out,
					     struct tobi_fault *fault);

struct root_measurement {
	uint8_t sha384[SHA384_SIZE];
	uint8_t tree_root[SHA256_SIZE];
};

/* Reads size bytes of fd from offset once; emit takes the tree's blocks. */
TOBI_MUST_USE enum tobi_err root_measure(int fd, uint64_t offset, uint64_t size,
					 hashtree_emit *emit, void *context,
					 struct root_measurement *ret_measurement,
					 struct tobi_fault *fault);

#endif
