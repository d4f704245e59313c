/* Limits through control groups: version 2, version 1 or both, whichever the host has. */
#ifndef TOBI_ISOLATE_CGROUP_H
#define TOBI_ISOLATE_CGROUP_H

#include <sys/types.h>

#include "base/limits.h"
#include "image/manifest.h"

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_COUNT };

struct cgroup {
	/* The enclave's own folder for each controller; empty where there is none. */
	char path[CGROUP_COUNT][LIMIT_PATH];
	bool unified[CGROUP_COUNT]; /* version 2 */
	bool host_swaps; /* swap is in use: it must be forbidden to the enclave */
};

/* Where this process may make groups: fills in the parent of each. Never fails; an empty
 * path and *why (a literal) say what is missing. proc: where the kernel tells of mounts
 * and groups, "/proc". In version 2 this process may move into the child CGROUP_ASIDE of
 * its group. */
#define CGROUP_ASIDE "tobichid"
void cgroup_find(const char *proc, struct cgroup *ret_parents,
		 const char *ret_why[CGROUP_COUNT]);

/* Makes the folder `name` in each parent, sets the limits, and gives the group. For a
 * controller without a parent the path stays empty. */
TOBI_MUST_USE enum tobi_err cgroup_make(const struct cgroup *parents, const char *name,
					const struct manifest *manifest,
					struct cgroup *ret_group,
					struct tobi_fault *fault);
/* Puts the process in, in two halves: add is for version 2. In version 1 the process,
 * while it has one thread, joins itself: a move by another one waits 10 ms and more for
 * every processor. */
TOBI_MUST_USE enum tobi_err cgroup_join(const struct cgroup *group,
					struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err cgroup_add(const struct cgroup *group, pid_t pid,
				       struct tobi_fault *fault);
/* Kills what is in it and removes the folders; false when one is still there after a
 * second, because a process in it cannot die. */
bool cgroup_remove(const struct cgroup *group);
/* Zero where it cannot be read. */
uint64_t cgroup_read(const struct cgroup *group, enum cgroup_controller controller,
		     const char *version1, const char *version2);
bool cgroup_ran_out_of_memory(const struct cgroup *group);

/* The memory that the agent may use beside the program's. */
#define CGROUP_AGENT_MEMORY (UINT64_C(64) << 20)

#endif
