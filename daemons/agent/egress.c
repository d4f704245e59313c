#include "egress.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "atls/pump.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "idle.h"
#include "ipc/relay.h"
#include "trust.h"

#define OBJECT "egress"

enum {
	BACKLOG = 64,
	FULL_PAUSE_S = 1,
	/* The service counts a connection until its courier has ended, which takes a
	 * moment. */
	RETRIES = 50,
};

struct way {
	struct egress *egress;
	size_t entry;
	int fd;
	struct event *event;
};

/* One connection of the program's, from its acceptance on. */
struct passage {
	TAILQ_ENTRY(passage) entry;
	struct egress *egress;
	size_t way;
	uint64_t request;
	bool waits; /* for CONNECT to be sent */
	bool asked; /* CONNECT was sent and is not answered */
	unsigned retries;
	int program; /* until something below has it */
	int local;   /* the same, not owned: to see how long it is idle; -1 before */
	/* One of: */
	struct relay relay;
	bool relays;
	struct event *events[4]; /* of the relay: in and out, of each end */
	struct event *again;
	struct atls_conn *conn;
	struct atls_pump *pump;
	/* By egress_open(): */
	bool by_name;
	uint64_t number;
	bool told;		    /* opened() */
	int ended;		    /* the pipe's end of this side */
	struct tobi_policy *policy; /* of its own, with its endpoint; or NULL */
	struct atls_endpoint endpoint;
	char host[LIMIT_TARGET];
};

struct egress {
	struct egress_setup setup;
	struct way ways[LIMIT_PORTS];
	size_t way_count;
	bool paused, closed;
	struct event *full;  /* while paused: looks again */
	struct event *retry; /* asks again */
	uint64_t requests;
	TAILQ_HEAD(, passage) passages;
	size_t count, asked;
};

static void resume(struct egress *egress)
{
	if (!egress->paused || egress->closed)
		return;
	egress->paused = false;
	event_del(egress->full);
	for (size_t i = 0; i < egress->way_count; i++)
		event_add(egress->ways[i].event, NULL);
}

static void on_full_pause_over(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	resume(context);
}

static void pause_listening(struct egress *egress)
{
	static const struct timeval pause = {.tv_sec = FULL_PAUSE_S};

	egress->paused = true;
	event_add(egress->full, &pause);
	for (size_t i = 0; i < egress->way_count; i++)
		event_del(egress->ways[i].event);
}

/* failed: the program sees a reset, not an end. */
static void passage_free(struct passage *passage, bool failed)
{
	const struct linger reset = {.l_onoff = 1};
	struct egress *egress = passage->egress;

	TAILQ_REMOVE(&egress->passages, passage, entry);
	egress->count--;
	egress->asked -= passage->asked;
	evidence_forget(egress->setup.evidence, passage);
	for (size_t i = 0; i < 4; i++) {
		if (passage->events[i])
			event_free(passage->events[i]);
	}
	if (passage->again)
		event_free(passage->again);
	if (passage->relays)
		relay_done(&passage->relay, failed);
	atls_pump_free(passage->pump);
	atls_conn_free(passage->conn);
	if (failed && passage->program >= 0)
		IGNORE(setsockopt(passage->program, SOL_SOCKET, SO_LINGER, &reset,
				  sizeof(reset)));
	fd_close(&passage->program);
	fd_close(&passage->ended);
	SSL_CTX_free(passage->endpoint.tls);
	tobi_policy_free(passage->policy);
	free(passage);
}

/* A program that has gone before its peer (TOBI_E_SYSTEM) has cut nothing off from
 * itself.
 */
static void tell_end(struct passage *passage, const struct tobi_fault *fault)
{
	const struct egress_setup *setup = &passage->egress->setup;

	if (!passage->told)
		setup->refused(setup->context, passage->number, fault);
	else if (!fault || fault->code == TOBI_E_SYSTEM)
		IGNORE(write(passage->ended, "", 1) < 0);
}

