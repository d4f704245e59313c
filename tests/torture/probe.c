/*
 * A program inside an enclave that looks whether its wall is whole: prints "whole", or a
 * line for each thing that it can do and must not.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int holes;

static void hole(const char *what)
{
	printf("hole: %s\n", what);
	holes++;
}

/* The value of a line of /proc/self/status. */
static void status(const char *name, const char *expected)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	size_t size = strlen(name);

	if (!file) {
		hole("/proc/self/status cannot be read");
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, size) != 0 || line[size] != ':')
			continue;
		line[strcspn(line, "\n")] = 0;
		if (strcmp(line + size + 1 + strspn(line + size + 1, " \t"), expected) !=
		    0)
			hole(line);
		fclose(file);
		return;
	}
	hole(name);
	fclose(file);
}

static void only_loopback(void)
{
	FILE *file = fopen("/proc/net/dev", "re");
	char line[256];
	int lines = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (lines++ >= 2 && !strstr(line, "lo:"))
			hole("a network interface");
	}
	if (!file || lines < 3)
		hole("no list of network interfaces");
	if (file)
		fclose(file);
}

/* The root is that of the image, read-only, and nothing else is mounted below it that
 * could be written to and executed from. */
static void mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], where[1024], options[1024];
	int lines = 0;

	while (file && fgets(line, sizeof(line), file)) {
		lines++;
		if (sscanf(line, "%*s %*s %*s %*s %1023s %1023s", where, options) != 2)
			continue;
		if (strcmp(where, "/") == 0 && strncmp(options, "ro", 2) != 0)
			hole("a root that can be written to");
		if (!strstr(options, "nosuid"))
			hole("a mount that honours setuid");
		if (strncmp(options, "rw", 2) == 0 && !strstr(options, "noexec") &&
		    strncmp(where, "/dev/", 5) != 0)
			hole(where);
	}
	if (!file || lines < 2)
		hole("no list of mounts");
	if (file)
		fclose(file);
}

static void must_fail(const char *what, long result)
{
	if (result >= 0)
		hole(what);
}

static int open_for_writing(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static void attempts(void)
{
	must_fail("a file in the root", open_for_writing("/hole"));
	must_fail("the agent's memory", open("/proc/1/mem", O_RDWR | O_CLOEXEC));
	must_fail("the agent's root", open("/proc/1/root/proc", O_RDONLY | O_CLOEXEC));
	must_fail("the kernel's settings", open_for_writing("/proc/sys/kernel/hostname"));
	must_fail("the kernel's trigger", open_for_writing("/proc/sysrq-trigger"));
	must_fail("secrets that can be written", open_for_writing("/run/secrets/hole"));
	must_fail("the agent's folder that can be written",
		  open_for_writing("/run/tobichi/hole"));
	must_fail("tracing the agent", ptrace(PTRACE_SEIZE, 1, 0, 0));
	must_fail("a user namespace", unshare(CLONE_NEWUSER));
	must_fail("a mount namespace", unshare(CLONE_NEWNS));
	must_fail("a mount", mount("none", "/tmp", "tmpfs", 0, ""));
	must_fail("a packet socket", socket(AF_PACKET, SOCK_RAW, 0));
	must_fail("a key", syscall(SYS_add_key, "user", "hole", "x", 1, -3));
	must_fail("bpf", syscall(SYS_bpf, 0, NULL, 0));
	must_fail("user 0", setuid(0));
	must_fail("descriptor 3", fcntl(3, F_GETFD));
	if (getuid() == 0 || getgid() == 0)
		hole("it is user or group 0");
	if (getpid() > 32)
		hole("it is not in a process namespace of its own");
	if (prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) > 0)
		hole("it keeps capabilities");
	if (access("/root/.", R_OK) == 0)
		hole("somebody's home");
}

int main(void)
{
	status("NoNewPrivs", "1");
	status("Seccomp", "2");
	status("CapInh", "0000000000000000");
	status("CapPrm", "0000000000000000");
	status("CapEff", "0000000000000000");
	status("CapBnd", "0000000000000000");
	status("CapAmb", "0000000000000000");
	only_loopback();
	mounts();
	attempts();
	if (!holes)
		puts("whole");
	return holes ? 3 : 0;
}
