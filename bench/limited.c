/*
 * `limited COMMAND...`: what a bare launcher does not do by itself. The command runs in
 * control groups of its own, with the limits that an image has when nothing else is said,
 * and finds at descriptor 9 the seccomp filter that programs have in an enclave, for
 * `bwrap --seccomp 9`. `limited - COMMAND...`: the groups only. Exits as the command
 * does.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "isolate/cgroup.h"
#include "seccomp_filters.h"

enum { FILTER_FD = 9 };

static volatile pid_t child;

/* The groups are taken away when it has ended. */
static void on_term(int number)
{
	(void)number;
	kill(child, SIGKILL);
}

static int give_filter(void)
{
	int fd = memfd_create("filter", 0);

	if (fd < 0 ||
	    fd_write_all(fd,
			 (struct tobi_bytes){(const uint8_t *)filter_program,
					     sizeof(filter_program)},
			 "filter", NULL) ||
	    lseek(fd, 0, SEEK_SET) || dup2(fd, FILTER_FD) < 0)
		return -1;
	return close(fd);
}

static int run(char **command, const struct cgroup *group)
{
	int status = 0;
	pid_t pid = fork();

	child = pid;
	if (pid == 0) {
		if (cgroup_join(group, NULL) || cgroup_add(group, getpid(), NULL))
			_exit(126);
		execvp(command[0], command);
		_exit(127);
	}
	signal(SIGTERM, on_term);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

int main(int argc, char **argv)
{
	struct manifest manifest = {
	    .limits = {.memory = 512 << 20, .processes = 256, .cpu_milli = 2000}};
	bool bare = argc > 1 && strcmp(argv[1], "-") == 0;
	struct cgroup parents, group = {0};
	const char *why[CGROUP_COUNT];
	char name[32];
	int status;

	if (argc < 2 + bare)
		return 2;
	cgroup_find("/proc", &parents, why);
	snprintf(name, sizeof(name), "bench-%d", (int)getpid());
	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		if (why[i])
			fprintf(stderr, "limited: no limit: %s\n", why[i]);
	}
	if (cgroup_make(&parents, name, &manifest, &group, NULL) ||
	    (!bare && give_filter()))
		return 126;
	status = run(argv + 1 + bare, &group);
	/* Nobody waits for that, as nobody waits for it after an enclave. */
	if (fork() == 0)
		_exit(!cgroup_remove(&group));
	return status;
}
