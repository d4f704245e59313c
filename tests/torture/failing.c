#include "tests/torture/failing.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* glibc's own, behind the names that are taken here for every library of the process. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static unsigned long wanted, made;
static bool counts, happened;
static long live;

bool failing_now(void)
{
	if (!counts || ++made != wanted)
		return false;
	happened = true;
	errno = ENOMEM;
	return true;
}

static void *alive(void *block)
{
	if (block)
		live++;
	return block;
}

void failing_start(unsigned long number)
{
	wanted = number;
	made = 0;
	happened = false;
	counts = true;
}

unsigned long failing_stop(void)
{
	counts = false;
	return made;
}

bool failing_happened(void)
{
	return happened;
}

bool failing_pause(void)
{
	bool counted = counts;

	counts = false;
	return counted;
}

void failing_resume(bool counted)
{
	counts = counted;
}

long failing_live(void)
{
	return live;
}

/* For the libraries too, not only for this program. */
#pragma GCC visibility push(default)

void *malloc(size_t size)
{
	return failing_now() ? NULL : alive(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return failing_now() ? NULL : alive(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
	void *moved;

	if (failing_now())
		return NULL;
	moved = __libc_realloc(block, size);
	if (!block)
		alive(moved);
	else if (size == 0 && !moved)
		live--;
	return moved;
}

void *reallocarray(void *block, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(block, count * size);
}

void *memalign(size_t alignment, size_t size)
{
	return failing_now() ? NULL : alive(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
	void *block = memalign(alignment, size);

	if (!block)
		return ENOMEM;
	*ret_block = block;
	return 0;
}

void free(void *block)
{
	if (block)
		live--;
	__libc_free(block);
}

#pragma GCC visibility pop
