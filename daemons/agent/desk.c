#include "desk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/secret.h"
#include "ipc/packet.h"

#define OBJECT "agent socket"

enum {
	/* Questions to the service at once, and then one more in each tick. What writes
	 * to the host's disk costs more. */
	CREDIT = 100,
	TICK_MS = 20,
	COST = 1,
	COST_INCREMENT = 5,
};

enum visitor_state {
	VISITOR_NEW,	  /* has asked nothing yet */
	VISITOR_WAITING,  /* for its turn */
	VISITOR_SERVED,	  /* the only one; the service is asked, or the job runs */
	VISITOR_AWAY,	  /* something else is waited for; others are served meanwhile */
	VISITOR_ANSWERED, /* until it takes the answer and leaves */
};

struct visitor {
	TAILQ_ENTRY(visitor) entry;
	struct desk *desk;
	enum visitor_state state;
	int fd;
	struct event *readable;
	struct packet packet; /* the question, from which ask borrows */
	struct ask ask;
	uint64_t number;
};

struct desk {
	struct desk_setup setup;
	int listener;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct event *incoming, *step, *tick;
	TAILQ_HEAD(, visitor) visitors; /* in the order in which they came */
	size_t visitor_count;
	uint64_t numbers;	/* the last one given */
	struct visitor *served; /* NULL: nobody */
	struct seal_job *job;	/* of the one who is served, when it needs one */
	unsigned credit;
};

static struct timeval milliseconds(int ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L};
}

static void visitor_free(struct visitor *visitor)
{
	struct desk *desk = visitor->desk;

	TAILQ_REMOVE(&desk->visitors, visitor, entry);
	if (desk->visitor_count-- == DESK_VISITORS)
		event_add(desk->incoming, NULL);
	if (visitor->readable)
		event_free(visitor->readable);
	packet_done(&visitor->packet);
	fd_close(&visitor->fd);
	free(visitor);
}

/* It has a moment to take the answer; it is not read from again. */
static void answer_with(struct visitor *visitor, const struct writer *out, const int *fds,
			size_t fd_count)
{
	struct desk *desk = visitor->desk;
	struct timeval patience = milliseconds(desk->setup.idle_ms);
	enum tobi_err err = wr_err(out);

	if (desk->served == visitor) {
		desk->served = NULL;
		seal_job_free(TAKE(desk->job));
	}
	packet_done(&visitor->packet);
	if (!err)
		err = packet_send(visitor->fd, wr_view(out), fds, fd_count, NULL);
	visitor->state = VISITOR_ANSWERED;
	if (err || event_add(visitor->readable, &patience))
		visitor_free(visitor);
}

static void answer(struct visitor *visitor, const struct writer *out, int content)
{
	answer_with(visitor, out, &content, content >= 0);
}

static void answer_fault(struct visitor *visitor, const struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_ASK);

	packet_write_fault(&out, ANSWER_FAULT, fault);
	answer(visitor, &out, -1);
}

static enum tobi_err serve_counter(struct visitor *visitor, struct tobi_fault *fault)
{
	const struct desk_setup *setup = &visitor->desk->setup;
	struct counter_wanted wanted = {.increment = visitor->ask.increment,
					.to = visitor->ask.to,
					.name = visitor->ask.name};
	enum tobi_err err = seal_choose_signer(
	    setup->identity, wanted.to, visitor->ask.signer, &wanted.signer, fault);

	if (err)
		return err;
	if (!setup->count) {
		setup->ask_counter(setup->context, &wanted);
		return TOBI_OK;
	}
	visitor->state = VISITOR_AWAY;
	visitor->desk->served = NULL;
	setup->count(setup->count_context, visitor->number, &wanted);
	return TOBI_OK;
}

static enum tobi_err serve_seal(struct visitor *visitor, struct tobi_fault *fault)
{
	struct desk *desk = visitor->desk;
	struct key_wanted wanted;
	enum tobi_err err = desk->setup.begin(desk->setup.begin_context, fault);

	if (!err)
		err = seal_job_new(desk->setup.identity, &visitor->ask,
				   visitor->packet.fds[0], &desk->job, &wanted, fault);
	if (!err)
		desk->setup.ask_key(desk->setup.context, &wanted);
	return err;
}

static struct visitor *next_waiting(struct desk *desk)
{
	struct visitor *visitor;

	TAILQ_FOREACH(visitor, &desk->visitors, entry)
	{
		if (visitor->state == VISITOR_WAITING)
			return visitor;
	}
	return NULL;
}

static void serve_next(struct desk *desk)
{
	struct timeval pause = milliseconds(TICK_MS);
	struct visitor *visitor;
	struct tobi_fault fault;

	while (!desk->served && (visitor = next_waiting(desk)) != NULL) {
		bool counter = visitor->ask.kind == ASK_COUNTER;
		unsigned cost = visitor->ask.increment ? COST_INCREMENT : COST;

		if (desk->credit < cost)
			break;
		desk->credit -= cost;
		visitor->state = VISITOR_SERVED;
		desk->served = visitor;
		fault = (struct tobi_fault){0};
		if (counter ? serve_counter(visitor, &fault)
			    : serve_seal(visitor, &fault))
			answer_fault(visitor, &fault);
	}
	if (desk->credit < CREDIT && !event_pending(desk->tick, EV_TIMEOUT, NULL))
		event_add(desk->tick, &pause);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct desk *desk = context;

	(void)fd, (void)what;
	if (desk->credit < CREDIT)
		desk->credit++;
	serve_next(desk);
}

