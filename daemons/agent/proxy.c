#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "atls/pump.h"
#include "base/address.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "idle.h"

#define OBJECT "listening socket"

enum {
	TRIM_EVERY = 32, /* ended sessions */
	MAX_HANDSHAKES = 32,
	/* A program that has just started may not listen yet: it is asked again after 2
	 * ms, 4 ms and so on, for 5 s in all. */
	CONNECT_TRIES = 56,
	CONNECT_PAUSE_MS = 2,
	CONNECT_PAUSE_MAX_MS = 100,
	/* How often a full house looks for a session that is idle. */
	FULL_PAUSE_S = 1,
};

struct listener {
	struct proxy *proxy;
	struct event *event;
	uint16_t port;
};

struct session {
	TAILQ_ENTRY(session) entry;
	struct proxy *proxy;
	uint16_t port;
	bool open;	  /* past the exchange */
	int64_t begun_ms; /* of the monotonic clock */
	struct atls_conn *conn;
	/* One of: */
	struct atls_pump *pump;
	struct secrets_session *secrets;
	/* While the program's port is being connected to: */
	struct event *connecting;
	int inner;
	int local; /* the same, also when it is the pump's; not owned; or -1 */
	unsigned tries;
	uint16_t source;  /* the connection's own port; 0: there is none yet */
	size_t collected; /* bytes of its evidence, counted in the proxy's */
	char address[INET6_ADDRSTRLEN];
};

struct proxy {
	struct proxy_setup setup;
	struct listener listeners[LIMIT_PORTS];
	size_t listener_count;
	bool paused, closed;
	struct event *full; /* while paused: looks again */
	TAILQ_HEAD(, session) sessions;
	size_t open, handshakes;
	size_t collected;
	unsigned ended; /* sessions so far */
};

static void resume(struct proxy *proxy)
{
	if (!proxy->paused || proxy->closed)
		return;
	proxy->paused = false;
	event_del(proxy->full);
	for (size_t i = 0; i < proxy->listener_count; i++)
		event_add(proxy->listeners[i].event, NULL);
}

static void on_full_pause_over(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	resume(context);
}

/* What comes meanwhile waits in the kernel's queue. */
static void pause_listening(struct proxy *proxy)
{
	static const struct timeval pause = {.tv_sec = FULL_PAUSE_S};

	proxy->paused = true;
	event_add(proxy->full, &pause);
	for (size_t i = 0; i < proxy->listener_count; i++)
		event_del(proxy->listeners[i].event);
}

static void session_free(struct session *session)
{
	struct proxy *proxy = session->proxy;

	TAILQ_REMOVE(&proxy->sessions, session, entry);
	proxy->open--;
	proxy->collected -= session->collected;
	if (!session->open)
		proxy->handshakes--;
	evidence_forget(proxy->setup.evidence, session);
	atls_pump_free(session->pump);
	secrets_session_free(session->secrets);
	if (session->connecting)
		event_free(session->connecting);
	fd_close(&session->inner);
	atls_conn_free(session->conn);
	free(session);
	/* Sessions that overlap leave the heap in pieces. */
	if (++proxy->ended % TRIM_EVERY == 0)
		malloc_trim(0);
}

static void session_end(struct session *session)
{
	struct proxy *proxy = session->proxy;

	session_free(session);
	resume(proxy);
	if (!proxy->open)
		proxy->setup.idle(proxy->setup.context);
}

static void on_secrets_ended(void *context, bool in_order)
{
	struct session *session = context;

	if (in_order)
		atls_conn_finish(session->conn);
	session_end(session);
}

static void on_pump_ended(struct atls_pump *pump, const struct tobi_fault *fault,
			  void *context)
{
	(void)pump;
	(void)fault;
	session_end(context);
}

static void start_pump(struct session *session)
{
	int fd = session->inner;

	event_free(session->connecting);
	session->connecting = NULL;
	session->inner = -1;
	if (atls_pump_new(session->proxy->setup.base, session->conn, fd, fd,
			  on_pump_ended, session, &session->pump, NULL))
		session_end(session);
}

static void connect_inner(struct session *session);

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	connect_inner(context);
}

static void on_connected(evutil_socket_t fd, short what, void *context);

/* Replaces the event that the session waits for. */
static bool wait_for(struct session *session, int fd, short what,
		     event_callback_fn callback, const struct timeval *timeout)
{
	if (session->connecting)
		event_free(session->connecting);
	session->connecting =
	    event_new(session->proxy->setup.base, fd, what, callback, session);
	return session->connecting && event_add(session->connecting, timeout) == 0;
}

static void retry(struct session *session)
{
	long pause_ms = session->tries < 6 ? CONNECT_PAUSE_MS << session->tries
					   : CONNECT_PAUSE_MAX_MS;
	struct timeval pause = {.tv_usec = pause_ms * 1000};

	session->source = 0;
	session->local = -1;
	fd_close(&session->inner);
	if (++session->tries == CONNECT_TRIES ||
	    !wait_for(session, -1, EV_TIMEOUT, on_pause_over, &pause))
		session_end(session);
}

