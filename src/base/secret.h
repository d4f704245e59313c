/*
 * Memory for secrets: never in a core dump, never swapped, not copied into children,
 * wiped when freed. There is no function that prints one.
 *
 * memfd_secret(2) where the kernel has it, else locked memory with MADV_DONTDUMP and
 * MADV_WIPEONFORK; where neither works the allocation fails.
 */
#ifndef TOBI_BASE_SECRET_H
#define TOBI_BASE_SECRET_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

struct secret {
	uint8_t *ptr; /* owned; page aligned */
	size_t size;
	size_t mapped;
	bool hidden; /* in memfd_secret memory */
};

TOBI_MUST_USE enum tobi_err secret_new(size_t size, struct secret *ret_secret,
				       struct tobi_fault *fault);
/* Wipes and unmaps; accepts a zeroed one. */
void secret_done(struct secret *secret);
struct tobi_bytes secret_view(const struct secret *secret);

/* Constant time in the content; false when the sizes differ. */
bool bytes_equal_secret(struct tobi_bytes a, struct tobi_bytes b);
/* Not for secrets. */
bool bytes_equal(struct tobi_bytes a, struct tobi_bytes b);
bool bytes_equal_text(struct tobi_bytes a, const char *text);
/* Those of a text, borrowed, without its end; none of NULL. */
struct tobi_bytes bytes_of_text(const char *text);
/* As memcmp, shorter first on a common prefix. Not for secrets. */
int bytes_compare(struct tobi_bytes a, struct tobi_bytes b);
/* The only memcpy: refuses (aborts) when size > room, so that a miscount cannot pass. */
void bytes_copy(void *to, size_t room, const void *from, size_t size);

#endif