static void passage_end(struct passage *passage, const struct tobi_fault *fault)
{
	struct egress *egress = passage->egress;
	struct tobi_fault named;

	if (fault) {
		const struct manifest_egress *way =
		    &egress->setup.manifest->egress[passage->way];

		named = *fault;
		IGNORE(fault_set(&named, fault->code, OBJECT, "", "%.*s: %s",
				 (int)way->target.size, (const char *)way->target.ptr,
				 fault->message));
		egress->setup.failed(egress->setup.context, &named);
	}
	if (passage->by_name)
		tell_end(passage, fault);
	passage_free(passage, fault);
	resume(egress);
	if (!egress->count)
		egress->setup.idle(egress->setup.idle_context);
}

/* ---- plain bytes ---- */

static void on_ready(evutil_socket_t fd, short what, void *context)
{
	struct passage *passage = context;
	struct tobi_fault fault;
	short wants[2];

	(void)fd, (void)what;
	switch (relay_turn(&passage->relay, wants)) {
	case RELAY_OVER:
		passage_end(passage, NULL);
		return;
	case RELAY_FAILED:
		fault_errno(&fault, OBJECT, "", "the connection was cut");
		passage_end(passage, &fault);
		return;
	case RELAY_BUSY:
		event_active(passage->again, EV_TIMEOUT, 0);
		break;
	case RELAY_WAITS:
		break;
	}
	for (size_t i = 0; i < 4; i++) {
		if (wants[i / 2] & (i % 2 ? POLLOUT : POLLIN))
			event_add(passage->events[i], NULL);
		else
			event_del(passage->events[i]);
	}
}

static enum tobi_err start_relay(struct passage *passage, int fd,
				 struct tobi_fault *fault)
{
	struct event_base *base = passage->egress->setup.base;
	const int fds[2] = {passage->program, fd};
	enum tobi_err err = relay_init(&passage->relay, fds[0], fds[1], fault);

	passage->program = -1;
	if (err)
		return err;
	passage->relays = true;
	passage->local = fds[0];
	for (size_t i = 0; i < 4; i++) {
		passage->events[i] = event_new(
		    base, fds[i / 2], i % 2 ? EV_WRITE : EV_READ, on_ready, passage);
		if (!passage->events[i])
			return fault_set(fault, TOBI_E_MEMORY, OBJECT, "",
					 "out of memory");
	}
	passage->again = evtimer_new(base, on_ready, passage);
	if (!passage->again)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	event_active(passage->again, EV_TIMEOUT, 0);
	return TOBI_OK;
}

/* ---- attested TLS ---- */

static void on_pump_ended(struct atls_pump *pump, const struct tobi_fault *fault,
			  void *context)
{
	(void)pump;
	passage_end(context, fault);
}

/* The program's end of a session that it has named: a socket, as if it had come by a
 * port. */
static enum tobi_err make_ends(struct passage *passage, int ret_fds[static 2],
			       struct tobi_fault *fault)
{
	int pair[2], ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return fault_errno(fault, OBJECT, "", "no socket pair");
	if (pipe2(ends, O_CLOEXEC)) {
		fault_errno(fault, OBJECT, "", "no pipe");
		close(pair[0]);
		close(pair[1]);
		return TOBI_E_SYSTEM;
	}
	evutil_make_socket_nonblocking(pair[0]);
	passage->program = pair[0];
	passage->ended = ends[1];
	ret_fds[0] = pair[1];
	ret_fds[1] = ends[0];
	return TOBI_OK;
}

static void on_opened(struct atls_conn *conn, void *context)
{
	const struct egress_setup *setup;
	struct passage *passage = context;
	struct tobi_fault fault;
	int fds[2], program;

	setup = &passage->egress->setup;
	if (passage->by_name) {
		if (make_ends(passage, fds, &fault)) {
			passage_end(passage, &fault);
			return;
		}
		passage->told = true;
		setup->opened(setup->context, passage->number, fds);
	}
	program = passage->program;
	passage->program = -1;
	if (atls_pump_new(passage->egress->setup.base, conn, program, program,
			  on_pump_ended, passage, &passage->pump, &fault))
		passage_end(passage, &fault);
	else
		passage->local = program;
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	(void)conn;
	passage_end(context, fault);
}

static void on_evidence(void *context, const struct writer *collection,
			const struct tobi_fault *why)
{
	struct passage *passage = context;

	if (collection)
		atls_conn_give_evidence(passage->conn, wr_view(collection));
	else
		atls_conn_cannot_attest(passage->conn, why);
}

