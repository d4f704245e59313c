/* Files: bounded reads, writes that are whole or absent. Paths in faults are escaped. */
#ifndef TOBI_BASE_FILE_H
#define TOBI_BASE_FILE_H

#include <sys/types.h>

#include "base/secret.h"
#include "base/writer.h"

/*
 * The whole of a regular file, at most ceiling bytes, appended to out (whose own ceiling
 * holds too). object names it in faults. "-" is not special.
 */
TOBI_MUST_USE enum tobi_err file_read(const char *path, size_t ceiling,
				      const char *object, struct writer *out,
				      struct tobi_fault *fault);
/* The same into secret memory; refuses a file that others may read (mode & 077). */
TOBI_MUST_USE enum tobi_err file_read_secret(const char *path, size_t ceiling,
					     const char *object,
					     struct secret *ret_secret,
					     struct tobi_fault *fault);
/* Through a temporary file beside it, fsync and rename: whole, or the old one stays. */
TOBI_MUST_USE enum tobi_err file_write(const char *path, mode_t mode,
				       struct tobi_bytes bytes, const char *object,
				       struct tobi_fault *fault);
/* The same, but an existing file is TOBI_E_EXISTS. */
TOBI_MUST_USE enum tobi_err file_write_new(const char *path, mode_t mode,
					   struct tobi_bytes bytes, const char *object,
					   struct tobi_fault *fault);
/* All size bytes at the current position, through short writes and EINTR. */
TOBI_MUST_USE enum tobi_err fd_write_all(int fd, struct tobi_bytes bytes,
					 const char *object, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err fd_pread_all(int fd, void *out, size_t size, uint64_t offset,
					 const char *object, struct tobi_fault *fault);

#endif