static enum tobi_err take_question(struct visitor *visitor, struct tobi_fault *fault)
{
	enum tobi_err err =
	    ask_parse(wr_view(&visitor->packet.bytes), &visitor->ask, fault);
	size_t expected =
	    visitor->ask.kind == ASK_SEAL || visitor->ask.kind == ASK_UNSEAL;

	if (!err && visitor->packet.fd_count != expected)
		err = fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "descriptors",
				"%zu came with the question instead of %zu",
				visitor->packet.fd_count, expected);
	return err;
}

static void serve_peer(struct visitor *visitor)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_ASK);
	CLEANUP(fd_close) int collection = -1;
	const struct desk_setup *setup = &visitor->desk->setup;
	struct answer told = {.kind = ANSWER_PEER};
	struct tobi_fault fault = {0};

	if (setup->peer(setup->peer_context, &visitor->ask, &told.peer, &collection,
			&fault)) {
		answer_fault(visitor, &fault);
		return;
	}
	answer_write(&out, &told);
	answer(visitor, &out, collection);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct visitor *visitor = context;
	struct desk *desk = visitor->desk;
	struct tobi_fault fault = {0};
	enum tobi_err err;

	if (what & EV_TIMEOUT || visitor->state == VISITOR_ANSWERED) {
		visitor_free(visitor);
		return;
	}
	err = packet_receive((int)fd, LIMIT_ASK, &visitor->packet, &fault);
	if (err == TOBI_E_TIMEOUT) {
		struct timeval patience = milliseconds(desk->setup.idle_ms);

		event_add(visitor->readable, &patience);
		return;
	}
	if (err == TOBI_E_NOT_FOUND) {
		visitor_free(visitor);
		return;
	}
	if (!err)
		err = take_question(visitor, &fault);
	if (err) {
		answer_fault(visitor, &fault);
		return;
	}
	if (visitor->ask.kind == ASK_CONNECT) {
		visitor->state = VISITOR_AWAY;
		desk->setup.connect(desk->setup.connect_context, visitor->number,
				    visitor->ask.target, visitor->ask.policy);
		return;
	}
	if (visitor->ask.kind == ASK_PEER) {
		serve_peer(visitor);
		return;
	}
	visitor->state = VISITOR_WAITING;
	serve_next(desk);
}

/* NULL: it has gone. */
static struct visitor *find_away(struct desk *desk, uint64_t number)
{
	struct visitor *visitor;

	TAILQ_FOREACH(visitor, &desk->visitors, entry)
	{
		if (visitor->number == number && visitor->state == VISITOR_AWAY)
			break;
	}
	return visitor;
}

void desk_counted(struct desk *desk, uint64_t number, const struct tobi_counter *counter,
		  const struct tobi_fault *why)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_ASK);
	struct visitor *visitor = find_away(desk, number);

	if (!visitor)
		return;
	if (why) {
		answer_fault(visitor, why);
		return;
	}
	answer_write(&out, &(struct answer){.kind = ANSWER_COUNTER, .counter = *counter});
	answer(visitor, &out, -1);
}

void desk_connected(struct desk *desk, uint64_t number, const int *fds,
		    const struct tobi_fault *why)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_ASK);
	struct visitor *visitor = find_away(desk, number);

	if (visitor && fds) {
		answer_write(&out, &(struct answer){.kind = ANSWER_CONNECTED});
		answer_with(visitor, &out, fds, 2);
	} else if (visitor) {
		answer_fault(visitor, why);
	}
	for (size_t i = 0; fds && i < 2; i++)
		close(fds[i]);
}

/* From outside this PID namespace, as root of the host could through /proc, a peer has no
 * process id here. */
static bool may_ask(const struct desk *desk, int fd)
{
	uid_t uid = 0;
	pid_t pid = 0;

	return !packet_peer(fd, &uid, &pid, NULL) && pid > 0 &&
	       (uid == desk->setup.uid || uid == geteuid());
}

