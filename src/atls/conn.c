#include "atls/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>

#include "atls/peer.h"
#include "atls/ratls.h"
#include "base/cleanup.h"
#include "base/fault.h"

static const char object[] = "attested session";

enum {
	STREAM_WATERMARK = 256 << 10, /* bytes read ahead of the owner */
	FLUSH_MS = 2000,	      /* for the peer to take a refusal */
};

struct atls_conn {
	struct event_base *base;
	const struct atls_events *events;
	void *context;
	struct atls_peer peer;
	struct bufferevent *stream; /* owns the SSL and the socket */
	struct event *timer;	    /* the exchange's end; later the session's */
	bool opened;
	bool ending; /* the last bytes are being sent, then closed() */
	bool asked;  /* need_evidence() was called */
	struct tobi_fault fault;
	bool *freed; /* set when the connection is freed inside opened() */
};

static void set_timer(struct atls_conn *conn, int64_t ms)
{
	struct timeval after = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	evtimer_add(conn->timer, &after);
}

static int64_t exchange_limit(const struct atls_endpoint *endpoint)
{
	return endpoint->exchange_ms ? endpoint->exchange_ms : LIMIT_ATLS_EXCHANGE_MS;
}

static int64_t handshake_limit(const struct atls_endpoint *endpoint)
{
	int64_t all = exchange_limit(endpoint), part = endpoint->handshake_ms;

	return part && part < all ? part : all;
}

/* 0: none. */
static int64_t age_limit(const struct atls_endpoint *endpoint)
{
	const struct tobi_policy *policy = endpoint->policy;
	int64_t limit = endpoint->max_age_ms;

	if (policy && policy->max_age > 0 && policy->max_age < INT64_MAX / 1000 &&
	    (!limit || policy->max_age * 1000 < limit))
		limit = policy->max_age * 1000;
	return limit;
}

/* The owner may free the connection in here: nothing touches it afterwards. */
static void tell_closed(struct atls_conn *conn)
{
	bufferevent_setcb(conn->stream, NULL, NULL, NULL, NULL);
	bufferevent_disable(conn->stream, EV_READ);
	evtimer_del(conn->timer);
	conn->ending = true;
	atls_peer_conclude(&conn->peer);
	conn->events->closed(conn, &conn->fault, conn->context);
}

/* Ends the connection, after the peer has been told what there is to tell. */
static void end(struct atls_conn *conn)
{
	conn->ending = true;
	bufferevent_disable(conn->stream, EV_READ);
	if (evbuffer_get_length(bufferevent_get_output(conn->stream)) == 0)
		tell_closed(conn);
	else
		set_timer(conn, FLUSH_MS);
}

static void send_output(struct atls_conn *conn)
{
	struct tobi_bytes out = atls_exchange_output(conn->peer.exchange);

	if (out.size == 0)
		return;
	if (bufferevent_write(conn->stream, out.ptr, out.size) == 0)
		atls_exchange_sent(conn->peer.exchange, out.size);
}

