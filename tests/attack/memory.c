/* To read or change the memory of another process. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

enum { PEEK = 32 };

/* The second argument, or where the process has its first bytes with these rights. */
static unsigned long address_of(char **arguments, const char *rights)
{
	char path[64], line[512], has[5];
	unsigned long start = 0x400000, end;
	FILE *maps;

	if (arguments[1])
		return strtoul(arguments[1], NULL, 0);
	snprintf(path, sizeof(path), "/proc/%s/maps", arguments[0]);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &start, &end, has) == 3 &&
		    strncmp(has, rights, strlen(rights)) == 0)
			break;
	}
	if (maps)
		fclose(maps);
	return start;
}

/* The victim's secrets are text; whatever else is there is shown as hexadecimal digits.
 */
static enum outcome show(const char *bytes, size_t size)
{
	char text[2 * PEEK + 1] = "";

	if (size > PEEK)
		size = PEEK;
	if (strnlen(bytes, size) == size && strspn(bytes, "0123456789abcdef") >= size)
		return worked("%.*s of its memory", (int)size, bytes);
	for (size_t i = 0; i < 8 && i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", (unsigned)(unsigned char)bytes[i]);
	return worked("%s... of its memory", text);
}

static enum outcome by_ptrace(char **arguments)
{
	pid_t pid = (pid_t)number(need(arguments, 0));
	unsigned long at = address_of(arguments, "r");
	char bytes[PEEK] = "";

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL))
		return refused("ptrace attach");
	waitpid(pid, NULL, __WALL);
	for (size_t i = 0; i < PEEK; i += sizeof(long)) {
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, at + i, NULL);
		if (errno) {
			ptrace(PTRACE_DETACH, pid, NULL, NULL);
			return worked("attached, but: %s", strerrorname_np(errno));
		}
		memcpy(bytes + i, &word, sizeof(word));
	}
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return show(bytes, PEEK);
}

static enum outcome by_vm_read(char **arguments)
{
	char bytes[PEEK] = "";
	struct iovec here = {bytes, PEEK}, there;

	need(arguments, 0);
	/* NOLINTNEXTLINE: an address of another process */
	there = (struct iovec){(void *)address_of(arguments, "r"), PEEK};
	if (process_vm_readv((pid_t)number(arguments[0]), &here, 1, &there, 1, 0) <= 0)
		return refused("process_vm_readv");
	return show(bytes, PEEK);
}

static enum outcome by_vm_write(char **arguments)
{
	char bytes[PEEK] = "";
	struct iovec here = {bytes, PEEK}, there;
	pid_t pid = (pid_t)number(need(arguments, 0));

	/* NOLINTNEXTLINE: an address of another process */
	there = (struct iovec){(void *)address_of(arguments, "rw"), PEEK};
	/* What was there goes back. */
	if (process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0)
		return refused("process_vm_readv");
	if (process_vm_writev(pid, &here, 1, &there, 1, 0) <= 0)
		return refused("process_vm_writev");
	return worked("%d bytes of its memory written", PEEK);
}

static enum outcome by_proc_mem(char **arguments)
{
	char path[64], bytes[PEEK] = "";
	unsigned long at;
	int fd;

	need(arguments, 0);
	at = address_of(arguments, "r");
	snprintf(path, sizeof(path), "/proc/%s/mem", arguments[0]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refused("open /proc/PID/mem");
	if (pread(fd, bytes, PEEK, (off_t)at) <= 0)
		return refused("read /proc/PID/mem");
	return show(bytes, PEEK);
}

/* Makes it die of a signal that dumps, and looks in its folder for what it leaves there.
 */
static enum outcome by_core(char **arguments)
{
	pid_t pid = (pid_t)number(need(arguments, 0));
	const char *folder = need(arguments, 1);
	char path[512];

	if (kill(pid, SIGABRT))
		return refused("kill");
	for (int tries = 0; tries < 100; tries++) {
		static const char *const names[] = {"core", "core.%d"};

		for (size_t i = 0; i < 2; i++) {
			char name[32];

			snprintf(name, sizeof(name), names[i], (int)pid);
			snprintf(path, sizeof(path), "%s/%s", folder, name);
			if (access(path, R_OK) == 0)
				return worked("a core dump that can be searched");
		}
		if (kill(pid, 0) && tries > 20)
			break;
		usleep(50000);
	}
	return refused_because("no core dump");
}

/* What a program leaves of itself where anybody may find it. */
static enum outcome own_core(char **arguments)
{
	const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	int status = 0;
	pid_t child;

	if (chdir(need(arguments, 0)))
		return refused("chdir");
	child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &limit);
		abort();
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status) && WCOREDUMP(status))
		return worked("its memory was dumped");
	return refused_because("RLIMIT_CORE is 0: no dump");
}

static enum outcome by_perf(char **arguments)
{
	struct perf_event_attr what = {.type = PERF_TYPE_SOFTWARE,
				       .size = sizeof(what),
				       .config = PERF_COUNT_SW_TASK_CLOCK,
				       .exclude_kernel = 1,
				       .exclude_hv = 1};
	pid_t pid = (pid_t)number(need(arguments, 0));
	int fd =
	    (int)syscall(SYS_perf_event_open, &what, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	unsigned long long count = 0;

	if (fd < 0)
		return refused("perf_event_open");
	if (read(fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return refused("read of the event");
	return worked("its events are counted");
}

/* How its memory is used: what it touches shows by what it does. */
static enum outcome by_madvise(char **arguments)
{
	int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)number(need(arguments, 0)), 0);
	/* NOLINTNEXTLINE: an address of another process */
	struct iovec there = {(void *)(address_of(arguments, "r") & ~4095ul), 4096};
	const int cold = 20;

	if (pidfd < 0)
		return refused("pidfd_open");
	if (syscall(SYS_process_madvise, pidfd, &there, 1, cold, 0) < 0)
		return refused("process_madvise");
	return worked("its pages are moved");
}

const struct attack memory_attacks[] = {
    {"ptrace", by_ptrace},     {"vm-read", by_vm_read}, {"vm-write", by_vm_write},
    {"proc-mem", by_proc_mem}, {"core", by_core},	{"own-core", own_core},
    {"perf", by_perf},	       {"madvise", by_madvise}, {NULL, NULL}};
