#include "daemons/broker/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/listener.h>

#include "base/fault.h"
#include "base/limits.h"
#include "daemons/broker/asking.h"
#include "daemons/broker/conn.h"
#include "daemons/broker/tls.h"

enum { TICK_US = 250000, BACKLOG = 1024, METRICS_SIZE = 1 << 20 };

static const char object[] = "broker";

int64_t server_now_ms(void)
{
	return (int64_t)(server_now_us() / 1000);
}

uint64_t server_now_us(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void server_job_free(struct server *server, struct job *job)
{
	if (job && job->body)
		server->body_memory -= job->body_size;
	job_free(job);
}

static void on_accept(struct evconnlistener *accepting, evutil_socket_t fd,
		      struct sockaddr *address, int size, void *context)
{
	const struct listener *listener = context;
	struct server *server = listener->server;

	(void)accepting, (void)size;
	if (server->conn_count >= server->config->limits.connections) {
		server->count->full++;
		evutil_closesocket(fd);
		return;
	}
	if (listener->attested)
		attesting_start(listener, (int)fd, address);
	else if (server->config->inside && !listener->internal)
		asking_start(listener, (int)fd);
	else
		conn_open(listener, (int)fd, address);
}

/* No descriptors: those that wait are taken when there are some, a tick later. */
static void on_accept_failed(struct evconnlistener *accepting, void *context)
{
	const struct listener *listener = context;

	listener->server->count->full++;
	if (log_may(&listener->server->pace, server_now_ms() / 1000))
		log_event("error", "accept-failed", "reason", strerror(errno));
	evconnlistener_disable(accepting);
}

enum listener_kind { LISTEN_USUAL, LISTEN_INTERNAL, LISTEN_ATTESTED };

static enum tobi_err listen_on(struct server *server, const char *where,
			       enum listener_kind kind, struct tobi_fault *fault)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	struct sockaddr_storage address = {0};
	int size = sizeof(address);

	if (!listener ||
	    evutil_parse_sockaddr_port(where, (struct sockaddr *)&address, &size)) {
		free(listener);
		return fault_set(fault, TOBI_E_MEMORY, object, "listen", "out of memory");
	}
	*listener = (struct listener){.server = server,
				      .internal = kind == LISTEN_INTERNAL,
				      .attested = kind == LISTEN_ATTESTED,
				      .next = server->listeners};
	server->listeners = listener;
	listener->accepting = evconnlistener_new_bind(
	    server->base, on_accept, listener,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, BACKLOG,
	    (struct sockaddr *)&address, size);
	if (!listener->accepting)
		return fault_errno(fault, object, "listen", "cannot listen on %s", where);
	evconnlistener_set_error_cb(listener->accepting, on_accept_failed);
	return TOBI_OK;
}

static void close_listeners(struct server *server)
{
	while (server->listeners) {
		struct listener *listener = server->listeners;

		/* Connections name the listener that they came by: it stays. */
		server->listeners = listener->next;
		if (listener->accepting)
			evconnlistener_free(listener->accepting);
		listener->accepting = NULL;
		free(listener);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct server *server = context;
	int64_t now = server_now_ms();

	(void)fd, (void)what;
	for (struct conn *conn = server->conns, *next; conn; conn = next) {
		next = conn->next;
		if (now >= conn->deadline_ms)
			conn_expired(conn);
	}
	asking_tick(server, now);
	if (!server->stopping) {
		for (struct listener *l = server->listeners; l; l = l->next)
			evconnlistener_enable(l->accepting);
		return;
	}
	if ((!server->conns && !server->jobs) || now >= server->stop_by_ms)
		event_base_loopbreak(server->base);
}

/* In a worker's thread: of the server it looks at what never changes only. */
static void run(void *context, struct job *job)
{
	const struct server *server = context;

	dispatch_run(server->dispatch, job);
}

static void on_done(void *context, struct job *job)
{
	struct server *server = context;

	server->jobs--;
	server->count->denied += job->denied;
	if (job->err) {
		server->count->failures++;
		log_fault("request-failed", &job->fault);
	}
	if (job->conn)
		conn_answer(job->conn, job);
	server_job_free(server, job);
}

static enum tobi_err open_parts(struct server *server, struct tobi_fault *fault)
{
	const struct config_limits *limits = &server->config->limits;
	const struct clients_limits each = {(unsigned)limits->client_connections,
					    limits->client_rate, limits->client_burst};
	const struct pool_setup workers = {.workers = (unsigned)limits->workers,
					   .queue = (unsigned)limits->queue,
					   .base = server->base,
					   .run = run,
					   .done = on_done,
					   .context = server};
	enum tobi_err err = clients_new(&each, &server->clients, fault);

	if (!err)
		err = metrics_new(server->tables, &server->metrics, fault);
	if (!err)
		server->count = metrics_counters(server->metrics);
	return err ? err : pool_new(&workers, &server->pool, fault);
}

enum tobi_err server_listen(struct server *server, struct tobi_fault *fault)
{
	const struct config *config = server->config;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < config->listen_count && !err; i++)
		err = listen_on(server, config->listen[i], LISTEN_USUAL, fault);
	for (size_t i = 0; i < config->attested_count && !err; i++)
		err = listen_on(server, config->attested[i], LISTEN_ATTESTED, fault);
	if (!err && config->metrics)
		err = listen_on(server, config->metrics, LISTEN_INTERNAL, fault);
	return err;
}