static void on_incoming(evutil_socket_t listener, short what, void *context)
{
	CLEANUP(fd_close)
	int fd = accept4((int)listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct desk *desk = context;
	struct timeval patience = milliseconds(desk->setup.idle_ms);
	struct visitor *visitor;

	(void)what;
	if (fd < 0 || !may_ask(desk, fd))
		return;
	visitor = calloc(1, sizeof(*visitor));
	if (!visitor)
		return;
	visitor->desk = desk;
	visitor->fd = fd;
	visitor->number = ++desk->numbers;
	fd = -1;
	TAILQ_INSERT_TAIL(&desk->visitors, visitor, entry);
	/* The next ones wait in the kernel. */
	if (++desk->visitor_count == DESK_VISITORS)
		event_del(desk->incoming);
	visitor->readable =
	    event_new(desk->setup.base, visitor->fd, EV_READ, on_readable, visitor);
	if (!visitor->readable || event_add(visitor->readable, &patience))
		visitor_free(visitor);
}

static void on_step(evutil_socket_t fd, short what, void *context)
{
	struct desk *desk = context;
	struct timeval soon = {0};
	struct tobi_fault fault = {0};
	int result = -1;

	(void)fd, (void)what;
	if (!desk->served || !desk->job)
		return;
	if (seal_job_step(desk->job, &result, &fault)) {
		answer_fault(desk->served, &fault);
	} else if (result < 0) {
		event_add(desk->step, &soon);
		return;
	} else {
		CLEANUP(wr_done) struct writer out = wr_init(LIMIT_ASK);

		answer_write(&out, &(struct answer){.kind = ANSWER_CONTENT});
		answer(desk->served, &out, result);
		fd_close(&result);
	}
	serve_next(desk);
}

static enum tobi_err open_socket(struct desk *desk, struct tobi_fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct desk_setup *setup = &desk->setup;
	int size =
	    snprintf(desk->path, sizeof(desk->path), "%s/" ASK_SOCKET, setup->folder);

	if (size < 0 || (size_t)size >= sizeof(desk->path))
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "", "its path is too long");
	bytes_copy(address.sun_path, sizeof(address.sun_path), desk->path,
		   sizeof(desk->path));
	desk->listener =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (desk->listener < 0 ||
	    bind(desk->listener, (struct sockaddr *)&address, sizeof(address))) {
		desk->path[0] = 0;
		return fault_errno(fault, OBJECT, "", "cannot be made in %s",
				   setup->folder);
	}
	if (chmod(desk->path, 0600) ||
	    (setup->uid != (uid_t)-1 && chown(desk->path, setup->uid, setup->gid)) ||
	    listen(desk->listener, DESK_VISITORS))
		return fault_errno(fault, OBJECT, "", "cannot be opened");
	return TOBI_OK;
}

enum tobi_err desk_new(const struct desk_setup *setup, struct desk **ret_desk,
		       struct tobi_fault *fault)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	enum tobi_err err;

	if (!desk)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	desk->setup = *setup;
	desk->listener = -1;
	desk->credit = CREDIT;
	TAILQ_INIT(&desk->visitors);
	err = open_socket(desk, fault);
	if (!err) {
		desk->incoming = event_new(setup->base, desk->listener,
					   EV_READ | EV_PERSIST, on_incoming, desk);
		desk->step = evtimer_new(setup->base, on_step, desk);
		desk->tick = evtimer_new(setup->base, on_tick, desk);
		if (!desk->incoming || !desk->step || !desk->tick ||
		    event_add(desk->incoming, NULL))
			err = fault_set(fault, TOBI_E_MEMORY, OBJECT, "",
					"no room for an event");
	}
	if (err) {
		desk_free(desk);
		return err;
	}
	*ret_desk = desk;
	return TOBI_OK;
}

void desk_free(struct desk *desk)
{
	struct visitor *first;

	if (!desk)
		return;
	seal_job_free(desk->job);
	desk->visitor_count = 0; /* nobody is let in any more */
	while ((first = TAILQ_FIRST(&desk->visitors)) != NULL) {
		desk->visitor_count = 1;
		visitor_free(first);
	}
	if (desk->incoming)
		event_free(desk->incoming);
	if (desk->step)
		event_free(desk->step);
	if (desk->tick)
		event_free(desk->tick);
	if (desk->path[0])
		unlink(desk->path);
	fd_close(&desk->listener);
	free(desk);
}

static enum tobi_err check_asked(const struct desk *desk, bool for_key,
				 struct tobi_fault *fault)
{
	if (desk->served && (desk->job != NULL) == for_key)
		return TOBI_OK;
	return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, for_key ? "key" : "counter",
			 "the service answered what was not asked");
}

enum tobi_err desk_key(struct desk *desk, const uint8_t key[static SEAL_KEY_SIZE],
		       struct tobi_fault *fault)
{
	struct tobi_fault why = {0};
	struct timeval soon = {0};
	enum tobi_err err = check_asked(desk, true, fault);

	if (err)
		return err;
	if (seal_job_key(desk->job, key, &why)) {
		answer_fault(desk->served, &why);
		serve_next(desk);
	} else {
		event_add(desk->step, &soon);
	}
	return TOBI_OK;
}

enum tobi_err desk_counter(struct desk *desk, const struct tobi_counter *counter,
			   struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_ASK);
	enum tobi_err err = check_asked(desk, false, fault);

	if (err)
		return err;
	answer_write(&out, &(struct answer){.kind = ANSWER_COUNTER, .counter = *counter});
	answer(desk->served, &out, -1);
	serve_next(desk);
	return TOBI_OK;
}

enum tobi_err desk_refused(struct desk *desk, const struct tobi_fault *why,
			   struct tobi_fault *fault)
{
	if (!desk->served)
		return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "fault",
				 "the service refused what was not asked");
	answer_fault(desk->served, why);
	serve_next(desk);
	return TOBI_OK;
}
