#include "broker_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/http_reply.h"
#include "trust.h"

#define OBJECT "broker"

enum { PATH_MAX_SIZE = 1024, REQUEST_MAX = BROKER_BODY + 2 * PATH_MAX_SIZE };

/* One request, from the moment it is asked for on. */
struct call {
	TAILQ_ENTRY(call) entry;
	struct broker_client *client;
	struct broker_call wanted; /* its path and body are in request */
	struct writer request;	   /* as it is sent */
	struct writer reply;	   /* what has come of it */
	uint64_t number;
	bool asked; /* CONNECT was sent and is not answered */
	struct atls_conn *conn;
	struct event *deadline, *again;
};

struct broker_client {
	struct broker_client_setup setup;
	struct atls_endpoint endpoint;
	char host[LIMIT_TARGET];
	uint64_t requests;
	TAILQ_HEAD(, call) calls;
	size_t count;
};

static void call_free(struct call *call)
{
	evidence_forget(call->client->setup.evidence, call);
	if (call->deadline)
		event_free(call->deadline);
	if (call->again)
		event_free(call->again);
	atls_conn_free(call->conn);
	wr_done(&call->request);
	wr_done(&call->reply);
	free(call);
}

/* The callee may make another call, and may free the client: this one is its own by then.
 */
static void call_end(struct call *call, int status, struct tobi_bytes body,
		     const struct tobi_fault *why)
{
	struct broker_client *client = call->client;
	const struct tobi_bytes *target = &client->setup.target;
	struct tobi_fault named;

	/* It may be the connection's own. */
	if (why) {
		named = *why;
		IGNORE(fault_set(&named, why->code, OBJECT, why->field, "%.*s: %s",
				 (int)target->size, (const char *)target->ptr,
				 why->message));
	}
	TAILQ_REMOVE(&client->calls, call, entry);
	client->count--;
	evidence_forget(client->setup.evidence, call);
	event_del(call->deadline);
	event_del(call->again);
	if (!why)
		atls_conn_finish(call->conn);
	atls_conn_free(call->conn);
	call->conn = NULL;
	call->wanted.done(call->wanted.context, status, body, why ? &named : NULL);
	wr_done(&call->request);
	wr_done(&call->reply);
	event_free(call->deadline);
	event_free(call->again);
	free(call);
}

static void call_fail(struct call *call, const struct tobi_fault *why)
{
	call_end(call, 0, (struct tobi_bytes){0}, why);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct call *call = context;
	struct tobi_fault fault;

	(void)fd, (void)what;
	fault_set(&fault, TOBI_E_TIMEOUT, OBJECT, "", "it has not answered in time");
	call_fail(call, &fault);
}

/* ---- the reply ---- */

/* True when the call is over. */
static bool take_reply(struct call *call)
{
	struct http_reply reply = {0};
	struct tobi_fault fault;
	enum tobi_err err;

	atls_conn_take(call->conn, &call->reply);
	err = http_reply_read(wr_view(&call->reply), call->wanted.reply_limit, &reply,
			      &fault);
	if (err == TOBI_E_TRUNCATED && !call->reply.err)
		return false;
	if (err == TOBI_E_TRUNCATED)
		err = fault_set(&fault, call->reply.err, OBJECT, "reply",
				"there is no room for it");
	if (err)
		call_fail(call, &fault);
	else
		call_end(call, reply.status, reply.body, NULL);
	return true;
}

static void on_read(struct bufferevent *stream, void *context)
{
	(void)stream;
	take_reply(context);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct call *call = context;
	struct tobi_fault fault;

	(void)stream;
	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) ||
	    take_reply(call))
		return;
	fault_set(&fault, TOBI_E_TRUNCATED, OBJECT, "reply",
		  "the connection ended before the reply was whole");
	call_fail(call, &fault);
}

/* ---- the session ---- */

/* Constant in time: whose key it is not is nobody's to find out bit by bit. */
static bool is_the_broker(const struct call *call, struct tobi_fault *fault)
{
	struct tobi_bytes wanted = call->client->setup.key;
	uint8_t peer[SHA384_SIZE];

	if (!wanted.size)
		return true;
	if (atls_conn_peer(call->conn, peer) &&
	    bytes_equal_secret((struct tobi_bytes){peer, sizeof(peer)}, wanted))
		return true;
	fault_set(fault, TOBI_E_DENIED, OBJECT, "key",
		  "it has another key than the launch config pins; is it the broker? "
		  "`tobichi run --broker-key` names its key");
	return false;
}

