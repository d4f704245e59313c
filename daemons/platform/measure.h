/* Private copies in sealed memory: what is measured is what runs. */
#ifndef PLATFORM_MEASURE_H
#define PLATFORM_MEASURE_H

#include "image/image.h"

/* Copies the regular file into memory that nobody can change any more. */
TOBI_MUST_USE enum tobi_err measure_copy(int fd, uint64_t ceiling, const char *object,
					 int *ret_fd, struct tobi_fault *fault);
/* SHA-384 of such a copy. */
TOBI_MUST_USE enum tobi_err measure_hash(int fd, uint8_t ret_hash[static SHA384_SIZE],
					 struct tobi_fault *fault);
/*
 * Copies, opens and measures an image. The caller owns both results.
 *
 * kept_fd: the copy that was measured here last, or -1. A file that has its very bytes,
 * all of which are compared, is not copied and hashed again: its copy cannot have
 * changed. Otherwise the new copy takes its place, unless it is large. No enclave sees a
 * page of it: each has a loop device, and so a page cache, of its own.
 */
TOBI_MUST_USE enum tobi_err measure_image(int fd, int *kept_fd, int *ret_fd,
					  struct image **ret_image,
					  struct tobi_fault *fault);

#endif