static void open_gate(struct atls_conn *conn)
{
	int64_t limit = age_limit(conn->peer.endpoint);
	struct bufferevent *stream = conn->stream;
	bool freed = false;

	conn->opened = true;
	evtimer_del(conn->timer);
	if (limit)
		set_timer(conn, limit);
	bufferevent_setcb(stream, NULL, NULL, NULL, NULL);
	conn->freed = &freed;
	conn->events->opened(conn, conn->context);
	if (freed)
		return;
	conn->freed = NULL;
	/* Data that came right behind the peer's RESULT has no event of its own. */
	if (evbuffer_get_length(bufferevent_get_input(stream)) > 0)
		bufferevent_trigger(stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

/* Goes on from whatever state the exchange is in now. */
static void proceed(struct atls_conn *conn)
{
	struct atls_exchange *exchange = conn->peer.exchange;

	if (conn->ending || conn->opened)
		return;
	send_output(conn);
	switch (atls_exchange_state(exchange)) {
	case ATLS_RUNNING:
		return;
	case ATLS_NEEDS_EVIDENCE:
		if (conn->asked)
			return;
		conn->asked = true;
		conn->events->need_evidence(conn, atls_exchange_claims(exchange),
					    conn->context);
		return; /* the answer proceeds */
	case ATLS_OPEN:
		/* The peer waits for this side's RESULT: open is who has sent it, not who
		 * means to. on_drained() goes on from here, or the timer. */
		if (evbuffer_get_length(bufferevent_get_output(conn->stream)) == 0)
			open_gate(conn);
		return;
	case ATLS_CLOSED:
		conn->fault = *atls_exchange_fault(exchange);
		end(conn);
		return;
	}
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct atls_conn *conn = context;
	struct evbuffer *input = bufferevent_get_input(stream);
	size_t length;

	if (!conn->peer.exchange)
		return;
	/* All that is there at once: what follows a message is part of judging it. */
	length = evbuffer_get_length(input);
	if (length > 0 && !conn->ending && !conn->opened) {
		struct tobi_bytes bytes = {evbuffer_pullup(input, -1), length};

		if (bytes.ptr)
			evbuffer_drain(input,
				       atls_exchange_receive(conn->peer.exchange, bytes));
		proceed(conn);
	}
}

static void on_drained(struct bufferevent *stream, void *context)
{
	struct atls_conn *conn = context;

	if (evbuffer_get_length(bufferevent_get_output(stream)) > 0)
		return;
	if (conn->ending)
		tell_closed(conn);
	else if (conn->peer.exchange)
		proceed(conn);
}

/* Why the stream failed, from the TLS library or the system. */
static void fault_from_stream(struct atls_conn *conn, short what)
{
	const char *when = conn->peer.exchange ? "exchange" : "handshake";
	unsigned long code = bufferevent_get_openssl_error(conn->stream);
	char text[160] = "";

	if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    ERR_GET_REASON(code) == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED) {
		fault_set(&conn->fault, TOBI_E_REFUSED, object, "peer", "%s",
			  ATLS_MUST_ATTEST);
	} else if (code) {
		ERR_error_string_n(code, text, sizeof(text));
		fault_set(&conn->fault, TOBI_E_PROTOCOL, object, when,
			  "TLS failed; is the peer an enclave of this protocol? (%s)",
			  text);
	} else if (what & BEV_EVENT_EOF) {
		fault_set(&conn->fault, TOBI_E_PROTOCOL, object, when,
			  "the peer closed the connection");
	} else if (EVUTIL_SOCKET_ERROR()) {
		fault_errno(&conn->fault, object, when, "the connection failed");
	} else {
		fault_set(&conn->fault, TOBI_E_PROTOCOL, object, when,
			  "the peer broke the connection off");
	}
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct atls_conn *conn = context;

	(void)stream;
	if (conn->opened)
		return;
	if (conn->ending) {
		tell_closed(conn);
		return;
	}
	if (what & BEV_EVENT_CONNECTED) {
		const struct atls_endpoint *endpoint = conn->peer.endpoint;

		if (handshake_limit(endpoint) < exchange_limit(endpoint))
			set_timer(conn,
				  exchange_limit(endpoint) - handshake_limit(endpoint));
		if (ratls_is_spoken(endpoint, conn->peer.ssl)) {
			if (ratls_peer_start(&conn->peer, &conn->fault))
				end(conn);
			else
				open_gate(conn);
			return;
		}
		if (atls_peer_start(&conn->peer, &conn->fault))
			end(conn);
		else
			proceed(conn);
		return;
	}
	/* What had arrived before the end may hold the peer's reason. */
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
		fault_from_stream(conn, what);
		if (conn->peer.exchange)
			atls_exchange_ended(conn->peer.exchange);
		tell_closed(conn);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct atls_conn *conn = context;

	(void)fd;
	(void)what;
	if (conn->ending) {
		tell_closed(conn);
	} else if (conn->opened) {
		fault_set(&conn->fault, TOBI_E_TIMEOUT, object, "max-age",
			  "the session has reached its greatest age; connect anew");
		tell_closed(conn);
	} else if (conn->peer.exchange &&
		   atls_exchange_state(conn->peer.exchange) == ATLS_OPEN) {
		fault_set(&conn->fault, TOBI_E_TIMEOUT, object, "exchange",
			  "the peer did not take this side's RESULT");
		tell_closed(conn);
	} else if (conn->peer.exchange) {
		atls_exchange_expire(conn->peer.exchange);
		proceed(conn);
	} else {
		fault_set(&conn->fault, TOBI_E_TIMEOUT, object, "handshake",
			  "the peer did not finish the TLS handshake within %d s",
			  (int)(handshake_limit(conn->peer.endpoint) / 1000));
		tell_closed(conn);
	}
}

enum tobi_err atls_conn_new(struct event_base *base, const struct atls_endpoint *endpoint,
			    int fd, const struct atls_events *events, void *context,
			    struct atls_conn **ret_conn, struct tobi_fault *fault)
{
	bool server = endpoint->role == TOBI_ROLE_SERVER;
	struct atls_conn *conn = calloc(1, sizeof(*conn));
	enum tobi_err err = TOBI_E_MEMORY;
	SSL *ssl = NULL;
	int one = 1;

	/* The exchange is small messages in turns, which Nagle's algorithm would hold
	 * back for 40 ms each. Whatever is no TCP socket needs it not. */
	IGNORE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	if (conn) {
		conn->base = base;
		conn->events = events;
		conn->context = context;
		conn->timer = evtimer_new(base, on_timer, conn);
	}
	if (!conn || !conn->timer)
		fault_set(fault, err, object, "", "out of memory");
	else
		err = atls_peer_prepare(&conn->peer, endpoint, &ssl, fault);
	if (err) {
		evutil_closesocket(fd);
		atls_conn_free(conn);
		return err;
	}
	conn->stream = bufferevent_openssl_socket_new(base, fd, ssl,
						      server ? BUFFEREVENT_SSL_ACCEPTING
							     : BUFFEREVENT_SSL_CONNECTING,
						      BEV_OPT_CLOSE_ON_FREE);
	if (!conn->stream) {
		/* With that option ssl is freed on failure too, though not the socket. */
		evutil_closesocket(fd);
		atls_conn_free(conn);
		return fault_set(fault, TOBI_E_MEMORY, object, "stream", "out of memory");
	}
	/* An end without TLS's own close is an error: somebody may have cut the stream.
	 */
	bufferevent_openssl_set_allow_dirty_shutdown(conn->stream, 0);
	bufferevent_setwatermark(conn->stream, EV_READ, 0, STREAM_WATERMARK);
	bufferevent_setcb(conn->stream, on_read, on_drained, on_event, conn);
	bufferevent_enable(conn->stream, EV_READ | EV_WRITE);
	set_timer(conn, handshake_limit(endpoint));
	*ret_conn = conn;
	return TOBI_OK;
}

void atls_conn_finish(struct atls_conn *conn)
{
	/* A close behind bytes that were never sent would hide that they are missing. */
	if (!conn->opened || conn->ending ||
	    evbuffer_get_length(bufferevent_get_output(conn->stream)) > 0)
		return;
	ERR_clear_error();
	IGNORE(SSL_shutdown(conn->peer.ssl) < 0);
	ERR_clear_error();
}

void atls_conn_free(struct atls_conn *conn)
{
	if (!conn)
		return;
	if (conn->freed)
		*conn->freed = true;
	if (conn->timer)
		event_free(conn->timer);
	if (conn->stream)
		bufferevent_free(conn->stream);
	atls_peer_done(&conn->peer);
	free(conn);
}

void atls_conn_give_evidence(struct atls_conn *conn, struct tobi_bytes collection)
{
	if (conn->ending || !conn->peer.exchange)
		return;
	atls_exchange_give_evidence(conn->peer.exchange, collection);
	proceed(conn);
}

void atls_conn_cannot_attest(struct atls_conn *conn, const struct tobi_fault *why)
{
	if (conn->ending || !conn->peer.exchange)
		return;
	atls_exchange_cannot_attest(conn->peer.exchange, why);
	proceed(conn);
}

struct bufferevent *atls_conn_stream(struct atls_conn *conn)
{
	return conn->stream;
}

/* Block after block, where it lies: what is moved leaves no second copy behind. */
void atls_conn_take(struct atls_conn *conn, struct writer *out)
{
	struct evbuffer *input = bufferevent_get_input(conn->stream);
	size_t size;

	while (!wr_err(out) && (size = evbuffer_get_contiguous_space(input)) > 0) {
		uint8_t *part = evbuffer_pullup(input, (ssize_t)size);

		wr_bytes(out, part, size);
		explicit_bzero(part, size);
		evbuffer_drain(input, size);
	}
}

const char *atls_conn_protocol(const struct atls_conn *conn)
{
	return conn->peer.exchange ? atls_exchange_protocol(conn->peer.exchange) : "";
}

bool atls_conn_peer(const struct atls_conn *conn, uint8_t ret_hash[static 48])
{
	X509 *leaf = conn->peer.ssl ? SSL_get0_peer_certificate(conn->peer.ssl) : NULL;
	EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;

	return key && !key_spki_sha384(key, ret_hash, NULL);
}

const struct tobi_result *atls_conn_result(const struct atls_conn *conn)
{
	return conn->peer.result;
}

bool atls_conn_evidence(const struct atls_conn *conn,
			struct tobi_bytes *ret_claims_buffer,
			struct tobi_bytes *ret_collection)
{
	const struct atls_collected *collected = conn->peer.collected;

	if (!conn->opened || !collected)
		return false;
	*ret_claims_buffer = wr_view(&collected->claims_buffer);
	*ret_collection = wr_view(&collected->collection);
	return collected->collection.size > 0;
}
