/*
 * What a detached enclave prints. It goes through a pipe into a memory file, of which the
 * newest part is kept: no file of the host holds it, a program cannot fill the host's
 * disk, and with the enclave it is gone.
 */
#ifndef PLATFORM_OUTPUT_H
#define PLATFORM_OUTPUT_H

#include <event2/event.h>

#include "tobichi/error.h"

struct output {
	int pipe, log; /* -1: none is kept */
	uint64_t size; /* of all that came */
	struct event *event;
};

void output_init(struct output *output);
/* ret_fd is the program's end, for the caller to close. */
TOBI_MUST_USE enum tobi_err output_open(struct output *output, struct event_base *base,
					int *ret_fd, struct tobi_fault *fault);
/* A read-only descriptor of the log; what was dropped is a hole at its start. */
TOBI_MUST_USE enum tobi_err output_reader(const struct output *output, int *ret_fd,
					  struct tobi_fault *fault);
/* Takes what is in the pipe now. */
void output_drain(struct output *output);
void output_done(struct output *output);

#endif
