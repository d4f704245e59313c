/*
 * The enclave's edge: connections from outside, attested TLS on them, and behind it
 * either the program's port inside or the receiver of secrets.
 */
#ifndef AGENT_PROXY_H
#define AGENT_PROXY_H

#include "atls/conn.h"
#include "evidence.h"
#include "secrets.h"

struct proxy;

struct proxy_setup {
	struct event_base *base;
	const struct atls_endpoint *endpoint;
	struct evidence *evidence;
	struct secret_store *store;
	struct tobi_bytes owner; /* SHA-384 of the owner's key, or empty */
	size_t max_sessions;
	/* A secret was stored; no session is left. */
	void (*stored)(void *context);
	void (*idle)(void *context);
	void *context;
};

TOBI_MUST_USE enum tobi_err proxy_new(const struct proxy_setup *setup,
				      struct proxy **ret_proxy, struct tobi_fault *fault);
void proxy_free(struct proxy *proxy);
/* Connections to the listening, non-blocking socket fd (borrowed) go to port inside. */
TOBI_MUST_USE enum tobi_err proxy_listen(struct proxy *proxy, int fd, uint16_t port,
					 struct tobi_fault *fault);
/* No new connections; those that are open may end by themselves. */
void proxy_close(struct proxy *proxy);
bool proxy_is_idle(const struct proxy *proxy);

/* The receiver of secrets on an open session; ended() once, when the session is over. */
struct secrets_session;
struct secrets_session *
secrets_session_new(struct bufferevent *stream, struct secret_store *store,
		    bool from_owner, void (*stored)(void *context),
		    void (*ended)(void *session_context, bool in_order), void *context,
		    void *session_context);
void secrets_session_free(struct secrets_session *session);

#endif
