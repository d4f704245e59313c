#include "atls/pump.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>

#include "base/cleanup.h"
#include "base/fault.h"

static const char object[] = "attested session";

enum {
	PUMP_BUFFER = 64 << 10, /* four TLS records */
	PUMP_TURNS = 32,	/* before other connections get their turn */
};

/* One direction. Filled when empty, so nothing is ever moved inside it. */
struct flow {
	uint8_t *bytes;
	size_t room, start, end;
	bool over;   /* its source has ended */
	bool closed; /* and its target was told */
};

enum { ON_TLS_READ, ON_TLS_WRITE, ON_FROM, ON_TO, EVENT_COUNT };

struct atls_pump {
	SSL *ssl;
	int from, to;
	struct flow out, in; /* local to TLS, TLS to local */
	struct event *events[EVENT_COUNT];
	bool waiting[EVENT_COUNT];
	bool wants[EVENT_COUNT];
	atls_pump_ended *ended;
	void *context;
	struct tobi_fault fault;
	bool failed;
	struct event *again; /* more to do after the others' turn */
};

static bool flow_init(struct flow *flow, struct evbuffer *pending)
{
	size_t size = evbuffer_get_length(pending);

	flow->room = size > PUMP_BUFFER ? size : PUMP_BUFFER;
	flow->bytes = malloc(flow->room);
	if (!flow->bytes)
		return false;
	flow->end = size;
	return size == 0 || evbuffer_remove(pending, flow->bytes, size) == (int)size;
}

static size_t flow_left(const struct flow *flow)
{
	return flow->end - flow->start;
}

static void flow_taken(struct flow *flow, size_t size)
{
	flow->start += size;
	if (flow->start == flow->end)
		flow->start = flow->end = 0;
}

static bool fail_tls(struct atls_pump *pump, int code, const char *what)
{
	char text[160] = "the peer broke the connection off";
	unsigned long error = ERR_peek_last_error();

	if (code == SSL_ERROR_SSL && error)
		ERR_error_string_n(error, text, sizeof(text));
	ERR_clear_error();
	fault_set(&pump->fault, TOBI_E_PROTOCOL, object, what, "%s", text);
	pump->failed = true;
	return false;
}

static bool fail_local(struct atls_pump *pump, const char *what)
{
	fault_errno(&pump->fault, object, what, "the local side failed");
	pump->failed = true;
	return false;
}

/* What OpenSSL waits for; false: nothing more can be done now. */
static bool wait_tls(struct atls_pump *pump, int result, const char *what)
{
	int code = SSL_get_error(pump->ssl, result);

	if (code == SSL_ERROR_WANT_READ)
		pump->wants[ON_TLS_READ] = true;
	else if (code == SSL_ERROR_WANT_WRITE)
		pump->wants[ON_TLS_WRITE] = true;
	else
		return fail_tls(pump, code, what);
	return false;
}

