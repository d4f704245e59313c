/* Paths of an image, looked up so that no link in it leads out of it. */
#ifndef TOBI_ISOLATE_INROOT_H
#define TOBI_ISOLATE_INROOT_H

#include "base/limits.h"
#include "tobichi/error.h"

/*
 * The folder at path as a process would find it whose root is the folder root_fd: links
 * and ".." stay inside. Gives an O_PATH descriptor, or TOBI_E_NOT_FOUND when there is no
 * such folder; path may be absolute.
 */
TOBI_MUST_USE enum tobi_err inroot_open(int root_fd, const char *path, int *ret_fd,
					struct tobi_fault *fault);

/* Where a descriptor of inroot_open is, without links, as seen from the same root: "/"
 * for the root itself. */
TOBI_MUST_USE enum tobi_err inroot_path(int root_fd, int fd, char out[LIMIT_PATH],
					struct tobi_fault *fault);

/* A name for a descriptor that calls which want a path follow to exactly what is open. */
struct inroot_name {
	char text[48];
};
struct inroot_name inroot_name(int fd);

#endif
