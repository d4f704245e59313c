/*
 * The desk: the agent's socket for the programs of its enclave (docs/PROTOCOL.md section
 * 11). Who connects asks one thing, and waits for its turn.
 *
 * The agent seals and opens by itself: a key of this image never leaves it, so that a
 * program which is taken over later cannot have kept one. Nobody who connects can make
 * the agent's loop wait: sockets do not block, content comes in memory files that are
 * sealed against changes, and large ones are worked through in slices.
 */
#ifndef AGENT_DESK_H
#define AGENT_DESK_H

#include <event2/event.h>
#include <sys/types.h>

#include "seal_job.h"

enum { DESK_VISITORS = 16, DESK_IDLE_MS = 10000 };

struct counter_wanted {
	bool increment;
	enum tobi_seal_to to;
	struct tobi_bytes signer, name;
};

struct desk_setup {
	struct event_base *base;
	const char *folder; /* the socket's; ASK_FOLDER */
	uid_t uid;	    /* whose programs may ask; (uid_t)-1: only the agent's own */
	gid_t gid;
	const struct seal_identity *identity;
	int idle_ms; /* for a visitor that says nothing */
	/* Before each object: what it needs of the agent is there. */
	enum tobi_err (*begin)(void *begin_context, struct tobi_fault *fault);
	void *begin_context;
	/* Send KEY and COUNTER: one at a time, and what is answered is handed back below.
	 * What they are given lives until they return. */
	void (*ask_key)(void *context, const struct key_wanted *wanted);
	void (*ask_counter)(void *context, const struct counter_wanted *wanted);
	/* Counters that are kept elsewhere: any number at once, answered by
	 * desk_counted(). NULL: they are the service's. */
	void (*count)(void *count_context, uint64_t number,
		      const struct counter_wanted *wanted);
	void *count_context;
	/* A session out of the enclave: any number at once. Answered by
	 * desk_connected(), now or later. */
	void (*connect)(void *context, uint64_t number, struct tobi_bytes target,
			struct tobi_bytes policy);
	void *connect_context;
	/* PEER: who is behind a connection. What is told is borrowed until the next one;
	 * the memory file is the desk's. */
	enum tobi_err (*peer)(void *peer_context, const struct ask *ask,
			      struct peer_told *ret_told, int *ret_collection,
			      struct tobi_fault *fault);
	void *peer_context;
	void *context;
};

struct desk;

/* Makes the socket, and listens. */
TOBI_MUST_USE enum tobi_err desk_new(const struct desk_setup *setup,
				     struct desk **ret_desk, struct tobi_fault *fault);
void desk_free(struct desk *desk);

/* What the service answered. TOBI_E_PROTOCOL when it was not asked for that. */
TOBI_MUST_USE enum tobi_err desk_key(struct desk *desk,
				     const uint8_t key[static SEAL_KEY_SIZE],
				     struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err desk_counter(struct desk *desk,
					 const struct tobi_counter *counter,
					 struct tobi_fault *fault);
/* What count() has led to; why NULL: a counter. Nothing happens when who asked has gone.
 */
void desk_counted(struct desk *desk, uint64_t number, const struct tobi_counter *counter,
		  const struct tobi_fault *why);
/* Two descriptors, which are this function's from now on; or why there are none. Nothing
 * happens when who asked has gone. */
void desk_connected(struct desk *desk, uint64_t number, const int *fds,
		    const struct tobi_fault *why);
TOBI_MUST_USE enum tobi_err desk_refused(struct desk *desk, const struct tobi_fault *why,
					 struct tobi_fault *fault);

#endif
