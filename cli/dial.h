/* TCP connections to one target: its name is looked up once, and no other session waits
 * for a connection that is under way. */
#ifndef CLI_DIAL_H
#define CLI_DIAL_H

#include <sys/socket.h>

#include <event2/event.h>

#include "tobichi/error.h"

/* The address that has answered; size 0 before. */
struct dial_target {
	struct sockaddr_storage address;
	socklen_t size;
};

/*
 * Looks host up, and tries each address in turn on the loop, until one answers or
 * *interrupted. The socket is non-blocking. TOBI_E_NOT_FOUND, _SYSTEM, _TIMEOUT, _MEMORY;
 * TOBI_E_DENIED: interrupted.
 */
TOBI_MUST_USE enum tobi_err dial_first(struct event_base *base, const bool *interrupted,
				       const char *host, const char *port,
				       struct dial_target *ret_target, int *ret_fd,
				       struct tobi_fault *fault);
/* The same address again, at once: the connection may still be under way, and fails when
 * the socket is first used. */
TOBI_MUST_USE enum tobi_err dial_again(const struct dial_target *target, int *ret_fd,
				       struct tobi_fault *fault);

#endif
