/* What has to be undone after a launch. */
#ifndef TOBI_ISOLATE_LAUNCH_H
#define TOBI_ISOLATE_LAUNCH_H

#include "isolate/cgroup.h"
#include "isolate/isolate.h"

struct isolate_cleanup {
	struct cgroup group;
	char state[LIMIT_PATH]; /* the file that tells a later sweep of this enclave */
	int slot_fd; /* holds the slot of host user ids, when launched by root; or -1 */
};

/* The folder of those files, below the run folder. */
#define ISOLATE_STATE_FOLDER "enclaves"

#endif
