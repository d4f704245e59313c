#include "tobichi/atls.h"

#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "atls/conn.h"
#include "base/fault.h"
#include "pki/cert.h"

static const char object[] = "attested session";

struct tobi_atls {
	struct atls_endpoint endpoint;
	struct writer certificate;
	tobi_atls_evidence *evidence;
	void *context;
};

struct tobi_atls_session {
	const struct tobi_atls *endpoint;
	struct event_base *base;
	struct atls_conn *conn;
	bool opened;
	bool ended; /* in order */
	bool cut;   /* not so: what came before it is still good */
	bool closed;
	struct tobi_fault fault;
};

/* ---- endpoints ---- */

enum { CERTIFICATE_DAYS = 3650 };

static enum tobi_err make_certificate(struct tobi_atls *atls, struct tobi_fault *fault)
{
	int64_t now = atls->endpoint.now();
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "tobichi-atls",
				       .not_before = now - 3600,
				       .not_after =
					   now + CERTIFICATE_DAYS * INT64_C(86400),
				       .key = atls->endpoint.key};
	enum tobi_err err;

	atls->certificate = wr_init(LIMIT_CERTIFICATE);
	err = cert_make(&request, NULL, NULL, &atls->certificate, fault);
	atls->endpoint.certificate = wr_view(&atls->certificate);
	return err;
}

static enum tobi_err make_key(struct tobi_atls *atls,
			      const struct tobi_atls_options *options,
			      struct tobi_fault *fault)
{
	/* Whoever else holds the leaf key could stand in for the attester. */
	if (options->key_pem.size && options->evidence)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "key",
				 "a side that attests makes its own key");
	if (options->key_pem.size)
		return key_read_private(options->key_pem, "key", &atls->endpoint.key,
					fault);
	if (options->evidence || atls->endpoint.role == TOBI_ROLE_SERVER)
		return key_new(KEY_P256, &atls->endpoint.key, fault);
	return TOBI_OK;
}

static enum tobi_err endpoint_new(enum tobi_role role, const struct tobi_policy *policy,
				  const struct tobi_atls_options *options,
				  struct tobi_atls **ret_atls, struct tobi_fault *fault)
{
	struct tobi_atls *atls;
	enum tobi_err err;

	if (!options || !options->now || (!policy && !options->evidence))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "options",
				 "a clock, and a policy or evidence, are needed");
	atls = calloc(1, sizeof(*atls));
	if (!atls)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	atls->endpoint = (struct atls_endpoint){.role = role,
						.policy = policy,
						.attests = options->evidence,
						.protocols = options->protocols,
						.host_name = options->host_name,
						.collateral = options->collateral,
						.now = options->now};
	atls->evidence = options->evidence;
	atls->context = options->context;
	err = make_key(atls, options, fault);
	if (!err && atls->endpoint.key)
		err = make_certificate(atls, fault);
	if (!err)
		err = atls_tls_new(&atls->endpoint, &atls->endpoint.tls, fault);
	if (err) {
		tobi_atls_free(atls);
		return err;
	}
	*ret_atls = atls;
	return TOBI_OK;
}

enum tobi_err tobi_atls_client_new(const struct tobi_policy *policy,
				   const struct tobi_atls_options *options,
				   struct tobi_atls **ret_client,
				   struct tobi_fault *fault)
{
	return endpoint_new(TOBI_ROLE_CLIENT, policy, options, ret_client, fault);
}

enum tobi_err tobi_atls_server_new(const struct tobi_policy *policy,
				   const struct tobi_atls_options *options,
				   struct tobi_atls **ret_server,
				   struct tobi_fault *fault)
{
	return endpoint_new(TOBI_ROLE_SERVER, policy, options, ret_server, fault);
}

void tobi_atls_free(struct tobi_atls *atls)
{
	if (!atls)
		return;
	SSL_CTX_free(atls->endpoint.tls);
	EVP_PKEY_free(atls->endpoint.key);
	wr_done(&atls->certificate);
	free(atls);
}

/* ---- a session: a connection on a loop of its own ---- */

static void on_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			     void *context)
{
	struct tobi_atls_session *session = context;
	const struct tobi_atls *atls = session->endpoint;
	struct tobi_fault fault = {0};
	struct tobi_bytes collection;

	if (atls->evidence(atls->context, claims_buffer, &collection, &fault))
		atls_conn_cannot_attest(conn, &fault);
	else
		atls_conn_give_evidence(conn, collection);
}

/* Leaves what came in the stream's buffer; it only ends the wait. */
static void on_data(struct bufferevent *stream, void *context)
{
	(void)stream;
	(void)context;
}

static void on_stream_event(struct bufferevent *stream, short what, void *context)
{
	struct tobi_atls_session *session = context;

	(void)stream;
	if (what & BEV_EVENT_EOF) {
		session->ended = true;
	} else if (what & BEV_EVENT_ERROR) {
		fault_set(&session->fault, TOBI_E_PROTOCOL, object, "stream",
			  "the peer broke the connection off");
		session->cut = true;
	}
}

static void on_opened(struct atls_conn *conn, void *context)
{
	struct tobi_atls_session *session = context;

	session->opened = true;
	bufferevent_setcb(atls_conn_stream(conn), on_data, NULL, on_stream_event,
			  session);
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	struct tobi_atls_session *session = context;

	(void)conn;
	session->closed = true;
	if (fault)
		session->fault = *fault;
}

