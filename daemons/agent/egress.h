/*
 * The ways out: for each egress of the manifest a port on the enclave's loopback, which
 * only the program can reach. A connection to it is carried to that one target, over a
 * socket that the service gives: as plain bytes, or in attested TLS to an enclave that
 * meets the entry's policy, in which this agent attests too when the peer asks for it.
 */
#ifndef AGENT_EGRESS_H
#define AGENT_EGRESS_H

#include "atls/conn.h"
#include "evidence.h"
#include "image/manifest.h"

struct egress;

struct egress_setup {
	struct event_base *base;
	const struct manifest *manifest;
	/* One for each of the manifest's egress; tls NULL: plain bytes. Borrowed. */
	const struct atls_endpoint *endpoints;
	struct evidence *evidence;
	size_t max_sessions;
	int64_t idle_ms;  /* after so long without data a session may make room */
	int64_t retry_ms; /* before asking again, when the service has no room */
	/* Sends CONNECT; entry is the number of the manifest's egress. No more than
	 * LIMIT_EGRESS_DIALING wait for an answer. */
	void (*connect)(void *context, uint64_t request, size_t entry);
	/* A connection has failed: the program sees only that it is gone. */
	void (*failed)(void *context, const struct tobi_fault *fault);
	/* No session is left. */
	void (*idle)(void *context);
	/* What egress_open() has led to: the session's stream, and a pipe that says how
	 * it ended (one byte: in order), both the callee's; or why there is none. */
	void (*opened)(void *context, uint64_t number, const int fds[static 2]);
	void (*refused)(void *context, uint64_t number, const struct tobi_fault *why);
	const struct atls_endpoint *like; /* whose key these sessions have */
	void *context;
	void *idle_context; /* of idle() alone */
};

TOBI_MUST_USE enum tobi_err egress_new(const struct egress_setup *setup,
				       struct egress **ret_egress,
				       struct tobi_fault *fault);
void egress_free(struct egress *egress);
/* A port on 127.0.0.1 for each entry. Before the program is started: nobody else has
 * taken one. */
TOBI_MUST_USE enum tobi_err egress_listen(struct egress *egress,
					  struct tobi_fault *fault);
/*
 * A session that the program has asked for by name, without a port: with a target that
 * the manifest lists, in attested TLS by the manifest's policy; where that lists plain
 * bytes, by this one. opened() or refused() is called with the number, unless this
 * fails: TOBI_E_DENIED (not listed, or another policy than the image's), _ARGUMENT (no
 * policy at all), _LIMIT, and the policy's own.
 */
TOBI_MUST_USE enum tobi_err egress_open(struct egress *egress, uint64_t number,
					struct tobi_bytes target,
					struct tobi_bytes policy,
					struct tobi_fault *fault);
/* The service's answer to a CONNECT: fd is this function's from now on, or -1 and why.
 * TOBI_E_PROTOCOL for a request that is not open. */
TOBI_MUST_USE enum tobi_err egress_connected(struct egress *egress, uint64_t request,
					     int fd, const struct tobi_fault *why,
					     struct tobi_fault *fault);
/* No new connections; those that are open may end by themselves. */
void egress_close(struct egress *egress);
bool egress_is_idle(const struct egress *egress);

#endif
