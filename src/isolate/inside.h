/* Between the launcher's two sides: what the new process is told, and what it does. */
#ifndef TOBI_ISOLATE_INSIDE_H
#define TOBI_ISOLATE_INSIDE_H

#include "isolate/cgroup.h"
#include "isolate/isolate.h"

/* What the new process has when it starts (it is a copy of the launcher). */
struct inside {
	const struct isolate_spec *spec;
	int sync_fd;  /* packets: the launcher says go, with the mounted root or none */
	int fault_fd; /* a struct tobi_fault if anything fails; closed by the agent's exec
		       */
	bool by_root;
	const struct cgroup *group;
};

/* Never returns. */
_Noreturn void inside_run(const struct inside *inside);

/*
 * Makes the enclave's file tree and moves into it. root_fd: the detached mount of the
 * image, or -1: the image's content is unpacked into memory.
 */
TOBI_MUST_USE enum tobi_err mounts_enter(const struct isolate_spec *spec, int root_fd,
					 struct tobi_fault *fault);

/* Unpacks the measured file system into the folder, in a process that can write nowhere
 * else: what it reads comes from whoever made the image. */
TOBI_MUST_USE enum tobi_err unpack_image(const struct isolate_spec *spec,
					 const char *folder, struct tobi_fault *fault);
/* For that process: it reads programs and libraries, writes below the folder, and has the
 * calls of a program. */
TOBI_MUST_USE enum tobi_err confine_unpacker(const char *folder,
					     struct tobi_fault *fault);

#endif