static void on_connected(evutil_socket_t fd, short what, void *context)
{
	struct session *session = context;
	int error = 0;
	socklen_t size = sizeof(error);

	(void)what;
	if (getsockopt((int)fd, SOL_SOCKET, SO_ERROR, &error, &size) || error)
		retry(session);
	else
		start_pump(session);
}

static void connect_inner(struct session *session)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(session->port)};
	struct sockaddr_in from = {0};
	socklen_t size = sizeof(from);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	session->inner = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (session->inner < 0) {
		session_end(session);
		return;
	}
	if (connect(session->inner, (struct sockaddr *)&to, sizeof(to)) &&
	    errno != EINPROGRESS) {
		retry(session);
		return;
	}
	/* The program may ask at once who it is. */
	if (!getsockname(session->inner, (struct sockaddr *)&from, &size)) {
		session->source = ntohs(from.sin_port);
		session->local = session->inner;
	}
	if (!wait_for(session, session->inner, EV_WRITE, on_connected, NULL))
		session_end(session);
}

/* Without an owner in the launch config anybody may send whom the gate let through; but
 * nobody in the broker's place. */
static bool is_owner(const struct session *session)
{
	struct tobi_bytes owner = session->proxy->setup.owner;
	uint8_t peer[48];

	if (!owner.size)
		return !session->proxy->setup.brokered;
	return atls_conn_peer(session->conn, peer) &&
	       bytes_equal((struct tobi_bytes){peer, sizeof(peer)}, owner);
}

/* What sessions of one address have shown. */
static size_t collected_of(const struct proxy *proxy, const char *address)
{
	const struct session *session;
	size_t sum = 0;

	TAILQ_FOREACH(session, &proxy->sessions, entry)
	{
		if (strcmp(session->address, address) == 0)
			sum += session->collected;
	}
	return sum;
}

/* False: there is too much of it already, in all or of one address. */
static bool count_collected(struct session *session)
{
	struct proxy *proxy = session->proxy;
	struct tobi_bytes claims, collection;

	if (!atls_conn_evidence(session->conn, &claims, &collection))
		return true;
	if (collection.size > PROXY_COLLECTED_MAX - proxy->collected ||
	    collected_of(proxy, session->address) + collection.size >
		PROXY_COLLECTED_MAX / PROXY_ADDRESS_SHARE)
		return false;
	session->collected = collection.size;
	proxy->collected += collection.size;
	return true;
}

static void on_opened(struct atls_conn *conn, void *context)
{
	struct session *session = context;
	struct proxy *proxy = session->proxy;

	session->open = true;
	proxy->handshakes--;
	resume(proxy);
	if (!count_collected(session)) {
		session_end(session);
		return;
	}
	if (strcmp(atls_conn_protocol(conn), ATLS_PROTOCOL_SECRETS) != 0) {
		bufferevent_disable(atls_conn_stream(conn), EV_READ);
		connect_inner(session);
		return;
	}
	session->secrets = secrets_session_new(
	    atls_conn_stream(conn), proxy->setup.store, is_owner(session),
	    proxy->setup.stored, on_secrets_ended, proxy->setup.context, session);
	if (!session->secrets)
		session_end(session);
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	struct session *session = context;
	const struct proxy_setup *setup = &session->proxy->setup;

	(void)conn;
	if (!session->open && fault && fault->code == TOBI_E_REFUSED && setup->refused)
		setup->refused(setup->context, fault);
	session_end(session);
}

static void on_evidence(void *context, const struct writer *collection,
			const struct tobi_fault *why)
{
	struct session *session = context;

	if (collection)
		atls_conn_give_evidence(session->conn, wr_view(collection));
	else
		atls_conn_cannot_attest(session->conn, why);
}

