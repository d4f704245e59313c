/*
 * The courier: a process of the service for one connection out of an enclave. It looks
 * the name up, connects, and carries bytes between that connection and a Unix socket,
 * whose other end is the enclave's. So nothing inside an enclave, not even its agent,
 * ever holds a socket of the host's network: a connected one could be connected anew, to
 * anywhere.
 */
#ifndef PLATFORM_COURIER_H
#define PLATFORM_COURIER_H

#include "tobichi/error.h"

enum {
	COURIER_FD = 3,			/* its channel to the service */
	COURIER_CONNECT_MS = 10 * 1000, /* for one address to answer */
	LIMIT_COURIER = 4096,		/* a packet on the channel */
	COURIER_FAULT = 13, /* the kind of a packet that says why there is none */
};

/*
 * In a new process, executed with descriptor 3 alone: reports to the service, as a packet
 * of one byte with the enclave's end of the socket, or as a FAULT; then carries until
 * either end is over, or the service is. The exit status.
 */
int courier_run(const char *host, const char *port);

/* Connects to host:port: the first address that answers. The socket is non-blocking. */
TOBI_MUST_USE enum tobi_err courier_connect(const char *host, const char *port,
					    int timeout_ms, int *ret_fd,
					    struct tobi_fault *fault);

#endif
