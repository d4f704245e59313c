/*
 * What the agent asks of the broker that its launch names (docs/PROTOCOL.md section
 * 18.2): one request, in an attested session of its own, in which this enclave shows its
 * evidence and the broker that it is the one that was named.
 */
#ifndef AGENT_BROKER_CLIENT_H
#define AGENT_BROKER_CLIENT_H

#include "atls/conn.h"
#include "base/writer.h"
#include "evidence.h"

struct broker_client;

/* Requests of CONNECT from here on are the broker client's. */
#define BROKER_REQUESTS (UINT64_C(1) << 62)

enum {
	BROKER_CALLS = 4,	 /* at once */
	BROKER_CALL_MS = 60000,	 /* all of one call */
	BROKER_BODY = 256 << 10, /* of a request */
};

struct broker_client_setup {
	struct event_base *base;
	struct tobi_bytes target; /* host:port; borrowed */
	/* Whom the launch takes for its broker: who has this key (SHA-384 of the
	 * SubjectPublicKeyInfo; empty: any key) and meets this policy (NULL: none). Not
	 * neither. Borrowed. */
	struct tobi_bytes key;
	const struct tobi_policy *policy;
	const struct atls_endpoint *like; /* whose key sessions have */
	struct evidence *evidence;
	int64_t call_ms;  /* all of one call */
	int64_t retry_ms; /* before asking again, when the service has no room */
	/* Sends CONNECT for the broker's address. */
	void (*connect)(void *context, uint64_t request);
	void *context;
};

struct broker_call {
	const char *method; /* "GET", "POST"; a literal */
	const char *path;   /* copied; of RFC 3986's path characters only */
	/* Copied, and wiped when it was sent. */
	struct tobi_bytes body;
	size_t reply_limit; /* a longer reply is TOBI_E_LIMIT */
	/* Called once, from the loop, unless the client is freed before. why NULL: the
	 * broker has answered with this status; body is borrowed, and wiped after it.
	 * Else there was no answer: TOBI_E_DENIED, another key than the launch's,
	 * or it will have no session with this enclave; TOBI_E_REFUSED, its evidence;
	 * what codec/http_reply.h says of a reply; else it was not reached, or not for
	 * long enough, and may be later. */
	void (*done)(void *context, int status, struct tobi_bytes body,
		     const struct tobi_fault *why);
	void *context;
};

/* TOBI_E_ARGUMENT: neither key nor policy, or a policy for another channel. */
TOBI_MUST_USE enum tobi_err broker_client_new(const struct broker_client_setup *setup,
					      struct broker_client **ret_client,
					      struct tobi_fault *fault);
/* Calls that are open end without a word. Accepts NULL. */
void broker_client_free(struct broker_client *client);

/* Fails at once, and then done() is not called: TOBI_E_NOT_FOUND (the launch names no
 * broker: client is NULL), _ARGUMENT (a path that is none), _LIMIT (too many at once, or
 * a body that is too large), _MEMORY. */
TOBI_MUST_USE enum tobi_err broker_client_call(struct broker_client *client,
					       const struct broker_call *call,
					       struct tobi_fault *fault);
/* The service's answer to a CONNECT: fd is this function's from now on, or -1 and why.
 * TOBI_E_PROTOCOL for a request that is not open. */
TOBI_MUST_USE enum tobi_err broker_client_connected(struct broker_client *client,
						    uint64_t request, int fd,
						    const struct tobi_fault *why,
						    struct tobi_fault *fault);

#endif
