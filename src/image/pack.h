/*
 * Packing: a staging folder is filled with a program of this host and what it needs, and
 * becomes the root file system of an image.
 */
#ifndef TOBI_IMAGE_PACK_H
#define TOBI_IMAGE_PACK_H

#include "image/manifest.h"
#include "pki/key.h"

struct pack; /* a staging folder being filled */

/* A private folder below temporary ("/tmp"), with the folders that every image has. */
TOBI_MUST_USE enum tobi_err pack_new(const char *temporary, struct pack **ret_pack,
				     struct tobi_fault *fault);
/* Removes the staging folder; accepts NULL. */
void pack_free(struct pack *pack);

/* Adds a file or a folder of the host, at the same path inside, or at inside when that is
 * not NULL. Symbolic links on the way and at the end are kept, and what they point to is
 * added too. Sockets and devices are left out. */
TOBI_MUST_USE enum tobi_err pack_add(struct pack *pack, const char *path,
				     const char *inside, struct tobi_fault *fault);
/* The content of a folder becomes the root. */
TOBI_MUST_USE enum tobi_err pack_add_root(struct pack *pack, const char *folder,
					  struct tobi_fault *fault);
/*
 * Adds a program: its file, its loader and shared libraries as the host's loader finds
 * them (ld.so --list, which does not run the program), or the interpreter of a script
 * with its libraries; and what the C library needs (name services, accounts,
 * certificates). ret_path: the program's absolute path inside, at most LIMIT_PATH bytes.
 */
TOBI_MUST_USE enum tobi_err pack_add_program(struct pack *pack, const char *program,
					     char *ret_path, size_t room,
					     struct tobi_fault *fault);
/* Writes the image; the manifest's root is filled in. key may be NULL. */
TOBI_MUST_USE enum tobi_err pack_finish(struct pack *pack, const char *image_path,
					struct manifest *manifest, EVP_PKEY *key,
					uint8_t ret_id[static SHA384_SIZE],
					struct tobi_fault *fault);

#endif
