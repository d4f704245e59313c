/*
 * A large file that appears whole or not at all. Until it is kept it has no name where
 * the file system allows that, so that a killed process leaves nothing behind.
 */
#ifndef TOBI_IMAGE_NEWFILE_H
#define TOBI_IMAGE_NEWFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/writer.h"

struct new_file {
	int fd;	    /* for reading and writing */
	char *path; /* owned */
	char *temp; /* owned; NULL while the file has no name */
};

/* In the folder of path. On success new_file_done() it, kept or not. */
TOBI_MUST_USE enum tobi_err new_file_open(const char *path, mode_t mode,
					  struct new_file *ret_file,
					  struct tobi_fault *fault);
/* Syncs it and gives it its name. replace false: an existing file is TOBI_E_EXISTS. */
TOBI_MUST_USE enum tobi_err new_file_keep(struct new_file *file, bool replace,
					  struct tobi_fault *fault);
void new_file_done(struct new_file *file);
/* To the end of what was written. */
TOBI_MUST_USE enum tobi_err new_file_write(struct new_file *file, struct tobi_bytes bytes,
					   struct tobi_fault *fault);
/* size bytes of from, at from_offset, to the end of what was written. */
TOBI_MUST_USE enum tobi_err new_file_copy(struct new_file *file, int from,
					  uint64_t from_offset, uint64_t size,
					  struct tobi_fault *fault);

#endif