static void on_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			     void *context)
{
	struct passage *passage = context;
	struct tobi_fault fault;

	if (evidence_for_session(passage->egress->setup.evidence, claims_buffer,
				 on_evidence, passage, &fault))
		atls_conn_cannot_attest(conn, &fault);
}

static enum tobi_err start_session(struct passage *passage, int fd,
				   struct tobi_fault *fault)
{
	static const struct atls_events events = {on_need_evidence, on_opened, on_closed};
	const struct egress_setup *setup = &passage->egress->setup;

	const struct atls_endpoint *endpoint =
	    passage->policy ? &passage->endpoint : &setup->endpoints[passage->way];

	return atls_conn_new(setup->base, endpoint, fd, &events, passage, &passage->conn,
			     fault);
}

/* ---- from the program ---- */

/* Oldest first, and no more at once than the service dials. */
static void ask_more(struct egress *egress)
{
	struct passage *passage;

	TAILQ_FOREACH(passage, &egress->passages, entry)
	{
		if (egress->asked == LIMIT_EGRESS_DIALING)
			return;
		if (!passage->waits)
			continue;
		passage->waits = false;
		passage->asked = true;
		passage->request = ++egress->requests;
		egress->asked++;
		egress->setup.connect(egress->setup.context, passage->request,
				      passage->way);
	}
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	ask_more(context);
}

static struct passage *passage_new(struct egress *egress, int fd, size_t way)
{
	struct passage *passage = calloc(1, sizeof(*passage));

	if (!passage)
		return NULL;
	passage->egress = egress;
	passage->way = way;
	passage->program = fd;
	passage->local = passage->ended = -1;
	passage->waits = true;
	TAILQ_INSERT_TAIL(&egress->passages, passage, entry);
	egress->count++;
	return passage;
}

static void passage_start(struct egress *egress, int fd, size_t way)
{
	int one = 1;

	IGNORE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	if (passage_new(egress, fd, way))
		ask_more(egress);
	else
		close(fd);
}

/* A place for one more, at the cost of the one that nobody has used for longest; false:
 * there is none. */
static bool make_room(struct egress *egress)
{
	struct passage *passage, *found = NULL;
	int64_t longest = 0;

	if (egress->count < egress->setup.max_sessions)
		return true;
	TAILQ_FOREACH(passage, &egress->passages, entry)
	{
		int64_t idle = passage->local < 0 ? -1 : idle_ms(passage->local);

		if (idle < egress->setup.idle_ms || (found && idle <= longest))
			continue;
		found = passage;
		longest = idle;
	}
	if (found)
		passage_free(found, true);
	return found;
}

static enum tobi_err own_policy(struct passage *passage, struct tobi_bytes yaml,
				struct tobi_fault *fault)
{
	const struct egress_setup *setup = &passage->egress->setup;
	enum tobi_err err =
	    tobi_policy_parse(yaml, "the program's", &passage->policy, fault);

	if (err)
		return err;
	trust_host(setup->manifest->egress[passage->way].target, passage->host,
		   sizeof(passage->host));
	return trust_endpoint(passage->policy, passage->host, setup->like,
			      &passage->endpoint, fault);
}

enum tobi_err egress_open(struct egress *egress, uint64_t number,
			  struct tobi_bytes target, struct tobi_bytes policy,
			  struct tobi_fault *fault)
{
	struct passage *passage;
	enum tobi_err err;
	size_t way = 0;

	err = trust_way(egress->setup.manifest, target, policy.size, &way, fault);
	if (err)
		return err;
	if (egress->closed || !make_room(egress))
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "",
				 "there are %zu connections out already", egress->count);
	passage = passage_new(egress, -1, way);
	if (!passage)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	passage->number = number;
	if (policy.size)
		err = own_policy(passage, policy, fault);
	if (err) {
		passage_free(passage, true);
		return err;
	}
	passage->by_name = true;
	ask_more(egress);
	return TOBI_OK;
}