enum tobi_err server_open(struct server *server, struct tobi_fault *fault)
{
	const struct timeval tick = {0, TICK_US};
	enum tobi_err err = open_parts(server, fault);

	if (err)
		return err;
	bucket_fill(&server->bucket, server->config->limits.burst, server_now_ms());
	server->started = time(NULL);
	server->tick = event_new(server->base, -1, EV_PERSIST, on_tick, server);
	if (!server->tick || event_add(server->tick, &tick))
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	return TOBI_OK;
}

void server_stop(struct server *server)
{
	if (server->stopping) {
		/* Told twice: at once. */
		event_base_loopbreak(server->base);
		return;
	}
	server->stopping = true;
	server->stop_by_ms =
	    server_now_ms() + (int64_t)server->config->limits.stop_seconds * 1000;
	for (struct listener *l = server->listeners; l; l = l->next)
		evconnlistener_disable(l->accepting);
	asking_done(server);
	attesting_done(server);
	for (struct conn *conn = server->conns, *next; conn; conn = next) {
		next = conn->next;
		if (conn->state == CONN_IDLE || conn->state == CONN_HANDSHAKE)
			conn_free(conn);
		else
			conn->close_after = true;
	}
}

void server_done(struct server *server)
{
	/* First those that may hold a job, then the pool, which frees what it has. */
	asking_done(server);
	attesting_done(server);
	while (server->conns)
		conn_free(server->conns);
	pool_free(server->pool);
	close_listeners(server);
	if (server->tick)
		event_free(server->tick);
	metrics_free(server->metrics);
	clients_free(server->clients);
	SSL_CTX_free(server->tls);
	attesting_self_unref(server->self);
}

static void write_metrics(struct server *server, struct broker_reply *reply)
{
	struct metrics_gauges gauges = {.connections = server->conn_count,
					.body_memory = server->body_memory,
					.certificate_expiry =
					    (uint64_t)tls_expiry(server->tls),
					.started = server->started};

	pool_load(server->pool, &gauges.queue, &gauges.working);
	*reply = (struct broker_reply){200, .content_type = "text/plain; version=0.0.4",
				       .body = wr_init(METRICS_SIZE)};
	metrics_write(server->metrics, &gauges, &reply->body);
}

bool server_page(struct server *server, const struct listener *listener,
		 const struct http_head *head, struct broker_reply *reply)
{
	bool metrics = listener->internal || server->config->metrics_on_main;

	if (head->method != HTTP_GET)
		return false;
	if (strcmp(head->path, "/healthz") == 0) {
		*reply = (struct broker_reply){200, .content_type = "text/plain",
					       .body = wr_init(8)};
		wr_printf(&reply->body, "ok\n");
		return true;
	}
	if (!metrics || strcmp(head->path, "/metrics") != 0)
		return false;
	write_metrics(server, reply);
	return true;
}
