#include <stdlib.h>

#include <event2/buffer.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "proxy.h"

enum { OUTPUT_LIMIT = 64 << 10 }; /* replies that a peer does not take */

struct secrets_session {
	struct bufferevent *stream;
	struct secret_store *store;
	bool from_owner, over;
	void (*stored)(void *context);
	void (*ended)(void *session_context, bool in_order);
	void *context, *session_context;
};

static const char *const texts[] = {
    [SECRET_STORED] = NULL,
    [SECRET_NOT_ALLOWED] = "this name is not allowed here",
    [SECRET_EXISTS] = "a secret by this name exists already",
    [SECRET_TOO_LARGE] = "too large, or too many",
    [SECRET_NOT_OWNER] = "only the owner's key may send secrets",
    [SECRET_INTERNAL] = "the enclave cannot store it",
};

static void reply(struct secrets_session *session, enum secret_status status)
{
	CLEANUP(wr_done) struct writer out = wr_init(2048);

	secrets_write_reply(&out, status, texts[status]);
	if (wr_err(&out) ||
	    bufferevent_write(session->stream, wr_view(&out).ptr, wr_view(&out).size))
		session->over = true;
}

static void handle(struct secrets_session *session, struct tobi_bytes body)
{
	struct secrets_message message;
	enum secret_status status = SECRET_NOT_OWNER;

	if (secrets_message_parse(body, &message, NULL)) {
		session->over = true;
		return;
	}
	if (message.done) {
		reply(session, SECRET_STORED);
		return;
	}
	if (session->from_owner)
		status = secret_store_put(session->store, &message);
	reply(session, status);
	if (status == SECRET_STORED)
		session->stored(session->context);
}

/* One frame, when it is there whole. */
static bool take_frame(struct secrets_session *session, struct evbuffer *input)
{
	uint8_t head[4];
	size_t size;
	uint8_t *all;

	if (evbuffer_copyout(input, head, sizeof(head)) != (ssize_t)sizeof(head))
		return false;
	size = load_u32be(head);
	if (size == 0 || size > LIMIT_SECRETS_FRAME) {
		session->over = true;
		return false;
	}
	if (evbuffer_get_length(input) < size + sizeof(head))
		return false;
	all = evbuffer_pullup(input, (ssize_t)(size + sizeof(head)));
	if (!all) {
		session->over = true;
		return false;
	}
	handle(session, (struct tobi_bytes){all + sizeof(head), size});
	evbuffer_drain(input, size + sizeof(head));
	return !session->over;
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct secrets_session *session = context;

	while (take_frame(session, bufferevent_get_input(stream)))
		;
	if (session->over ||
	    evbuffer_get_length(bufferevent_get_output(stream)) > OUTPUT_LIMIT)
		session->ended(session->session_context, false);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct secrets_session *session = context;
	bool in_order = (what & BEV_EVENT_EOF) &&
			evbuffer_get_length(bufferevent_get_output(stream)) == 0;

	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
		session->ended(session->session_context, in_order);
}

struct secrets_session *
secrets_session_new(struct bufferevent *stream, struct secret_store *store,
		    bool from_owner, void (*stored)(void *context),
		    void (*ended)(void *session_context, bool in_order), void *context,
		    void *session_context)
{
	static const struct timeval idle = {.tv_sec = 60};
	struct secrets_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	*session = (struct secrets_session){.stream = stream,
					    .store = store,
					    .from_owner = from_owner,
					    .stored = stored,
					    .ended = ended,
					    .context = context,
					    .session_context = session_context};
	bufferevent_setcb(stream, on_read, NULL, on_event, session);
	bufferevent_setwatermark(stream, EV_READ, 0, LIMIT_SECRETS_FRAME + 4);
	bufferevent_set_timeouts(stream, &idle, &idle);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
	return session;
}

void secrets_session_free(struct secrets_session *session)
{
	free(session);
}