static void on_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			     void *context)
{
	struct session *session = context;
	struct tobi_fault fault;

	if (evidence_for_session(session->proxy->setup.evidence, claims_buffer,
				 on_evidence, session, &fault))
		atls_conn_cannot_attest(conn, &fault);
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void session_start(struct proxy *proxy, int fd, uint16_t port,
			  const struct sockaddr_storage *address)
{
	static const struct atls_events events = {on_need_evidence, on_opened, on_closed};
	struct session *session = calloc(1, sizeof(*session));

	if (!session) {
		close(fd);
		return;
	}
	session->proxy = proxy;
	session->port = port;
	session->begun_ms = monotonic_ms();
	session->inner = session->local = -1;
	address_write((const struct sockaddr *)address, session->address);
	if (atls_conn_new(proxy->setup.base, proxy->setup.endpoint, fd, &events, session,
			  &session->conn, NULL)) {
		free(session);
		return;
	}
	TAILQ_INSERT_TAIL(&proxy->sessions, session, entry);
	proxy->open++;
	proxy->handshakes++;
}

/* The oldest handshake, when it takes longer than handshakes take; else NULL. */
static struct session *slow_handshake(struct proxy *proxy)
{
	struct session *session;

	TAILQ_FOREACH(session, &proxy->sessions, entry)
	{
		if (!session->open)
			break;
	}
	return session && monotonic_ms() - session->begun_ms >= proxy->setup.patience_ms
		   ? session
		   : NULL;
}

/* NULL when none has been idle for long enough. */
static struct session *longest_idle(struct proxy *proxy)
{
	struct session *session, *found = NULL;
	int64_t longest = 0;

	TAILQ_FOREACH(session, &proxy->sessions, entry)
	{
		int64_t idle =
		    session->open
			? idle_ms(bufferevent_getfd(atls_conn_stream(session->conn)))
			: -1;

		if (idle < proxy->setup.idle_ms || (found && idle <= longest))
			continue;
		found = session;
		longest = idle;
	}
	return found;
}

/* A place for one more, at the cost of who uses theirs least; false: there is none. */
static bool make_room(struct proxy *proxy)
{
	struct session *victim = NULL;

	if (proxy->handshakes >= MAX_HANDSHAKES)
		victim = slow_handshake(proxy);
	else if (proxy->open >= proxy->setup.max_sessions)
		victim = longest_idle(proxy);
	else
		return true;
	if (victim)
		session_free(victim);
	return victim;
}

static void on_connection(evutil_socket_t fd, short what, void *context)
{
	struct listener *listener = context;
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	int peer;

	(void)what;
	if (!make_room(listener->proxy)) {
		pause_listening(listener->proxy);
		return;
	}
	peer = accept4((int)fd, (struct sockaddr *)&address, &size,
		       SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (peer >= 0)
		session_start(listener->proxy, peer, listener->port, &address);
}

enum tobi_err proxy_new(const struct proxy_setup *setup, struct proxy **ret_proxy,
			struct tobi_fault *fault)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));

	if (!proxy)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	proxy->setup = *setup;
	TAILQ_INIT(&proxy->sessions);
	proxy->full = evtimer_new(setup->base, on_full_pause_over, proxy);
	if (!proxy->full) {
		free(proxy);
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	}
	*ret_proxy = proxy;
	return TOBI_OK;
}

void proxy_free(struct proxy *proxy)
{
	struct session *first;

	if (!proxy)
		return;
	while ((first = TAILQ_FIRST(&proxy->sessions)) != NULL)
		session_free(first);
	for (size_t i = 0; i < proxy->listener_count; i++)
		event_free(proxy->listeners[i].event);
	event_free(proxy->full);
	free(proxy);
}

enum tobi_err proxy_listen(struct proxy *proxy, int fd, uint16_t port,
			   struct tobi_fault *fault)
{
	struct listener *listener = &proxy->listeners[proxy->listener_count];

	if (proxy->listener_count == LIMIT_PORTS)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "", "too many");
	listener->proxy = proxy;
	listener->port = port;
	listener->event = event_new(proxy->setup.base, fd, EV_READ | EV_PERSIST,
				    on_connection, listener);
	if (!listener->event)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	proxy->listener_count++;
	if (event_add(listener->event, NULL))
		return fault_set(fault, TOBI_E_SYSTEM, OBJECT, "", "cannot be watched");
	return TOBI_OK;
}

/* The port of a connection that was reset, of which nobody has been told, may be another
 * session's by now: the kernel knows of one only. */
static bool is_connected(const struct session *session)
{
	struct sockaddr_in at = {0};
	socklen_t size = sizeof(at), far = sizeof(at);

	return session->local >= 0 &&
	       !getpeername(session->local, (struct sockaddr *)&at, &far) &&
	       !getsockname(session->local, (struct sockaddr *)&at, &size) &&
	       ntohs(at.sin_port) == session->source;
}

/* Source and port together, as two ports of the program may have connections of one
 * source. */
enum tobi_err proxy_peer(const struct proxy *proxy, uint16_t source, uint16_t port,
			 struct proxy_peer *ret_peer, struct tobi_fault *fault)
{
	struct proxy_peer peer = {0};
	const struct session *session;

	TAILQ_FOREACH(session, &proxy->sessions, entry)
	{
		if (source && session->source == source && session->port == port &&
		    is_connected(session))
			break;
	}
	if (!session)
		return fault_set(fault, TOBI_E_NOT_FOUND, "peer", "",
				 "there is no such connection, or no more");
	IGNORE(atls_conn_evidence(session->conn, &peer.claims_buffer, &peer.collection));
	peer.address = session->address;
	peer.has_key = atls_conn_peer(session->conn, peer.key);
	*ret_peer = peer;
	return TOBI_OK;
}

void proxy_close(struct proxy *proxy)
{
	struct session *session, *next;

	proxy->closed = true;
	event_del(proxy->full);
	for (size_t i = 0; i < proxy->listener_count; i++)
		event_del(proxy->listeners[i].event);
	/* Only what may still have something to say of the program is kept. */
	for (session = TAILQ_FIRST(&proxy->sessions); session; session = next) {
		next = TAILQ_NEXT(session, entry);
		if (!session->pump)
			session_free(session);
	}
}

bool proxy_is_idle(const struct proxy *proxy)
{
	return proxy->open == 0;
}
