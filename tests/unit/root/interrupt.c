#include "tests/unit/root/interrupt.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"

static enum interrupt mode;
static unsigned left;

void interrupt_at(enum interrupt how, unsigned step)
{
	mode = how;
	left = step;
}

bool interrupt_waits(void)
{
	return left > 0;
}

static bool fails(void)
{
	if (mode == INTERRUPT_NONE || left == 0 || --left > 0)
		return false;
	if (mode == INTERRUPT_KILL)
		_exit(INTERRUPT_KILLED);
	errno = ENOSPC;
	return true;
}

#define WRAP(name, parameters, arguments)                                                \
	int __real_##name parameters;                                                    \
	int __wrap_##name parameters;                                                    \
	int __wrap_##name parameters                                                     \
	{                                                                                \
		return fails() ? -1 : __real_##name arguments;                           \
	}

WRAP(rename, (const char *from, const char *to), (from, to))
WRAP(link, (const char *from, const char *to), (from, to))
WRAP(unlink, (const char *path), (path))
WRAP(rmdir, (const char *path), (path))
WRAP(mkdir, (const char *path, mode_t mode_bits), (path, mode_bits))
WRAP(fsync, (int fd), (fd))
WRAP(mkostemp, (char *path, int flags), (path, flags))

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	return fails() ? -1 : __real_write(fd, bytes, size);
}

int interrupt_in_child(unsigned step, int (*run)(void))
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		interrupt_at(INTERRUPT_KILL, step);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}