static void wipe_sent(const void *bytes, size_t size, void *context)
{
	struct writer *request = context;

	(void)bytes, (void)size;
	wr_done(request);
	free(request);
}

/* False when there is no memory. The request's bytes are the stream's from then on. */
static bool send_request(struct call *call)
{
	struct bufferevent *stream = atls_conn_stream(call->conn);
	struct writer *given = malloc(sizeof(*given));

	if (!given)
		return false;
	*given = call->request;
	call->request = wr_init(0);
	if (evbuffer_add_reference(bufferevent_get_output(stream), given->ptr,
				   given->size, wipe_sent, given)) {
		wipe_sent(NULL, 0, given);
		return false;
	}
	return true;
}

static void on_opened(struct atls_conn *conn, void *context)
{
	struct call *call = context;
	struct bufferevent *stream = atls_conn_stream(conn);
	struct tobi_fault fault = {0};

	if (!is_the_broker(call, &fault)) {
		call_fail(call, &fault);
		return;
	}
	if (strcmp(atls_conn_protocol(conn), ATLS_PROTOCOL_BROKER) != 0)
		fault_set(&fault, TOBI_E_PROTOCOL, OBJECT, "protocol",
			  "it does not speak " ATLS_PROTOCOL_BROKER);
	else if (!send_request(call))
		fault_set(&fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	if (fault.code) {
		call_fail(call, &fault);
		return;
	}
	bufferevent_setcb(stream, on_read, NULL, on_event, call);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	struct tobi_fault ended;

	(void)conn;
	fault_set(&ended, TOBI_E_TRUNCATED, OBJECT, "reply", "it has closed the session");
	call_fail(context, fault && fault->code ? fault : &ended);
}

static void on_evidence(void *context, const struct writer *collection,
			const struct tobi_fault *why)
{
	struct call *call = context;

	if (collection)
		atls_conn_give_evidence(call->conn, wr_view(collection));
	else
		atls_conn_cannot_attest(call->conn, why);
}

/* A stranger is not even shown what this enclave is. */
static void on_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			     void *context)
{
	struct call *call = context;
	struct tobi_fault fault;

	if (!is_the_broker(call, &fault))
		call_fail(call, &fault);
	else if (evidence_for_session(call->client->setup.evidence, claims_buffer,
				      on_evidence, call, &fault))
		atls_conn_cannot_attest(conn, &fault);
}

/* ---- calls ---- */

static void ask(struct call *call)
{
	struct broker_client *client = call->client;

	call->asked = true;
	call->number = BROKER_REQUESTS + ++client->requests;
	client->setup.connect(client->setup.context, call->number);
}

static void on_again(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	ask(context);
}

static bool is_path(const char *path)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
				      "yz0123456789-._~!$&'()*+,;=:@/%";

	return path[0] == '/' && strlen(path) <= PATH_MAX_SIZE &&
	       strspn(path, allowed) == strlen(path);
}

static void write_request(struct call *call)
{
	const struct broker_call *wanted = &call->wanted;
	struct tobi_bytes host = call->client->setup.target;

	call->request = wr_init(REQUEST_MAX);
	wr_printf(&call->request, "%s %s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n",
		  wanted->method, wanted->path, (int)host.size, (const char *)host.ptr);
	if (wanted->body.size)
		wr_printf(&call->request, "Content-Length: %zu\r\n", wanted->body.size);
	wr_printf(&call->request, "\r\n");
	wr_bytes(&call->request, wanted->body.ptr, wanted->body.size);
	call->wanted.path = NULL;
	call->wanted.body = (struct tobi_bytes){0};
}

static struct call *call_new(struct broker_client *client,
			     const struct broker_call *wanted)
{
	const struct timeval limit = {.tv_sec = client->setup.call_ms / 1000,
				      .tv_usec = client->setup.call_ms % 1000 * 1000};
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->client = client;
	call->wanted = *wanted;
	call->deadline = evtimer_new(client->setup.base, on_deadline, call);
	call->again = evtimer_new(client->setup.base, on_again, call);
	call->reply = wr_init(LIMIT_HTTP_REPLY_HEAD + wanted->reply_limit);
	write_request(call);
	if (call->deadline && call->again && !wr_err(&call->request) &&
	    event_add(call->deadline, &limit) == 0)
		return call;
	call_free(call);
	return NULL;
}

