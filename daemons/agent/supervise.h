/*
 * PID 1: starts the program when its secrets are there, reaps every process, hands
 * signals on, stops, and says how it ended.
 */
#ifndef AGENT_SUPERVISE_H
#define AGENT_SUPERVISE_H

#include <event2/event.h>

#include "program.h"

struct supervisor;

struct supervisor_setup {
	struct event_base *base;
	int64_t look_ms; /* how often it looks, should a signal be lost; 0: 5 s */
	struct program_spec program; /* what it points to outlives the supervisor */
	void (*running)(void *context);
	/* The program could not be started. Once, instead of ended(). */
	void (*failed)(void *context, const struct tobi_fault *fault);
	/* status as of waitpid(); every other process is gone too. Once. */
	void (*ended)(void *context, int status);
	void *context;
};

TOBI_MUST_USE enum tobi_err supervisor_new(const struct supervisor_setup *setup,
					   struct supervisor **ret_supervisor,
					   struct tobi_fault *fault);
void supervisor_free(struct supervisor *supervisor);
/* Only the first call does anything. */
void supervisor_start(struct supervisor *supervisor);
/* To the program; before it runs, a signal that would end it ends the enclave. */
void supervisor_signal(struct supervisor *supervisor, int number);
/* TERM to the program, KILL to everything after grace seconds. */
void supervisor_stop(struct supervisor *supervisor, unsigned grace);

#endif
