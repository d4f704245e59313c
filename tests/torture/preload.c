/*
 * For LD_PRELOAD: lets one allocation of one process fail, as the file that
 * TORTURE_CONTROL names says (struct control, native byte order). libevent's own are left
 * alone (failing_event.c says why).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

struct control {
	uint64_t pid;	 /* whose allocations count; 0: nobody's */
	uint64_t wanted; /* the number of the one that fails */
	uint64_t made;
};

static struct control *control;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("TORTURE_CONTROL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared = fd < 0 ? MAP_FAILED
			      : mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, 0);

	if (shared != MAP_FAILED)
		control = shared;
	if (fd >= 0)
		close(fd);
}

static bool is_libevent(const void *caller)
{
	static __thread bool inside;
	Dl_info info;
	bool found;

	if (inside)
		return true; /* dladdr()'s own */
	inside = true;
	found = dladdr(caller, &info) && info.dli_fname &&
		strstr(info.dli_fname, "/libevent");
	inside = false;
	return found;
}

static bool fails(const void *caller)
{
	if (!control || control->pid != (uint64_t)getpid() || is_libevent(caller) ||
	    ++control->made != control->wanted)
		return false;
	errno = ENOMEM;
	return true;
}

#pragma GCC visibility push(default)

void *malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(block, size);
}

#pragma GCC visibility pop
