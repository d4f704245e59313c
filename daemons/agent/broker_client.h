/*
 * What the agent asks of the broker that its launch names (docs/PROTOCOL.md section
 * 18.2): one request, in an attested session of its own, in which this enclave shows its
 * evidence and the broker that it is the one that was named.
 */
#ifndef AGENT_BROKER_CLIENT_H
#define AGENT_BROKER_CLIENT_H

#include "base/writer.h"

struct broker_client;

struct broker_call {
	const char *method; /* "GET", "POST"; a literal */
	const char *path;   /* copied; of RFC 3986's path characters only */
	/* Copied, and wiped when it was sent. */
	struct tobi_bytes body;
	size_t reply_limit; /* a longer reply is TOBI_E_LIMIT */
	/* Called once, from the loop, unless the client is freed before. why NULL: the
	 * broker has answered with this status; body is borrowed, and wiped after it.
	 * Else there was no answer. */
	void (*done)(void *context, int status, struct tobi_bytes body,
		     const struct tobi_fault *why);
	void *context;
};

/* Fails at once, and then done() is not called: TOBI_E_NOT_FOUND (the launch names no
 * broker), _ARGUMENT (a path that is none), _LIMIT (too many at once), _MEMORY. */
TOBI_MUST_USE enum tobi_err broker_client_call(struct broker_client *client,
					       const struct broker_call *call,
					       struct tobi_fault *fault);

#endif