static bool is_transient(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* ---- local to TLS; each step is true when it got on ---- */

static bool read_local(struct atls_pump *pump)
{
	struct flow *flow = &pump->out;
	ssize_t size;

	if (flow->over || flow_left(flow) || pump->wants[ON_FROM])
		return false;
	size = read(pump->from, flow->bytes, flow->room);
	if (size > 0) {
		flow->end = (size_t)size;
		return true;
	}
	if (size < 0 && is_transient()) {
		pump->wants[ON_FROM] = true;
		return false;
	}
	if (size < 0)
		return fail_local(pump, "read");
	flow->over = true;
	return true;
}

static bool write_tls(struct atls_pump *pump)
{
	struct flow *flow = &pump->out;
	bool moved = false;
	size_t done = 0;
	int result;

	if (flow->closed || pump->wants[ON_TLS_WRITE])
		return false;
	ERR_clear_error();
	/* Each call writes one record. */
	while (flow_left(flow)) {
		result = SSL_write_ex(pump->ssl, flow->bytes + flow->start,
				      flow_left(flow), &done);
		if (result != 1)
			return wait_tls(pump, result, "write") || moved;
		flow_taken(flow, done);
		moved = true;
	}
	if (moved || !flow->over)
		return moved;
	/* close_notify ends this direction only (RFC 8446 section 6.1). */
	result = SSL_shutdown(pump->ssl);
	if (result < 0)
		return wait_tls(pump, result, "close");
	flow->closed = true;
	return true;
}

/* ---- TLS to local ---- */

static bool read_tls(struct atls_pump *pump)
{
	struct flow *flow = &pump->in;
	size_t size = 0;
	int result;

	if (flow->over || flow_left(flow) || pump->wants[ON_TLS_READ])
		return false;
	/* Several records go into the buffer before it is written out at once. */
	while (flow->room - flow->end >= SSL3_RT_MAX_PLAIN_LENGTH) {
		ERR_clear_error();
		result = SSL_read_ex(pump->ssl, flow->bytes + flow->end,
				     flow->room - flow->end, &size);
		if (result == 1) {
			flow->end += size;
			continue;
		}
		if (SSL_get_error(pump->ssl, result) == SSL_ERROR_ZERO_RETURN)
			flow->over = true;
		else
			wait_tls(pump, result, "read");
		break;
	}
	return !pump->failed && (flow->over || flow_left(flow));
}

static bool write_local(struct atls_pump *pump)
{
	struct flow *flow = &pump->in;
	ssize_t size;

	if (flow->closed || pump->wants[ON_TO])
		return false;
	if (flow_left(flow)) {
		size = write(pump->to, flow->bytes + flow->start, flow_left(flow));
		if (size >= 0) {
			flow_taken(flow, (size_t)size);
			return true;
		}
		if (is_transient())
			pump->wants[ON_TO] = true;
		else
			fail_local(pump, "write");
		return false;
	}
	if (!flow->over)
		return false;
	if (pump->to != pump->from)
		fd_close(&pump->to);
	else
		shutdown(pump->to, SHUT_WR);
	flow->closed = true;
	return true;
}

/* ---- the loop ---- */

static void watch(struct atls_pump *pump)
{
	for (size_t i = 0; i < EVENT_COUNT; i++) {
		if (pump->wants[i] == pump->waiting[i] || !pump->events[i])
			continue;
		if (pump->wants[i])
			event_add(pump->events[i], NULL);
		else
			event_del(pump->events[i]);
		pump->waiting[i] = pump->wants[i];
	}
}

static void serve(struct atls_pump *pump)
{
	bool moved = true;

	/* What could not go on is not asked again before the loop says that it can. */
	for (size_t i = 0; i < EVENT_COUNT; i++)
		pump->wants[i] = false;
	for (int turn = 0; moved && turn < PUMP_TURNS; turn++) {
		moved = read_local(pump);
		moved |= write_tls(pump);
		moved |= write_local(pump);
		moved |= read_tls(pump);
		moved |= write_local(pump);
		if (pump->failed)
			break;
	}
	if (pump->failed || (pump->out.closed && pump->in.closed)) {
		for (size_t i = 0; i < EVENT_COUNT; i++)
			pump->wants[i] = false;
		watch(pump);
		pump->ended(pump, pump->failed ? &pump->fault : NULL, pump->context);
		return;
	}
	watch(pump);
	if (moved)
		event_active(pump->again, EV_TIMEOUT, 0);
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	serve(context);
}

static bool make_events(struct atls_pump *pump, struct event_base *base, int fd)
{
	const int fds[EVENT_COUNT] = {fd, fd, pump->from, pump->to};
	const short kinds[EVENT_COUNT] = {EV_READ, EV_WRITE, EV_READ, EV_WRITE};

	for (size_t i = 0; i < EVENT_COUNT; i++) {
		pump->events[i] = event_new(base, fds[i], (short)(kinds[i] | EV_PERSIST),
					    on_ready, pump);
		if (!pump->events[i])
			return false;
	}
	pump->again = evtimer_new(base, on_ready, pump);
	return pump->again;
}

enum tobi_err atls_pump_new(struct event_base *base, struct atls_conn *conn, int from,
			    int to, atls_pump_ended *ended, void *context,
			    struct atls_pump **ret_pump, struct tobi_fault *fault)
{
	struct bufferevent *stream = atls_conn_stream(conn);
	struct atls_pump *pump = calloc(1, sizeof(*pump));
	int one = 1;

	/* What arrives is passed on at once. Pipes need no such option. */
	IGNORE(setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	if (!pump) {
		if (to != from)
			fd_close(&to);
		fd_close(&from);
		return fault_set(fault, TOBI_E_MEMORY, object, "pump", "out of memory");
	}
	pump->from = from;
	pump->to = to;
	pump->ended = ended;
	pump->context = context;
	pump->ssl = bufferevent_openssl_get_ssl(stream);
	bufferevent_setcb(stream, NULL, NULL, NULL, NULL);
	bufferevent_disable(stream, EV_READ | EV_WRITE);
	if (!flow_init(&pump->out, bufferevent_get_output(stream)) ||
	    !flow_init(&pump->in, bufferevent_get_input(stream)) ||
	    !make_events(pump, base, bufferevent_getfd(stream))) {
		atls_pump_free(pump);
		return fault_set(fault, TOBI_E_MEMORY, object, "pump", "out of memory");
	}
	/* One system call for each record instead of two. */
	SSL_set_read_ahead(pump->ssl, 1);
	event_active(pump->again, EV_TIMEOUT, 0);
	*ret_pump = pump;
	return TOBI_OK;
}

void atls_pump_free(struct atls_pump *pump)
{
	if (!pump)
		return;
	for (size_t i = 0; i < EVENT_COUNT; i++) {
		if (pump->events[i])
			event_free(pump->events[i]);
	}
	if (pump->again)
		event_free(pump->again);
	if (pump->to != pump->from)
		fd_close(&pump->to);
	fd_close(&pump->from);
	free(pump->out.bytes);
	free(pump->in.bytes);
	free(pump);
}
