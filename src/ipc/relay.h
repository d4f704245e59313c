/*
 * Bytes both ways between two connected stream sockets, without a loop of its own: the
 * caller polls and gives turns. An end of file is passed on with shutdown(2), and the
 * other direction goes on.
 */
#ifndef TOBI_IPC_RELAY_H
#define TOBI_IPC_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tobichi/error.h"

/* One direction: filled when empty, so nothing is ever moved inside it. */
struct relay_flow {
	uint8_t *bytes;
	size_t start, end;
	bool over;   /* its source has ended */
	bool closed; /* and its target was told */
};

struct relay {
	int fds[2];		    /* owned; non-blocking */
	struct relay_flow flows[2]; /* out of fds[0], out of fds[1] */
};

enum relay_state {
	RELAY_WAITS, /* for the events that it names */
	RELAY_BUSY,  /* there is more to do after the others' turn */
	RELAY_OVER,  /* both directions have ended in order */
	RELAY_FAILED,
};

/* The descriptors are the relay's, on failure too. TOBI_E_MEMORY. */
TOBI_MUST_USE enum tobi_err relay_init(struct relay *relay, int first, int second,
				       struct tobi_fault *fault);
/* Wipes what was not passed on, and closes; idempotent. After a failure a TCP peer sees a
 * reset, not an end. */
void relay_done(struct relay *relay, bool failed);
/* Moves what can be moved. ret_events: POLLIN and POLLOUT to wait for, of each. */
enum relay_state relay_turn(struct relay *relay, short ret_events[static 2]);

#endif
