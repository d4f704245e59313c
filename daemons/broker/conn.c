#include "daemons/broker/conn.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>

#include "base/secret.h"
#include "broker/route.h"
#include "daemons/broker/attested.h"
#include "daemons/broker/tls.h"

enum {
	LINGER_MS = 2000,
	LINGER_BYTES = 256 << 10,
	READ_AHEAD = 16 << 10, /* at once, and while a request is worked on */
	SESSION_DENIALS = 32,  /* each is an appraisal, and a line of the log */
};

static void advance(struct conn *conn);

/* When a session of attested TLS ends; policies may want less (max-age). */
static int64_t session_end_ms(const struct conn *conn)
{
	uint64_t seconds = conn->server->config->limits.attested_seconds;

	return conn->attested ? conn->opened_ms + (int64_t)seconds * 1000 : INT64_MAX;
}

/* A request whose work has not begun when the session ends is not worked on. */
static void set_deadline(struct conn *conn, enum conn_state state, uint64_t seconds)
{
	int64_t end = session_end_ms(conn);

	conn->state = state;
	conn->deadline_ms = server_now_ms() + (int64_t)seconds * 1000;
	if (state != CONN_WORK && state != CONN_REPLY && conn->deadline_ms > end)
		conn->deadline_ms = end;
}

/* A client that saves packets sends more when its last one is acknowledged: 40 ms later,
 * unless it is now. */
static void ack_now(const struct conn *conn)
{
	const int yes = 1;

	IGNORE(setsockopt(bufferevent_getfd(conn->stream), IPPROTO_TCP, TCP_QUICKACK,
			  &yes, sizeof(yes)));
}

/* What was read is gone from the buffer, too: it may have been a secret. */
static void take(struct evbuffer *in, void *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		struct evbuffer_iovec part;
		size_t some;

		if (evbuffer_peek(in, (ssize_t)(size - done), NULL, &part, 1) < 1 ||
		    !part.iov_len)
			return;
		some = part.iov_len < size - done ? part.iov_len : size - done;
		bytes_copy((char *)to + done, size - done, part.iov_base, some);
		explicit_bzero(part.iov_base, some);
		evbuffer_drain(in, some);
		done += some;
	}
}

void conn_free(struct conn *conn)
{
	struct server *server = conn->server;

	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	server->conn_count--;
	if (conn->state == CONN_WORK)
		conn->job->conn = NULL;
	else
		server_job_free(server, conn->job);
	if (conn->client)
		clients_leave(server->clients, conn->client);
	if (conn->session.conn)
		attesting_session_end(server, &conn->session);
	else
		bufferevent_free(conn->stream);
	attested_unref(conn->attested);
	free(conn);
}

/* Says goodbye, and then waits for the client's: bytes that it still sends would make the
 * kernel throw the reply away. */
static void linger(struct conn *conn)
{
	SSL *ssl = bufferevent_openssl_get_ssl(conn->stream);

	if (ssl) {
		SSL_shutdown(ssl);
		ERR_clear_error();
	}
	if (conn->ended || shutdown(bufferevent_getfd(conn->stream), SHUT_WR)) {
		conn_free(conn);
		return;
	}
	conn->state = CONN_LINGER;
	conn->searched = 0;
	conn->deadline_ms = server_now_ms() + LINGER_MS;
	bufferevent_setwatermark(conn->stream, EV_READ, 0, 0);
	advance(conn);
}

static void log_request(const struct conn *conn, const struct job *job, uint64_t us)
{
	const enum config_log wanted = conn->server->config->log;
	struct log_line line;

	if (wanted == LOG_NONE || (wanted == LOG_ERRORS && job->reply.status < 400))
		return;
	log_start(&line, "info", "request");
	log_text(&line, "remote", job->remote);
	log_text(&line, "method", route_method(job->head.method));
	log_text(&line, "path", job->head.path);
	log_text(&line, "route", job->route->name);
	if (job->principal.name[0])
		log_text(&line, "principal", job->principal.name);
	log_number(&line, "status", job->reply.status);
	log_number(&line, "microseconds", (int64_t)us);
	log_end(&line);
}

/* Its evidence gets no newer, and what it is not given it will not be given. */
static bool session_is_over(const struct conn *conn)
{
	return conn->attested && (server_now_ms() >= session_end_ms(conn) ||
				  conn->denials >= SESSION_DENIALS);
}

