/* System calls and constants that Debian 12's C library has no wrapper for. */
#ifndef TOBI_ISOLATE_SYS_H
#define TOBI_ISOLATE_SYS_H

#include <linux/landlock.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12 (Linux 6.1): values of the kernel's interface. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
enum { SCOPE_ABSTRACT_UNIX_SOCKET = 1, SCOPE_SIGNAL = 2 };

static inline pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

#endif
