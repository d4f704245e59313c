/* A session: handshake, exchange, appraisal, and bytes from the client once it is open.
 */
#include "tests/check.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "tests/torture/alloc.h"
#include "tests/torture/failing.h"
#include "tests/unit/atls/world.h"

struct session;

struct side {
	struct session *session;
	struct atls_conn *conn;
	bool opened, closed;
};

struct session {
	struct world world;
	struct event_base *base;
	struct side client, server;
	size_t received;
	bool over;
};

/* Evidence comes from elsewhere: making it is not what is tested here. */
static void need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			  void *context)
{
	struct side *side = context;
	struct writer out = wr_init(LIMIT_EVIDENCE);
	bool counted = failing_pause();

	test_scene_session_evidence(&side->session->world.scene, claims_buffer, &out);
	failing_resume(counted);
	atls_conn_give_evidence(conn, wr_view(&out));
	wr_done(&out);
}

static void on_data(struct bufferevent *stream, void *context)
{
	struct session *session = context;
	struct evbuffer *input = bufferevent_get_input(stream);

	session->received += evbuffer_get_length(input);
	evbuffer_drain(input, evbuffer_get_length(input));
	session->over = true;
}

static void opened(struct atls_conn *conn, void *context)
{
	struct side *side = context;
	struct bufferevent *stream = atls_conn_stream(conn);

	side->opened = true;
	if (side == &side->session->server)
		bufferevent_setcb(stream, on_data, NULL, NULL, side->session);
	else
		bufferevent_write(stream, "data", 4);
}

static void closed(struct atls_conn *conn, const struct tobi_fault *fault, void *context)
{
	struct side *side = context;

	(void)conn;
	(void)fault;
	side->closed = true;
	side->session->over = true;
}

static const struct atls_events events = {need_evidence, opened, closed};

static void *prepare(bool good)
{
	struct session *session = calloc(1, sizeof(*session));

	assert_non_null(session);
	world_init(&session->world);
	session->world.scene.damage_signature = !good;
	return session;
}

static void *good(void)
{
	return prepare(true);
}

static void *damaged(void)
{
	return prepare(false);
}

/* Both ends are here, so that what has not come by now never comes. */
static void run(struct session *session)
{
	for (int i = 0; i < 400 && !session->over; i++)
		event_base_loop(session->base, EVLOOP_NONBLOCK);
}

static bool start(struct session *session, struct side *side,
		  const struct atls_endpoint *endpoint, int fd)
{
	*side = (struct side){.session = session};
	return !atls_conn_new(session->base, endpoint, fd, &events, side, &side->conn,
			      NULL);
}

static enum ending talk(void *context)
{
	struct session *session = context;
	enum ending ending = FAILED;
	int fds[2];

	session->received = 0;
	session->over = false;
	session->client = session->server = (struct side){.session = session};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
		return FAILED;
	session->base = event_base_new();
	if (!session->base) {
		close(fds[0]);
		close(fds[1]);
		return FAILED;
	}
	if (!start(session, &session->client, &session->world.client.endpoint, fds[0]))
		close(fds[1]);
	else if (start(session, &session->server, &session->world.server.endpoint,
		       fds[1]))
		run(session);
	if (session->server.opened || session->received)
		ending = ACCEPTED;
	else if (session->server.closed || session->client.closed)
		ending = REFUSED;
	atls_conn_free(session->client.conn);
	atls_conn_free(session->server.conn);
	event_base_free(session->base);
	return ending;
}

static void done(void *context)
{
	struct session *session = context;

	world_done(&session->world);
	free(session);
}

const struct scenario alloc_session[] = {
    {"a session with good evidence", ACCEPTED, good, talk, done},
    {"a session with a damaged signature", REFUSED, damaged, talk, done},
    {0},
};
