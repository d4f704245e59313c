/* The .tobi container: reading, checking, measuring, signing (docs/PROTOCOL.md section
 * 1). */
#ifndef TOBI_IMAGE_IMAGE_H
#define TOBI_IMAGE_IMAGE_H

#include "codec/cose.h"
#include "image/manifest.h"
#include "pki/key.h"

struct image {
	struct writer bytes; /* manifest and signatures, owned */
	struct tobi_bytes manifest_bytes;
	struct tobi_bytes signature_bytes;
	struct manifest *manifest; /* owned; borrows from bytes */
	uint8_t image_id[SHA384_SIZE];
	uint8_t signers[LIMIT_SIGNERS]
		       [SHA384_SIZE]; /* ascending; each signature verified */
	size_t signer_count;
	uint64_t root_offset, root_size; /* of the EROFS in the file */
	uint64_t tree_offset, tree_size;
	uint64_t file_size;
};

/*
 * Reads header, manifest and signatures of the regular file (or memory file) fd, checks
 * them all, verifies every signature. The root file system is not read: image_measure().
 * On success image_free() it. Errors: MALFORMED, TRUNCATED, TRAILING, LIMIT, SIGNATURE
 * ...
 */
TOBI_MUST_USE enum tobi_err image_open(int fd, struct image **ret_image,
				       struct tobi_fault *fault);
/* Reads and checks the same, but neither hashes nor verifies: image_id and signers are
 * not set. Only to ask what an image says of itself before it is handed to those who open
 * it. */
TOBI_MUST_USE enum tobi_err image_read(int fd, struct image **ret_image,
				       struct tobi_fault *fault);
void image_free(struct image *image);

/*
 * Reads the root file system and the tree once and compares with the manifest: SHA-384,
 * every block of the tree, the tree's root. TOBI_E_MISMATCH names what differs.
 */
TOBI_MUST_USE enum tobi_err image_measure(int fd, const struct image *image,
					  struct tobi_fault *fault);

/*
 * Writes PATH anew with one more signature by key (replacing one by the same key). Whole
 * or not at all.
 */
TOBI_MUST_USE enum tobi_err image_sign(const char *path, EVP_PKEY *key,
				       struct tobi_fault *fault);

/*
 * Writes an image: the EROFS in root_fd (a regular file), its tree, and the manifest,
 * whose root fields are filled in here and whose lists are sorted. key: signs it, or
 * NULL. An older file at path is replaced. Whole or not at all.
 */
TOBI_MUST_USE enum tobi_err image_create(const char *path, struct manifest *manifest,
					 int root_fd, EVP_PKEY *key,
					 uint8_t ret_id[static SHA384_SIZE],
					 struct tobi_fault *fault);

#endif
