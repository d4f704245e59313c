/*
 * Packing: a staging folder is filled with a program of this host and what it needs, and
 * becomes the root file system of an image.
 */
#ifndef TOBI_IMAGE_PACK_H
#define TOBI_IMAGE_PACK_H

#include <signal.h>

#include "image/manifest.h"
#include "pki/key.h"

struct pack; /* a staging folder being filled */

/* A private folder below temporary ("/tmp"). stop: once it is not zero, what goes on ends
 * with a fault and nothing is left behind; or NULL. */
TOBI_MUST_USE enum tobi_err pack_new(const char *temporary,
				     const volatile sig_atomic_t *stop,
				     struct pack **ret_pack, struct tobi_fault *fault);
/* Removes the staging folder; accepts NULL. */
void pack_free(struct pack *pack);

/*
 * Adds a file or a folder of the host, at the same path inside, or at inside when that is
 * not NULL. Symbolic links on the way and at the end are kept, and what they point to is
 * added too; links below a folder are kept as they are. Sockets, devices and pipes are
 * left out.
 */
TOBI_MUST_USE enum tobi_err pack_add(struct pack *pack, const char *path,
				     const char *inside, struct tobi_fault *fault);
/* The content of a folder becomes the root. Nothing else of the host comes in. */
TOBI_MUST_USE enum tobi_err pack_add_root(struct pack *pack, const char *folder,
					  struct tobi_fault *fault);
/*
 * Adds a program: its file, its loader and shared libraries as the host's loader finds
 * them (ld.so --list, which does not run the program), or the interpreter of a script
 * with its libraries; what docs/PACKING.md lists for it; and what the C library needs
 * (name services, accounts with this user, certificates). ret_path: the program's
 * absolute path inside, at most LIMIT_PATH bytes.
 */
TOBI_MUST_USE enum tobi_err pack_add_program(struct pack *pack, const char *program,
					     uint32_t uid, uint32_t gid, char *ret_path,
					     size_t room, struct tobi_fault *fault);
/* Writes the image; the manifest's root is filled in. key may be NULL. Here are also
 * found: the libraries of shared objects that were added, and a program that is not
 * there. */
TOBI_MUST_USE enum tobi_err pack_finish(struct pack *pack, const char *image_path,
					struct manifest *manifest, EVP_PKEY *key,
					uint8_t ret_id[static SHA384_SIZE],
					struct tobi_fault *fault);

/* What was left out because it is neither file, folder nor link: how many, and the first
 * one's path. */
size_t pack_left_out(const struct pack *pack, const char **ret_first);
/* The folders and files that were added for the program by docs/PACKING.md's table,
 * separated by spaces; "" for none. */
const char *pack_extras(const struct pack *pack);
/* There is something at the path inside. */
bool pack_has(const struct pack *pack, const char *inside);

#endif
