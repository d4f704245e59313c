/* The program that the image is for: made into a process, and why that failed. */
#ifndef AGENT_PROGRAM_H
#define AGENT_PROGRAM_H

#include <sys/types.h>

#include "image/manifest.h"

/* NULL-terminated vectors in one allocation; free(). */
struct program_vectors {
	char **arguments;   /* the manifest's, then the launch config's */
	char **environment; /* only what manifest and launch config name */
};

TOBI_MUST_USE enum tobi_err program_vectors_make(const struct manifest *manifest,
						 const struct launch_config *launch,
						 struct program_vectors *ret_vectors,
						 struct tobi_fault *fault);
void program_vectors_done(struct program_vectors *vectors);

struct program_spec {
	const struct manifest *manifest;
	const struct program_vectors *vectors;
	int stdio[3];
	uid_t uid; /* (uid_t)-1: not mapped here, the agent's is kept */
	gid_t gid;
	/* In the child, after the user was changed, before exec. */
	enum tobi_err (*confine)(const struct manifest *manifest,
				 struct tobi_fault *fault);
};

/* The process has executed the program when this returns TOBI_OK; else there is none left
 * to reap, and the fault says what is wrong with the program. */
TOBI_MUST_USE enum tobi_err program_start(const struct program_spec *spec, pid_t *ret_pid,
					  struct tobi_fault *fault);

/* After execve(path) has failed with error: what a person can do about it. */
enum tobi_err program_explain(const char *path, int error, struct tobi_fault *fault);

#endif
