/* What else one process can do to another: its files, descriptors, signals, limits. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

/* A file: its first bytes; a folder: its first name. */
static enum outcome read_path(char **arguments)
{
	const char *path = need(arguments, 0);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char bytes[33] = "";
	ssize_t size;

	if (fd < 0)
		return refused("open");
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		DIR *folder = fdopendir(fd);
		struct dirent *entry = NULL;

		do {
			errno = 0;
			entry = folder ? readdir(folder) : NULL;
		} while (entry && entry->d_name[0] == '.');
		if (entry)
			return worked("it lists %s", entry->d_name);
		return errno ? refused("readdir") : refused_because("nothing is in it");
	}
	size = read(fd, bytes, sizeof(bytes) - 1);
	if (size < 0)
		return refused("read");
	if (size == 0)
		return refused_because("it is empty");
	for (ssize_t i = 0; i < size; i++) {
		if (bytes[i] < ' ' || bytes[i] > '~')
			bytes[i] = '.';
	}
	return worked("it reads '%s'", bytes);
}

/* For a victim that must be asked about meanwhile. */
static enum outcome read_and_stay(char **arguments)
{
	if (read_path(arguments) == WORKED)
		pause();
	return REFUSED;
}

static enum outcome read_proc(char **arguments)
{
	char path[128], *one[] = {path, NULL};

	snprintf(path, sizeof(path), "/proc/%s/%s", need(arguments, 0),
		 need(arguments, 1));
	return read_path(one);
}

/* What is there stays as it is: the same bytes go back. */
static enum outcome write_path(char **arguments)
{
	const char *path = need(arguments, 0);
	char bytes[4096] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = 0;

	if (fd >= 0) {
		size = read(fd, bytes, sizeof(bytes));
		close(fd);
	} else if (errno == ENOENT) {
		return refused("open");
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return refused("open to write");
	/* An empty one takes an empty line, or nothing at all. */
	if (write(fd, size > 0 ? bytes : "\n", size > 0 ? (size_t)size : 1) < 0)
		return refused("write");
	return worked("%s takes what is written", path);
}

static enum outcome write_proc(char **arguments)
{
	char path[128], *one[] = {path, NULL};

	snprintf(path, sizeof(path), "/proc/%s/%s", need(arguments, 0),
		 need(arguments, 1));
	return write_path(one);
}

/* A new file where nobody should be able to make one. */
static enum outcome create(char **arguments)
{
	const char *path = need(arguments, 0);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return refused("open to create");
	unlink(path);
	return worked("a file is made there");
}

static enum outcome remove_path(char **arguments)
{
	return unlink(need(arguments, 0)) ? refused("unlink") : worked("it is gone");
}

/* The kernel's own way to somebody else's descriptor, and the older one. */
static enum outcome take_descriptor(char **arguments)
{
	int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)number(need(arguments, 0)), 0);
	int fd;

	if (pidfd < 0)
		return refused("pidfd_open");
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)number(need(arguments, 1)), 0);
	return fd < 0 ? refused("pidfd_getfd")
		      : worked("its descriptor %s", arguments[1]);
}

/* Takes another's channel to a service, and asks in its name. */
static enum outcome ask_in_its_name(char **arguments)
{
	int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)number(need(arguments, 0)), 0);
	char answer[64] = "";
	int fd;

	if (pidfd < 0)
		return refused("pidfd_open");
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)number(need(arguments, 1)), 0);
	if (fd < 0)
		return refused("pidfd_getfd");
	if (send(fd, "report", 6, MSG_NOSIGNAL) != 6 ||
	    recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		return refused("its channel");
	return worked("a report in its name: %s", answer);
}

/* What a parent has left open. */
static enum outcome use_descriptor(char **arguments)
{
	if (send((int)number(need(arguments, 0)), "report", 6, MSG_NOSIGNAL) != 6)
		return refused("send on the descriptor that was left open");
	return worked("a message on the parent's channel");
}

static enum outcome send_signal(char **arguments)
{
	pid_t pid = (pid_t)number(need(arguments, 0));
	int which = (int)number(need(arguments, 1));

	if (kill(pid, which))
		return refused("kill");
	/* To the first process of a PID namespace the kernel lets none of these through.
	 */
	if (pid == 1 && (which == SIGKILL || which == SIGSTOP))
		return refused_because("the kernel dropped it");
	return worked("it got signal %d", which);
}

/* Whom the kernel shall kill first when memory is short. */
static enum outcome set_oom(char **arguments)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/oom_score_adj", need(arguments, 0));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return refused("open oom_score_adj");
	if (write(fd, "1000", 4) != 4)
		return refused("write oom_score_adj");
	return worked("the kernel would kill it first");
}

static enum outcome set_limits(char **arguments)
{
	struct rlimit old;
	pid_t pid = (pid_t)number(need(arguments, 0));

	if (prlimit(pid, RLIMIT_NOFILE, NULL, &old))
		return refused("prlimit, to read");
	if (prlimit(pid, RLIMIT_NOFILE, &old, NULL))
		return refused("prlimit, to set");
	return worked("its limits are set");
}

static enum outcome set_priority(char **arguments)
{
	const int least = 19;

	if (setpriority(PRIO_PROCESS, (id_t)number(need(arguments, 0)), least))
		return refused("setpriority");
	return worked("others go before it");
}

static enum outcome compare(char **arguments)
{
	pid_t pid = (pid_t)number(need(arguments, 0));

	if (syscall(SYS_kcmp, getpid(), pid, KCMP_VM, 0, 0) < 0)
		return refused("kcmp");
	return worked("where its kernel objects lie");
}

/* What somebody else has put into its environment, or into its arguments. */
static enum outcome has_variable(char **arguments)
{
	const char *value = getenv(need(arguments, 0));

	if (!value)
		return refused_because("it has no such variable");
	if (arguments[1] && strcmp(value, arguments[1]) != 0)
		return refused_because("its variable is its own");
	return worked("%s=%s", arguments[0], value);
}

static enum outcome has_arguments(char **arguments)
{
	return arguments[0] ? worked("the argument %s", arguments[0])
			    : refused_because("it has no more arguments");
}

const struct attack process_attacks[] = {
    {"read", read_path},	 {"read-and-stay", read_and_stay},
    {"write", write_path},	 {"create", create},
    {"remove", remove_path},	 {"proc-read", read_proc},
    {"proc-write", write_proc},	 {"take-fd", take_descriptor},
    {"ask", ask_in_its_name},	 {"use-fd", use_descriptor},
    {"signal", send_signal},	 {"oom", set_oom},
    {"limits", set_limits},	 {"kcmp", compare},
    {"priority", set_priority},	 {"variable", has_variable},
    {"argument", has_arguments}, {NULL, NULL}};
