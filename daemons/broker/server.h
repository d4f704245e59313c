/*
 * The server: listeners, connections, limits, and the end. One event loop reads requests
 * whole and writes replies; workers (pool.h) run the handlers between.
 *
 * Not evhttp: it cuts lines at zero bytes, joins folded lines, takes the first of two
 * lengths, and has neither deadlines nor limits by address.
 */
#ifndef TOBI_DAEMONS_BROKER_SERVER_H
#define TOBI_DAEMONS_BROKER_SERVER_H

#include <openssl/ssl.h>

#include "daemons/broker/clients.h"
#include "daemons/broker/config.h"
#include "daemons/broker/dispatch.h"
#include "daemons/broker/log.h"
#include "daemons/broker/metrics.h"
#include "daemons/broker/pool.h"

struct evconnlistener;
struct asking;
struct attesting;
struct attesting_self;
struct conn;
struct server;

struct listener {
	struct server *server;
	struct evconnlistener *accepting;
	bool internal; /* health, readiness and metrics only, without TLS */
	bool attested; /* attested TLS, in which clients prove what they are */
	struct listener *next;
};

struct server {
	const struct config *config;
	struct dispatch *dispatch;
	const struct broker_route *const *tables; /* NULL ends them */
	const struct broker_route *const *internal_tables;
	struct event_base *base;
	struct event *tick;
	struct listener *listeners;
	struct pool *pool;
	struct clients *clients;
	struct bucket bucket; /* of all clients together */
	struct metrics *metrics;
	struct metrics_counters *count;
	SSL_CTX *tls; /* NULL: none. Connections that are open keep theirs. */
	struct conn *conns;
	/* Inside an enclave: client_connect_now(); and connections of which the agent is
	 * asked. */
	enum tobi_err (*reach_agent)(int *ret_fd, struct tobi_fault *fault);
	struct asking *asking;
	/* Of attested TLS: who this side is there, and those whose session is not open
	 * yet.
	 */
	struct attesting_self *self;
	struct attesting *attesting;
	uint64_t conn_count, body_memory; /* of bodies, and of clients' evidence */
	uint64_t jobs;			  /* that the pool has */
	int64_t started, stop_by_ms;
	bool stopping;
	struct log_pace pace;
	char date[32]; /* for the header Date, of the second date_of */
	int64_t date_of;
};

/* server->base and config are set. Listens; who comes waits until the loop runs. */
TOBI_MUST_USE enum tobi_err server_listen(struct server *server,
					  struct tobi_fault *fault);
/* All else: dispatch, tables and tls are set. */
TOBI_MUST_USE enum tobi_err server_open(struct server *server, struct tobi_fault *fault);
/* No new connection; idle ones end, requests are answered, and then the loop ends: at the
 * latest after limits.stop-seconds. */
void server_stop(struct server *server);
void server_done(struct server *server);

int64_t server_now_ms(void);
uint64_t server_now_us(void);
/* Gives back what it had of the memory for bodies. Accepts NULL. */
void server_job_free(struct server *server, struct job *job);
/* /healthz and /metrics, which need no worker; false for another path. */
bool server_page(struct server *server, const struct listener *listener,
		 const struct http_head *head, struct broker_reply *reply);

#endif