static enum tobi_err session_error(const struct tobi_atls_session *session,
				   struct tobi_fault *fault)
{
	if (fault)
		*fault = session->fault;
	return session->fault.code ? session->fault.code : TOBI_E_PROTOCOL;
}

static enum tobi_err argument_error(struct tobi_fault *fault, const char *field,
				    const char *message)
{
	return fault_set(fault, TOBI_E_ARGUMENT, object, field, "%s", message);
}

static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config) {
		/* The library reads no environment. */
		event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
		base = event_base_new_with_config(config);
		event_config_free(config);
	}
	return base;
}

enum tobi_err tobi_atls_open(const struct tobi_atls *atls, int fd,
			     struct tobi_atls_session **ret_session,
			     struct tobi_fault *fault)
{
	static const struct atls_events events = {on_need_evidence, on_opened, on_closed};
	struct tobi_atls_session *session;
	enum tobi_err err;

	*ret_session = NULL;
	if (fd < 0)
		return argument_error(fault, "socket", "there is none");
	if (!atls) {
		evutil_closesocket(fd);
		return argument_error(fault, "endpoint", "there is none");
	}
	session = calloc(1, sizeof(*session));
	if (session)
		session->base = new_base();
	if (!session || !session->base) {
		evutil_closesocket(fd);
		free(session);
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	}
	session->endpoint = atls;
	*ret_session = session;
	evutil_make_socket_nonblocking(fd);
	err = atls_conn_new(session->base, &atls->endpoint, fd, &events, session,
			    &session->conn, fault);
	if (err) {
		session->closed = true;
		fault_set(&session->fault, err, object, "", "it could not start");
		return err;
	}
	while (!session->opened && !session->closed &&
	       event_base_loop(session->base, EVLOOP_ONCE) == 0)
		continue;
	return session->opened && !session->closed ? TOBI_OK
						   : session_error(session, fault);
}

/* Waits for the next event; the session is over when there can be none. */
static void wait_event(struct tobi_atls_session *session)
{
	if (event_base_loop(session->base, EVLOOP_ONCE) == 0)
		return;
	fault_set(&session->fault, TOBI_E_SYSTEM, object, "",
		  "the event loop has failed");
	session->closed = true;
}

enum tobi_err tobi_atls_read(struct tobi_atls_session *session, void *ret_data,
			     size_t size, size_t *ret_size, struct tobi_fault *fault)
{
	struct evbuffer *input;
	int got;

	if (!session)
		return argument_error(fault, "session", "there is none");
	/* Nothing read would look like the end of the stream. */
	if (!size || !ret_data)
		return argument_error(fault, "read", "there is no room for a byte");
	if (session->closed || !session->opened)
		return session_error(session, fault);
	input = bufferevent_get_input(atls_conn_stream(session->conn));
	/* Once without waiting, so that a session past its age never gives data. */
	event_base_loop(session->base, EVLOOP_NONBLOCK);
	while (!session->closed && !session->ended && !session->cut &&
	       evbuffer_get_length(input) == 0)
		wait_event(session);
	if (session->closed || (session->cut && evbuffer_get_length(input) == 0))
		return session_error(session, fault);
	got = evbuffer_remove(input, ret_data, size);
	*ret_size = got > 0 ? (size_t)got : 0;
	return TOBI_OK;
}

enum tobi_err tobi_atls_write(struct tobi_atls_session *session, struct tobi_bytes data,
			      struct tobi_fault *fault)
{
	struct bufferevent *stream;

	if (!session)
		return argument_error(fault, "session", "there is none");
	if (data.size && !data.ptr)
		return argument_error(fault, "write", "the bytes are missing");
	if (session->closed || !session->opened)
		return session_error(session, fault);
	stream = atls_conn_stream(session->conn);
	event_base_loop(session->base, EVLOOP_NONBLOCK);
	/* The peer may have ended its direction; this one goes on. */
	bufferevent_enable(stream, EV_WRITE);
	if (!session->closed && !session->cut &&
	    bufferevent_write(stream, data.ptr, data.size) != 0)
		return fault_set(fault, TOBI_E_MEMORY, object, "write", "out of memory");
	while (!session->closed && !session->cut &&
	       evbuffer_get_length(bufferevent_get_output(stream)) > 0)
		wait_event(session);
	return session->closed || session->cut ? session_error(session, fault) : TOBI_OK;
}

void tobi_atls_close(struct tobi_atls_session *session)
{
	if (!session)
		return;
	if (session->opened && !session->closed && !session->cut)
		atls_conn_finish(session->conn);
	atls_conn_free(session->conn);
	/* The stream's own end runs on the loop. */
	event_base_loop(session->base, EVLOOP_NONBLOCK);
	event_base_free(session->base);
	free(session);
}

const struct tobi_result *tobi_atls_result(const struct tobi_atls_session *session)
{
	return session && session->conn ? atls_conn_result(session->conn) : NULL;
}

const char *tobi_atls_protocol(const struct tobi_atls_session *session)
{
	return session && session->conn ? atls_conn_protocol(session->conn) : "";
}

bool tobi_atls_peer_key(const struct tobi_atls_session *session, uint8_t ret_hash[48])
{
	return session && session->conn && ret_hash &&
	       atls_conn_peer(session->conn, ret_hash);
}