static void on_connection(evutil_socket_t fd, short what, void *context)
{
	struct way *way = context;
	int program;

	(void)what;
	if (!make_room(way->egress)) {
		pause_listening(way->egress);
		return;
	}
	program = accept4((int)fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (program >= 0)
		passage_start(way->egress, program, way->entry);
}

static void refused(struct passage *passage, const struct tobi_fault *why)
{
	struct egress *egress = passage->egress;
	struct timeval pause = {.tv_sec = egress->setup.retry_ms / 1000,
				.tv_usec = egress->setup.retry_ms % 1000 * 1000};

	if (why->code == TOBI_E_LIMIT && passage->retries++ < RETRIES &&
	    event_add(egress->retry, &pause) == 0) {
		passage->waits = true;
		return;
	}
	passage_end(passage, why);
	ask_more(egress);
}

enum tobi_err egress_connected(struct egress *egress, uint64_t request, int fd,
			       const struct tobi_fault *why, struct tobi_fault *fault)
{
	struct tobi_fault failed;
	struct passage *passage;
	enum tobi_err err;

	TAILQ_FOREACH(passage, &egress->passages, entry)
	{
		if (passage->asked && passage->request == request)
			break;
	}
	if (!passage) {
		fd_close(&fd);
		return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "request",
				 "the service answered a CONNECT that is not open");
	}
	passage->asked = false;
	egress->asked--;
	if (fd < 0) {
		refused(passage, why);
		return TOBI_OK;
	}
	ask_more(egress);
	evutil_make_socket_nonblocking(fd);
	err = passage->by_name || egress->setup.endpoints[passage->way].tls
		  ? start_session(passage, fd, &failed)
		  : start_relay(passage, fd, &failed);
	if (err)
		passage_end(passage, &failed);
	return TOBI_OK;
}

/* ---- all of it ---- */

enum tobi_err egress_new(const struct egress_setup *setup, struct egress **ret_egress,
			 struct tobi_fault *fault)
{
	struct egress *egress = calloc(1, sizeof(*egress));

	if (!egress)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	egress->setup = *setup;
	TAILQ_INIT(&egress->passages);
	egress->full = evtimer_new(setup->base, on_full_pause_over, egress);
	egress->retry = evtimer_new(setup->base, on_retry, egress);
	if (!egress->full || !egress->retry) {
		egress_free(egress);
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	}
	*ret_egress = egress;
	return TOBI_OK;
}

void egress_free(struct egress *egress)
{
	struct passage *first;

	if (!egress)
		return;
	while ((first = TAILQ_FIRST(&egress->passages)) != NULL)
		passage_free(first, true);
	for (size_t i = 0; i < egress->way_count; i++) {
		if (egress->ways[i].event)
			event_free(egress->ways[i].event);
		fd_close(&egress->ways[i].fd);
	}
	if (egress->full)
		event_free(egress->full);
	if (egress->retry)
		event_free(egress->retry);
	free(egress);
}

static enum tobi_err open_way(struct egress *egress, struct way *way, uint16_t port,
			      struct tobi_fault *fault)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	way->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (way->fd < 0)
		return fault_errno(fault, OBJECT, "", "no socket");
	if (bind(way->fd, (struct sockaddr *)&at, sizeof(at)) || listen(way->fd, BACKLOG))
		return fault_errno(fault, OBJECT, "", "cannot listen on port %u", port);
	way->event = event_new(egress->setup.base, way->fd, EV_READ | EV_PERSIST,
			       on_connection, way);
	if (!way->event || event_add(way->event, NULL))
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	return TOBI_OK;
}

enum tobi_err egress_listen(struct egress *egress, struct tobi_fault *fault)
{
	const struct manifest *manifest = egress->setup.manifest;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < manifest->egress_count && !err; i++) {
		struct way *way = &egress->ways[egress->way_count++];

		*way = (struct way){.egress = egress, .entry = i, .fd = -1};
		err = open_way(egress, way, manifest->egress[i].port, fault);
	}
	return err;
}

void egress_close(struct egress *egress)
{
	egress->closed = true;
	event_del(egress->full);
	for (size_t i = 0; i < egress->way_count; i++)
		event_del(egress->ways[i].event);
}

bool egress_is_idle(const struct egress *egress)
{
	return egress->count == 0;
}
