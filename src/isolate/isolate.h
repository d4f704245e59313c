/*
 * The soft launcher: from a measured image to a process in its own namespaces that
 * executes the agent. Every protection that is asked for and cannot be set up is an
 * error.
 */
#ifndef TOBI_ISOLATE_ISOLATE_H
#define TOBI_ISOLATE_ISOLATE_H

#include <sys/types.h>

#include "image/image.h"

struct isolate_spec {
	const struct image *image;
	int image_fd;	/* sealed memory file that was measured */
	int agent_fd;	/* sealed memory file with the agent's executable */
	int channel_fd; /* becomes descriptor 3 of the agent */
	const char *id; /* 8 hexadecimal digits: names the cgroup and the work folder */
	const char *run_folder; /* private to the service, e.g. /run/tobichi */
};

struct isolate {
	pid_t pid; /* the agent, as seen by the host; a direct child */
	int pidfd;
	uint64_t protections; /* SOFT_* bits that the host side set up */
	/* Why the image is unpacked into memory (a literal); NULL: it is mounted. */
	const char *unpacked;
	/* opaque to callers: what has to be undone */
	struct isolate_cleanup *cleanup;
};

/* The process is running (the agent's exec has succeeded) when this returns TOBI_OK. */
TOBI_MUST_USE enum tobi_err isolate_start(const struct isolate_spec *spec,
					  struct isolate *ret_isolate,
					  struct tobi_fault *fault);
/* Kills all that is left in the enclave and removes cgroup, mounts and files. The caller
 * has reaped or reaps pid. Idempotent. */
void isolate_end(struct isolate *isolate);
/* Bytes of memory and tasks in use; zero where the host cannot say. */
void isolate_usage(const struct isolate *isolate, uint64_t *ret_memory,
		   uint64_t *ret_tasks);
/* True, with a text, when the cgroup says that the enclave ran out of memory. */
bool isolate_ran_out_of_memory(const struct isolate *isolate);

/* Removes what earlier services with this run folder left: cgroups, files. For the start
 * of the service and for the sweeper. */
void isolate_sweep(const char *run_folder);

/* What a launch lacks on this host, one line each ("no limit on CPU time: ..."); empty
 * for root where all works. Texts are appended to out, separated by newlines. isolate:
 * what that launch lacks too; NULL: none in particular. */
void isolate_lacks(const struct isolate *isolate, struct writer *out);

/* For the process that carries an enclave's bytes to one address outside: it becomes
 * nobody when it is root, reads what names are looked up with and no other file, writes
 * nowhere, executes nothing new, and dies with its parent. What it is sent comes from a
 * name server and from whoever answers. */
TOBI_MUST_USE enum tobi_err isolate_confine_courier(struct tobi_fault *fault);

/*
 * For the agent, inside: confine this process and what it starts.
 */
/* seccomp allow-list and Landlock for the program, no_new_privs, no capabilities; called
 * in the child just before exec, after the user was changed. */
TOBI_MUST_USE enum tobi_err isolate_confine_program(const struct manifest *manifest,
						    struct tobi_fault *fault);
/* The agent's own: not dumpable, few capabilities, its seccomp allow-list. Landlock is
 * for the program alone. Whoever looks up /run/secrets from here on cannot write there:
 * the agent has opened it before. */
TOBI_MUST_USE enum tobi_err isolate_confine_agent(const struct manifest *manifest,
						  uint64_t *ret_protections,
						  struct tobi_fault *fault);

/* For a signer whose keys are in a token, which is asked through a module that opens
 * files: it confines itself when the module is loaded. */
TOBI_MUST_USE enum tobi_err isolate_confine_signer(struct tobi_fault *fault);

#endif