enum tobi_err broker_client_call(struct broker_client *client,
				 const struct broker_call *wanted,
				 struct tobi_fault *fault)
{
	struct call *call;

	if (!client)
		return fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "",
				 "the launch names no broker: `tobichi run --broker`");
	if (!is_path(wanted->path))
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "path", "it is none");
	if (wanted->body.size > BROKER_BODY)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "body",
				 "it has more than %d bytes", BROKER_BODY);
	if (client->count == BROKER_CALLS)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "",
				 "%d requests are open already", BROKER_CALLS);
	call = call_new(client, wanted);
	if (!call)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	TAILQ_INSERT_TAIL(&client->calls, call, entry);
	client->count++;
	ask(call);
	return TOBI_OK;
}

/* No room for one more connection now is no answer of the broker's. */
static void not_connected(struct call *call, const struct tobi_fault *why)
{
	int64_t ms = call->client->setup.retry_ms;
	const struct timeval pause = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (why->code != TOBI_E_LIMIT || event_add(call->again, &pause))
		call_fail(call, why);
}

enum tobi_err broker_client_connected(struct broker_client *client, uint64_t request,
				      int fd, const struct tobi_fault *why,
				      struct tobi_fault *fault)
{
	static const struct atls_events events = {on_need_evidence, on_opened, on_closed};
	struct tobi_fault failed;
	struct call *call;

	TAILQ_FOREACH(call, &client->calls, entry)
	{
		if (call->asked && call->number == request)
			break;
	}
	if (!call) {
		fd_close(&fd);
		/* One that has run out of time may have its answer yet. */
		if (request > BROKER_REQUESTS &&
		    request <= BROKER_REQUESTS + client->requests)
			return TOBI_OK;
		return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "request",
				 "the service answered a CONNECT that is not open");
	}
	call->asked = false;
	if (fd < 0) {
		not_connected(call, why);
		return TOBI_OK;
	}
	evutil_make_socket_nonblocking(fd);
	if (atls_conn_new(client->setup.base, &client->endpoint, fd, &events, call,
			  &call->conn, &failed))
		call_fail(call, &failed);
	return TOBI_OK;
}

/* ---- all of it ---- */

static enum tobi_err make_endpoint(struct broker_client *client, struct tobi_fault *fault)
{
	static const char *const protocols[] = {ATLS_PROTOCOL_BROKER, NULL};
	const struct broker_client_setup *setup = &client->setup;
	enum tobi_err err;

	trust_host(setup->target, client->host, sizeof(client->host));
	err = trust_endpoint(setup->policy, client->host, setup->like, &client->endpoint,
			     fault);
	/* The broker must always be shown evidence, and asks for a protocol by name. */
	client->endpoint.protocols = protocols;
	return err;
}

enum tobi_err broker_client_new(const struct broker_client_setup *setup,
				struct broker_client **ret_client,
				struct tobi_fault *fault)
{
	struct broker_client *client;
	enum tobi_err err;

	if (!setup->key.size && !setup->policy)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "",
				 "its key, or a policy for it, is needed");
	if (setup->policy && setup->policy->channel != CHANNEL_ATLS)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "policy",
				 "channel tobichi-atls/1 is needed: a broker that shows "
				 "evidence in its certificate asks for none");
	client = calloc(1, sizeof(*client));
	if (!client)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	client->setup = *setup;
	TAILQ_INIT(&client->calls);
	err = make_endpoint(client, fault);
	if (err) {
		broker_client_free(client);
		return err;
	}
	*ret_client = client;
	return TOBI_OK;
}

void broker_client_free(struct broker_client *client)
{
	struct call *first;

	if (!client)
		return;
	while ((first = TAILQ_FIRST(&client->calls)) != NULL) {
		TAILQ_REMOVE(&client->calls, first, entry);
		call_free(first);
	}
	SSL_CTX_free(client->endpoint.tls);
	free(client);
}
