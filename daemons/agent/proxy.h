/*
 * The enclave's edge: connections from outside, attested TLS on them, and behind it
 * either the program's port inside or the receiver of secrets.
 */
#ifndef AGENT_PROXY_H
#define AGENT_PROXY_H

#include "atls/conn.h"
#include "evidence.h"
#include "pki/key.h"
#include "secrets.h"

struct proxy;

/*
 * Anybody may connect: without these, whoever does and then stays silent keeps all others
 * out. At most 32 handshakes are under way (proxy.c). A newcomer waits for one to end,
 * and the oldest has to when it takes longer than handshakes take; so a burst of honest
 * clients only waits. When all sessions are taken, one that nobody has used for long
 * makes room.
 *
 * What remains: who opens 16 silent connections a second makes others wait as long as
 * that goes on, and who keeps max_sessions sessions busy keeps them from having any. No
 * limit for each address is made: behind one there may be many. Whom to let come at all
 * is for the host's firewall.
 */
enum {
	/* A handshake that has taken this long makes room for a newcomer. */
	PROXY_PATIENCE_MS = 2 * 1000,
	/* For TLS's handshake; the whole exchange has LIMIT_ATLS_EXCHANGE_MS. */
	PROXY_HANDSHAKE_MS = 10 * 1000,
	/* After so long without data a session may be ended, when its place is needed. */
	PROXY_IDLE_MS = 5 * 60 * 1000,
	/* No session is older. The relying party's max-age, an hour if its policy says
	 * nothing, is what counts: this is for those who keep none. */
	PROXY_MAX_AGE_MS = 24 * 3600 * 1000,
	/* Where the program judges: what a client has proven is not older. */
	PROXY_COLLECTED_AGE_MS = 3600 * 1000,
	/* Bytes of evidence that are kept for the program, of all open sessions together:
	 * whose does not fit in is sent away. */
	PROXY_COLLECTED_MAX = 32 << 20,
	PROXY_ADDRESS_SHARE = 4, /* one address has at most a fourth of it */
};

struct proxy_setup {
	struct event_base *base;
	const struct atls_endpoint *endpoint;
	struct evidence *evidence;
	struct secret_store *store;
	struct tobi_bytes owner; /* SHA-384 of the owner's key, or empty */
	bool brokered;		 /* secrets come from a broker, or from the owner alone */
	size_t max_sessions;
	int64_t patience_ms; /* PROXY_PATIENCE_MS */
	int64_t idle_ms;     /* PROXY_IDLE_MS */
	/* A secret was stored; no session is left. */
	void (*stored)(void *context);
	void (*idle)(void *context);
	/* A client has not proven what it must; may be NULL. */
	void (*refused)(void *context, const struct tobi_fault *fault);
	void *context;
};

TOBI_MUST_USE enum tobi_err proxy_new(const struct proxy_setup *setup,
				      struct proxy **ret_proxy, struct tobi_fault *fault);
void proxy_free(struct proxy *proxy);
/* Connections to the listening, non-blocking socket fd (borrowed) go to port inside. */
TOBI_MUST_USE enum tobi_err proxy_listen(struct proxy *proxy, int fd, uint16_t port,
					 struct tobi_fault *fault);
/* Who is behind a connection to the program that is open now, by its ports on the
 * loopback. Everything is borrowed until the loop goes on. TOBI_E_NOT_FOUND when there is
 * no such connection. */
struct proxy_peer {
	struct tobi_bytes claims_buffer, collection; /* empty: nothing was proven */
	const char *address;
	uint8_t key[SHA384_SIZE];
	bool has_key;
};
TOBI_MUST_USE enum tobi_err proxy_peer(const struct proxy *proxy, uint16_t source,
				       uint16_t port, struct proxy_peer *ret_peer,
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
