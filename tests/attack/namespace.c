/* New namespaces, and others'. A user namespace gives all capabilities in itself, and so
 * the parts of the kernel that ask for them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

static const struct {
	const char *name;
	int flag;
} kinds[] = {{"user", CLONE_NEWUSER},	 {"mnt", CLONE_NEWNS},	{"pid", CLONE_NEWPID},
	     {"net", CLONE_NEWNET},	 {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
	     {"cgroup", CLONE_NEWCGROUP}};

static int flag_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].flag;
	}
	return 0;
}

static enum outcome by_unshare(char **arguments)
{
	if (unshare(flag_of(need(arguments, 0))))
		return refused("unshare");
	return worked("a %s namespace of its own", arguments[0]);
}

static enum outcome by_clone(char **arguments)
{
	long child = syscall(SYS_clone, flag_of(need(arguments, 0)) | SIGCHLD, NULL, NULL,
			     NULL, NULL);

	if (child == 0)
		_exit(0);
	if (child < 0)
		return refused("clone");
	waitpid((pid_t)child, NULL, 0);
	return worked("a %s namespace of its own", arguments[0]);
}

static enum outcome by_clone3(char **arguments)
{
	struct clone_args what = {.flags = (unsigned)flag_of(need(arguments, 0)),
				  .exit_signal = SIGCHLD};
	long child = syscall(SYS_clone3, &what, sizeof(what));

	if (child == 0)
		_exit(0);
	if (child < 0)
		return refused("clone3");
	waitpid((pid_t)child, NULL, 0);
	return worked("a %s namespace of its own", arguments[0]);
}

/* Into another process's. */
static enum outcome enter(char **arguments)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", need(arguments, 0),
		 need(arguments, 1));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refused("open of its namespace");
	/* One's own user namespace is refused to everybody: it answers whoever may. */
	if (setns(fd, 0) && errno != EINVAL)
		return refused("setns");
	return worked("into its %s namespace", arguments[1]);
}

/* By a descriptor of the process, not of /proc. */
static enum outcome enter_process(char **arguments)
{
	int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)number(need(arguments, 0)), 0);

	if (pidfd < 0)
		return refused("pidfd_open");
	if (setns(pidfd, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS))
		return refused("setns");
	return worked("into its namespaces");
}

const struct attack namespace_attacks[] = {
    {"unshare", by_unshare},	    {"clone", by_clone},
    {"clone3", by_clone3},	    {"setns", enter},
    {"setns-pidfd", enter_process}, {NULL, NULL}};
