#include "daemons/broker/asking.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "daemons/broker/attested.h"
#include "daemons/broker/conn.h"
#include "seal/client.h"
#include "seal/peer.h"

enum {
	ASKING_MS = 10000, /* for the answer, tries included */
	RETRY_MS = 10,	   /* the agent's queue is full: as often as that */
};

struct asking {
	struct asking *next, **link;
	const struct listener *listener;
	int fd, agent;
	struct ask ask;
	struct event *event;
	int64_t deadline_ms;
};

static void asking_free(struct asking *asking)
{
	struct server *server = asking->listener->server;

	*asking->link = asking->next;
	if (asking->next)
		asking->next->link = asking->link;
	server->conn_count--;
	if (asking->event)
		event_free(asking->event);
	fd_close(&asking->agent);
	fd_close(&asking->fd);
	free(asking);
}

/* Nobody knows who it is. */
static void turn_away(struct asking *asking, const struct tobi_fault *fault)
{
	struct server *server = asking->listener->server;

	server->count->unknown_peer++;
	if (server->config->log != LOG_NONE &&
	    log_may(&server->pace, server_now_ms() / 1000))
		log_fault("peer-unknown", fault);
	asking_free(asking);
}

/* For the limits by address; one that cannot be read counts as the loopback's. */
static void read_address(const char *text, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in6 *six = (void *)ret_address;
	struct sockaddr_in *four = (void *)ret_address;

	*ret_address = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		return;
	}
	four->sin_family = AF_INET;
	if (inet_pton(AF_INET, text, &four->sin_addr) != 1)
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static enum tobi_err make_known(const struct tobi_peer *peer,
				struct conn_known *ret_known, struct tobi_fault *fault)
{
	struct tobi_bytes claims = tobi_peer_claims_buffer(peer);
	struct conn_known known = {0};

	known.has_client_key = tobi_peer_key(peer, known.client_key);
	if (claims.size)
		known.attested = attested_new(claims, tobi_peer_collection(peer),
					      tobi_peer_address(peer));
	if (claims.size && !known.attested)
		return fault_set(fault, TOBI_E_MEMORY, "peer", "", "out of memory");
	*ret_known = known;
	return TOBI_OK;
}

static void answered(struct asking *asking, const struct packet *packet)
{
	const struct listener *listener = asking->listener;
	struct sockaddr_storage address;
	struct conn_known known = {0};
	struct tobi_peer *peer = NULL;
	struct tobi_fault fault = {0};
	enum tobi_err err = peer_take(packet, &peer, &fault);
	int fd;

	if (!err)
		err = peer_is_still(asking->fd, &asking->ask, &fault);
	if (!err)
		err = make_known(peer, &known, &fault);
	if (err) {
		turn_away(asking, &fault);
	} else {
		fd = asking->fd;
		asking->fd = -1;
		asking_free(asking);
		read_address(tobi_peer_address(peer), &address);
		conn_open_known(listener, fd, (struct sockaddr *)&address, &known);
	}
	attested_unref(known.attested);
	tobi_peer_free(peer);
}

static void on_answer(evutil_socket_t agent, short what, void *context)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct asking *asking = context;
	struct tobi_fault fault = {0};
	enum tobi_err err = packet_receive((int)agent, LIMIT_ASK, &packet, &fault);

	(void)what;
	if (err == TOBI_E_TIMEOUT && !event_add(asking->event, NULL))
		return;
	if (err)
		turn_away(asking, &fault);
	else
		answered(asking, &packet);
}

static void on_retry(evutil_socket_t fd, short what, void *context);

static enum tobi_err wait_for(struct asking *asking, int fd, event_callback_fn then,
			      struct tobi_fault *fault)
{
	const struct timeval soon = {.tv_usec = RETRY_MS * 1000};

	if (asking->event)
		event_free(asking->event);
	asking->event = event_new(asking->listener->server->base, fd,
				  fd < 0 ? EV_TIMEOUT : EV_READ, then, asking);
	if (!asking->event || event_add(asking->event, fd < 0 ? &soon : NULL))
		return fault_set(fault, TOBI_E_MEMORY, "peer", "", "out of memory");
	return TOBI_OK;
}

static void ask(struct asking *asking)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_ASK);
	struct tobi_fault fault = {0};
	enum tobi_err err = asking->listener->server->reach_agent(&asking->agent, &fault);

	ask_write(&out, &asking->ask);
	if (err == TOBI_E_TIMEOUT) {
		err = wait_for(asking, -1, on_retry, &fault);
	} else {
		/* The first packet of a connection has room. */
		if (!err)
			err = packet_send(asking->agent, wr_view(&out), NULL, 0, &fault);
		if (!err)
			err = wait_for(asking, asking->agent, on_answer, &fault);
	}
	if (err)
		turn_away(asking, &fault);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	ask(context);
}

void asking_start(const struct listener *listener, int fd)
{
	struct server *server = listener->server;
	struct asking *asking = calloc(1, sizeof(*asking));
	struct tobi_fault fault = {0};

	if (!asking) {
		server->count->no_memory++;
		evutil_closesocket(fd);
		return;
	}
	*asking = (struct asking){.listener = listener,
				  .fd = fd,
				  .agent = -1,
				  .next = server->asking,
				  .link = &server->asking,
				  .deadline_ms = server_now_ms() + ASKING_MS};
	if (asking->next)
		asking->next->link = &asking->next;
	server->asking = asking;
	server->conn_count++;
	if (peer_question(fd, &asking->ask, &fault))
		turn_away(asking, &fault);
	else
		ask(asking);
}

void asking_tick(struct server *server, int64_t now_ms)
{
	struct tobi_fault fault = {0};

	fault_set(&fault, TOBI_E_TIMEOUT, "peer", "", "the agent does not answer");
	for (struct asking *asking = server->asking, *next; asking; asking = next) {
		next = asking->next;
		if (now_ms >= asking->deadline_ms)
			turn_away(asking, &fault);
	}
}

void asking_done(struct server *server)
{
	while (server->asking)
		asking_free(server->asking);
}