static void send_reply(struct conn *conn, struct broker_reply *reply)
{
	conn->denials += reply->status == 403;
	conn->close_after |=
	    conn->server->stopping || session_is_over(conn) ||
	    conn->requests >= conn->server->config->limits.connection_requests;
	set_deadline(conn, CONN_REPLY, conn->server->config->limits.reply_seconds);
	conn_write_reply(conn, reply);
}

/* Before a handler: what follows in the stream can only be believed when the whole
 * request was read. */
static void refuse(struct conn *conn, uint64_t *counter, int status, const char *why)
{
	struct server *server = conn->server;
	struct job *job = conn->job;
	struct broker_reply reply = {0};
	char allowed[ROUTE_ALLOWED_SIZE];
	struct log_line line;
	uint64_t left_out;

	(*counter)++;
	reply_problem(&reply, status, why);
	if (status == 405) {
		route_allowed(conn->allowed ? conn->allowed : UINT_MAX, allowed);
		IGNORE(broker_reply_header(&reply, "Allow", "%s", allowed));
	} else if (status == 429 || status == 503) {
		IGNORE(broker_reply_header(&reply, "Retry-After", "1"));
	}
	if (server->config->log != LOG_NONE &&
	    log_may(&server->pace, server_now_ms() / 1000)) {
		log_start(&line, "warning", "refused");
		log_text(&line, "remote", conn->remote);
		log_number(&line, "status", status);
		log_text(&line, "reason", why);
		if (job && job->head.path)
			log_text(&line, "path", job->head.path);
		left_out = log_left_out(&server->pace);
		if (left_out)
			log_number(&line, "left_out", (int64_t)left_out);
		log_end(&line);
	}
	server_job_free(server, job);
	conn->job = NULL;
	send_reply(conn, &reply);
}

static void refuse_and_close(struct conn *conn, uint64_t *counter, int status,
			     const char *why)
{
	conn->close_after = true;
	refuse(conn, counter, status, why);
}

static void refuse_over(struct conn *conn)
{
	refuse_and_close(conn, &conn->server->count->session_over, 408,
			 "the session has ended: attest in a new one");
}

static void submit(struct conn *conn)
{
	struct server *server = conn->server;
	struct job *job = conn->job;

	if (server_now_ms() >= session_end_ms(conn)) {
		refuse_over(conn);
		return;
	}
	job->started_us = server_now_us();
	job->conn = conn;
	bytes_copy(job->remote, sizeof(job->remote), conn->remote, sizeof(conn->remote));
	job->secure = server->config->inside || conn_has_tls(conn);
	job->attested = attested_ref(conn->attested);
	job->has_client_key = conn->has_client_key;
	bytes_copy(job->client_key, SHA384_SIZE, conn->client_key, SHA384_SIZE);
	set_deadline(conn, CONN_WORK, server->config->limits.request_seconds);
	if (pool_submit(server->pool, job)) {
		server->jobs++;
		return;
	}
	conn->state = CONN_BODY;
	refuse(conn, &server->count->queue_full, 503, "too many requests wait");
}

void conn_answer(struct conn *conn, struct job *job)
{
	uint64_t us = server_now_us() - job->started_us;

	metrics_answered(conn->server->metrics, job->route, job->reply.status, us);
	log_request(conn, job, us);
	conn->state = CONN_REPLY;
	conn->job = NULL;
	send_reply(conn, &job->reply);
}

