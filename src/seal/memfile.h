/*
 * Content as a memory file that nobody can change any more: it is handed over without a
 * copy in a packet, and reading it never waits, whatever the one who gave it does.
 */
#ifndef TOBI_SEAL_MEMFILE_H
#define TOBI_SEAL_MEMFILE_H

#include "tobichi/bytes.h"
#include "tobichi/error.h"

/* Empty and not sealed yet; close() it. */
TOBI_MUST_USE enum tobi_err memfile_open(int *ret_fd, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err memfile_seal(int fd, struct tobi_fault *fault);
/* With this content, sealed. */
TOBI_MUST_USE enum tobi_err memfile_new(struct tobi_bytes content, int *ret_fd,
					struct tobi_fault *fault);
/* The size of one that came from somebody else. TOBI_E_DENIED when it is no sealed memory
 * file; TOBI_E_LIMIT over ceiling. */
TOBI_MUST_USE enum tobi_err memfile_size(int fd, size_t ceiling, size_t *ret_size,
					 struct tobi_fault *fault);

#endif
