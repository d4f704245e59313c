/* Ending an enclave, and sweeping up after a service that could not. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "isolate/launch.h"
#include "isolate/sys.h"

void isolate_end(struct isolate *isolate)
{
	/* PID 1 of its namespace takes all others with it. */
	if (isolate->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, isolate->pidfd, SIGKILL, NULL, 0);
	fd_close(&isolate->pidfd);
	if (!isolate->cleanup)
		return;
	/* What could not be removed stays written down, for a later sweep. */
	if (cgroup_remove(&isolate->cleanup->group) && isolate->cleanup->state[0])
		unlink(isolate->cleanup->state);
	/* Last: nobody else gets the ids while something may run under them. */
	fd_close(&isolate->cleanup->slot_fd);
	free(isolate->cleanup);
	isolate->cleanup = NULL;
}

void isolate_usage(const struct isolate *isolate, uint64_t *ret_memory,
		   uint64_t *ret_tasks)
{
	*ret_memory = *ret_tasks = 0;
	if (!isolate->cleanup)
		return;
	*ret_memory = cgroup_read(&isolate->cleanup->group, CGROUP_MEMORY,
				  "memory.usage_in_bytes", "memory.current");
	*ret_tasks = cgroup_read(&isolate->cleanup->group, CGROUP_PIDS, "pids.current",
				 "pids.current");
}

bool isolate_ran_out_of_memory(const struct isolate *isolate)
{
	return isolate->cleanup && cgroup_ran_out_of_memory(&isolate->cleanup->group);
}

/* A state file is our own, but a folder may have been tampered with: only groups with our
 * name are touched. */
static void sweep_one(const char *path)
{
	char line[LIMIT_PATH + 2];
	FILE *file = fopen(path, "re");
	bool gone = true;

	while (file && fgets(line, sizeof(line), file)) {
		struct cgroup group = {0};
		const char *name;

		line[strcspn(line, "\n")] = 0;
		name = strrchr(line, '/');
		if (!name || strncmp(name, "/tobichi-", strlen("/tobichi-")) != 0 ||
		    strstr(line, "/../"))
			continue;
		snprintf(group.path[0], sizeof(group.path[0]), "%s", line);
		gone = cgroup_remove(&group) && gone;
	}
	if (file)
		fclose(file);
	if (gone)
		unlink(path);
}

void isolate_sweep(const char *run_folder)
{
	char folder[LIMIT_PATH], path[2 * LIMIT_PATH];
	struct dirent *entry;
	DIR *open_folder;

	snprintf(folder, sizeof(folder), "%s/" ISOLATE_STATE_FOLDER, run_folder);
	open_folder = opendir(folder);
	while (open_folder && (entry = readdir(open_folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		sweep_one(path);
		/* Of a start that was killed while it opened its loop device. */
		snprintf(path, sizeof(path), "%s/loop-%s", run_folder, entry->d_name);
		unlink(path);
	}
	if (open_folder)
		closedir(open_folder);
	rmdir(folder);
}

static void lack(struct writer *out, const char *what, const char *why)
{
	wr_printf(out, "%s%s%s%s", wr_view(out).size ? "\n" : "", what, why ? ": " : "",
		  why ? why : "");
}

void isolate_lacks(const struct isolate *isolate, struct writer *out)
{
	static const char *const what[CGROUP_COUNT] = {
	    "no limit on memory", "no limit on processes", "no limit on CPU time"};
	bool by_root = geteuid() == 0;
	struct cgroup parents = {0};
	const char *why[CGROUP_COUNT] = {NULL};

	cgroup_find("/proc", &parents, why);
	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		if (why[i])
			lack(out, what[i], why[i]);
	}
	if (why[CGROUP_MEMORY] && parents.host_swaps)
		lack(out, "the host may write the enclave's memory to its swap", NULL);
	if (isolate && isolate->unpacked)
		lack(out, "the image is unpacked into memory", isolate->unpacked);
	if (by_root)
		return;
	lack(out, "the program and its agent share your user id inside", NULL);
	lack(out, "other processes of yours can look into the enclave and change it",
	     NULL);
}
