/* Copies a folder of the image into writable memory. */
#ifndef TOBI_ISOLATE_COPYTREE_H
#define TOBI_ISOLATE_COPYTREE_H

#include <sys/types.h>

#include <stdbool.h>

#include "base/limits.h"
#include "tobichi/error.h"

/*
 * Makes `to` with everything below `from`: folders, regular files, symbolic links; other
 * kinds are left out. All of it belongs to uid and gid where that user is mapped. At most
 * 64 levels and 65,536 entries.
 */
TOBI_MUST_USE enum tobi_err copytree(const char *from, const char *to, uid_t uid,
				     gid_t gid, struct tobi_fault *fault);

#endif