/* A body is read when its route takes it, and there is memory for it. */
static void start_body(struct conn *conn)
{
	struct server *server = conn->server;
	struct metrics_counters *count = server->count;
	struct job *job = conn->job;
	uint64_t length = job->head.length;

	if (length > job->route->body_limit) {
		refuse_and_close(conn, &count->too_large, 413, "the body is too large");
		return;
	}
	if (length && http_head_find(&job->head, "content-encoding")) {
		refuse_and_close(conn, &count->malformed, 415,
				 "a body that is encoded is not taken");
		return;
	}
	if (length > server->config->limits.body_memory - server->body_memory) {
		refuse_and_close(conn, &count->no_memory, 503, "no memory for the body");
		return;
	}
	job->body = length ? malloc(length) : NULL;
	if (length && !job->body) {
		refuse_and_close(conn, &count->no_memory, 503, "no memory for the body");
		return;
	}
	job->body_size = length;
	server->body_memory += length;
	if (evbuffer_get_length(bufferevent_get_input(conn->stream)) < length)
		ack_now(conn);
	if (job->head.expects_continue && length &&
	    !evbuffer_get_length(bufferevent_get_input(conn->stream)))
		bufferevent_write(conn->stream, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	set_deadline(conn, CONN_BODY, server->config->limits.body_seconds);
}

static void answer_page(struct conn *conn, struct broker_reply *reply)
{
	server_job_free(conn->server, conn->job);
	conn->job = NULL;
	send_reply(conn, reply);
}

static void step_body(struct conn *conn, struct evbuffer *in)
{
	struct job *job = conn->job;
	size_t size = evbuffer_get_length(in), left = job->body_size - job->body_got;

	size = size < left ? size : left;
	if (size)
		take(in, job->body + job->body_got, size);
	job->body_got += size;
	if (job->body_got == job->body_size)
		submit(conn);
	else if (conn->ended)
		conn_free(conn);
}

/* Which handler, and whether it may be asked now. */
static void route(struct conn *conn)
{
	struct server *server = conn->server;
	struct metrics_counters *count = server->count;
	struct job *job = conn->job;
	struct broker_reply reply = {0};
	int status;

	conn->close_after |= !job->head.keep_alive;
	/* What is not read of a body would be taken for the next request. */
	conn->close_after |= job->head.length != 0;
	if (!conn->listener->attested &&
	    server_page(server, conn->listener, &job->head, &reply)) {
		answer_page(conn, &reply);
		return;
	}
	status = route_find(
	    conn->listener->internal ? server->internal_tables : server->tables,
	    job->head.method, job->head.path, &job->route, &conn->allowed);
	/* Who has proven what it is asks for what that gives, and for nothing else. */
	if (status == 0 && conn->listener->attested &&
	    job->route->access != ROUTE_ATTESTED)
		status = 404;
	if (status == 404)
		refuse(conn, &count->no_route, 404, "there is nothing here");
	else if (status == 405)
		refuse(conn, &count->no_route, 405, "this is not done here");
	else
		start_body(conn);
	if (conn->state != CONN_BODY)
		return;
	/* A body that is read whole does no harm. */
	conn->close_after = !job->head.keep_alive;
	step_body(conn, bufferevent_get_input(conn->stream));
}

static void read_head(struct conn *conn, size_t size)
{
	struct server *server = conn->server;
	struct evbuffer *in = bufferevent_get_input(conn->stream);
	struct job *job = job_new(size);
	int status;

	conn->requests++;
	conn->allowed = 0;
	conn->job = job;
	if (!job) {
		refuse_and_close(conn, &server->count->no_memory, 503, "no memory");
		return;
	}
	take(in, job->text, size);
	status = http_head_read(job->text, size, &job->head);
	if (status) {
		const char *wrong = job->head.wrong;

		job->head.path = NULL;
		refuse_and_close(conn, &server->count->malformed, status, wrong);
		return;
	}
	if (conn->client &&
	    !clients_may(server->clients, conn->client, server_now_ms())) {
		conn->close_after |= job->head.length || !job->head.keep_alive;
		refuse(conn, &server->count->client_rate, 429, "you ask too often");
	} else if (conn->client &&
		   !bucket_take(&server->bucket, server->config->limits.rate,
				server->config->limits.burst, server_now_ms())) {
		conn->close_after |= job->head.length || !job->head.keep_alive;
		refuse(conn, &server->count->all_rate, 503, "too many ask");
	} else {
		route(conn);
	}
}

/* Where the head ends in what came, with its empty line; 0: not yet. Bytes that were
 * looked at are not looked at again, however slowly they come. */
static size_t find_end(struct conn *conn, struct evbuffer *in)
{
	struct evbuffer_ptr start, found;
	size_t size = evbuffer_get_length(in);
	size_t from = conn->searched > 3 ? conn->searched - 3 : 0;

	conn->searched = size;
	if (size < 4 || evbuffer_ptr_set(in, &start, from, EVBUFFER_PTR_SET))
		return 0;
	found = evbuffer_search(in, "\r\n\r\n", 4, &start);
	return found.pos < 0 ? 0 : (size_t)found.pos + 4;
}

static void step_head(struct conn *conn, struct evbuffer *in)
{
	size_t most = conn->server->config->limits.head_bytes;
	size_t size = find_end(conn, in);

	if (size > most || (!size && evbuffer_get_length(in) >= most))
		refuse_and_close(conn, &conn->server->count->malformed, 431,
				 "a head that is too large");
	else if (size)
		read_head(conn, size);
	else if (conn->ended)
		conn_free(conn);
}

/* As far as what came allows. Only one request is worked on, and what came behind it
 * waits, at most READ_AHEAD bytes of it: nobody fills memory by asking ahead. */
static void advance(struct conn *conn)
{
	struct evbuffer *in = bufferevent_get_input(conn->stream);

	if (conn->state == CONN_LINGER) {
		conn->searched += evbuffer_get_length(in);
		evbuffer_drain(in, evbuffer_get_length(in));
		if (conn->searched > LINGER_BYTES)
			conn_free(conn);
		return;
	}
	if (conn->state == CONN_IDLE && evbuffer_get_length(in)) {
		conn->searched = 0;
		set_deadline(conn, CONN_HEAD, conn->server->config->limits.head_seconds);
	}
	if (conn->state == CONN_HEAD)
		step_head(conn, in);
	else if (conn->state == CONN_IDLE && conn->ended)
		conn_free(conn);
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct conn *conn = context;

	(void)stream;
	if (conn->state == CONN_BODY)
		step_body(conn, bufferevent_get_input(conn->stream));
	else
		advance(conn);
}

static void on_written(struct bufferevent *stream, void *context)
{
	struct conn *conn = context;

	(void)stream;
	if (conn->state != CONN_REPLY)
		return;
	if (conn->close_after) {
		linger(conn);
		return;
	}
	set_deadline(conn, CONN_IDLE, conn->server->config->limits.idle_seconds);
	advance(conn);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct conn *conn = context;
	struct server *server = conn->server;

	if (what & BEV_EVENT_CONNECTED) {
		server->count->handshakes++;
		ack_now(conn);
		conn->has_client_key =
		    tls_client_key(bufferevent_openssl_get_ssl(stream), conn->client_key);
		ERR_clear_error();
		set_deadline(conn, CONN_IDLE, server->config->limits.head_seconds);
		return;
	}
	server->count->bad_handshakes += conn->state == CONN_HANDSHAKE;
	ERR_clear_error();
	if (what & BEV_EVENT_EOF &&
	    (conn->state == CONN_WORK || conn->state == CONN_REPLY)) {
		/* It has asked, and hears the answer. */
		conn->ended = true;
		bufferevent_disable(stream, EV_READ);
		return;
	}
	conn_free(conn);
}

void conn_expired(struct conn *conn)
{
	struct metrics_counters *count = conn->server->count;
	bool over = server_now_ms() >= session_end_ms(conn);

	if (over && (conn->state == CONN_HEAD || conn->state == CONN_BODY)) {
		refuse_over(conn);
		return;
	}
	switch (conn->state) {
	case CONN_HEAD:
		refuse_and_close(conn, &count->slow_head, 408,
				 "the head came too slowly");
		return;
	case CONN_BODY:
		refuse_and_close(conn, &count->slow_body, 408,
				 "the body came too slowly");
		return;
	case CONN_WORK:
		/* The worker goes on, for nobody. */
		conn->job->conn = NULL;
		conn->job = NULL;
		refuse_and_close(conn, &count->slow_work, 503, "it took too long");
		return;
	case CONN_HANDSHAKE:
		count->bad_handshakes++;
		break;
	case CONN_IDLE:
		count->idle++;
		break;
	case CONN_REPLY:
		count->slow_reply++;
		break;
	case CONN_LINGER:
		break;
	}
	conn_free(conn);
}

bool conn_has_tls(const struct conn *conn)
{
	return conn->session.conn || (conn->server->tls && !conn->listener->internal);
}

void conn_start(struct conn *conn)
{
	struct server *server = conn->server;
	/* Only what is needed is read ahead. */
	size_t most = server->config->limits.head_bytes;

	bufferevent_setcb(conn->stream, on_read, on_written, on_event, conn);
	bufferevent_setwatermark(conn->stream, EV_READ, 0,
				 most > READ_AHEAD ? most : READ_AHEAD);
	set_deadline(
	    conn, conn_has_tls(conn) && !conn->session.conn ? CONN_HANDSHAKE : CONN_IDLE,
	    server->config->limits.head_seconds);
	bufferevent_enable(conn->stream, EV_READ | EV_WRITE);
}
