#include "cli/attested.h"

#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>

#include "appraise/policy_files.h"
#include "atls/conn.h"
#include "atls/peer.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/channel.h"
#include "cli/cli.h"
#include "codec/http_reply.h"
#include "pki/cert.h"
#include "pki/chain.h"

#define OBJECT "broker"

enum { WAIT_S = 60, HOUR = 3600, HEAD_MAX = 4096 };

struct asking {
	struct attested_options *options;
	const struct attested_request *request;
	struct event_base *base;
	struct atls_endpoint endpoint;
	struct writer ca, certificate, received;
	struct http_reply reply; /* in it */
	struct tobi_policy *policy;
	struct tobi_collateral *collateral;
	struct atls_conn *conn;
	bool pinned, over;
	uint8_t pin[SHA384_SIZE];
	char host[256];
	struct tobi_fault fault; /* why it is over; code 0: with a reply */
};

static int64_t now(void)
{
	return time(NULL);
}

static void asking_done(struct asking *asking)
{
	atls_conn_free(asking->conn);
	if (asking->base) {
		/* Freed streams close on the loop. */
		event_base_loop(asking->base, EVLOOP_NONBLOCK);
		event_base_free(asking->base);
	}
	SSL_CTX_free(asking->endpoint.tls);
	EVP_PKEY_free(asking->endpoint.key);
	wr_done(&asking->ca);
	wr_done(&asking->certificate);
	wr_done(&asking->received);
	tobi_policy_free(asking->policy);
	tobi_collateral_free(asking->collateral);
}

static void end(struct asking *asking, const struct tobi_fault *fault)
{
	if (fault && !asking->over)
		asking->fault = *fault;
	asking->over = true;
	event_base_loopbreak(asking->base);
}

/* ---- the session ---- */

static bool has_the_key(const struct asking *asking, struct tobi_fault *fault)
{
	const struct tobi_bytes pin = {asking->pin, sizeof(asking->pin)};
	uint8_t peer[SHA384_SIZE];

	if (!asking->pinned)
		return true;
	if (atls_conn_peer(asking->conn, peer) &&
	    bytes_equal_secret((struct tobi_bytes){peer, sizeof(peer)}, pin))
		return true;
	fault_set(fault, TOBI_E_DENIED, OBJECT, "key",
		  "it has another key than --broker-key says; is it the broker? It was "
		  "told nothing");
	return false;
}

static bool is_certified(const struct asking *asking, struct tobi_fault *fault)
{
	SSL *ssl = bufferevent_openssl_get_ssl(atls_conn_stream(asking->conn));
	unsigned char *der[LIMIT_COSE_CHAIN] = {NULL};
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct chain_request request = {.certificates = list,
					.anchors_pem = wr_view(&asking->ca),
					.time = now(),
					.purpose = CHAIN_TLS_SERVER,
					.host_name = asking->endpoint.host_name};
	struct tobi_fault why = {0};
	enum tobi_err err = TOBI_E_CERTIFICATE;

	if (!asking->options->ca)
		return true;
	request.count = ssl ? atls_peer_chain(ssl, der, list) : 0;
	if (request.count)
		err = chain_verify(&request, "certificate", &key, &why);
	for (size_t i = 0; i < LIMIT_COSE_CHAIN; i++)
		OPENSSL_free(der[i]);
	if (err)
		fault_set(
		    fault, TOBI_E_DENIED, OBJECT, "certificate",
		    "it has no certificate by --ca for '%.100s': %.200s. It was told "
		    "nothing",
		    request.host_name, why.message);
	return !err;
}

static bool is_the_broker(const struct asking *asking, struct tobi_fault *fault)
{
	return has_the_key(asking, fault) && is_certified(asking, fault);
}

/* A stranger is not even shown what this machine is. */
static void on_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			     void *context)
{
	CLEANUP(wr_done) struct writer collection = wr_init(LIMIT_EVIDENCE);
	struct asking *asking = context;
	struct tobi_fault fault = {0};

	if (!is_the_broker(asking, &fault)) {
		end(asking, &fault);
	} else if (attest_session(&asking->options->platform, claims_buffer, &collection,
				  &fault)) {
		atls_conn_cannot_attest(conn, &fault);
		end(asking, &fault);
	} else {
		atls_conn_give_evidence(conn, wr_view(&collection));
	}
}

static void take_reply(struct asking *asking)
{
	struct tobi_fault fault = {0};
	enum tobi_err err;

	atls_conn_take(asking->conn, &asking->received);
	err = http_reply_read(wr_view(&asking->received), asking->request->reply_limit,
			      &asking->reply, &fault);
	if (err != TOBI_E_TRUNCATED || wr_err(&asking->received))
		end(asking, err ? &fault : NULL);
}

static void on_read(struct bufferevent *stream, void *context)
{
	(void)stream;
	take_reply(context);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct asking *asking = context;
	struct tobi_fault fault;

	(void)stream, (void)what;
	take_reply(asking);
	fault_set(&fault, TOBI_E_TRUNCATED, OBJECT, "reply",
		  "the connection ended before the reply was whole");
	if (!asking->over)
		end(asking, &fault);
}

static void on_opened(struct atls_conn *conn, void *context)
{
	struct asking *asking = context;
	const struct attested_request *request = asking->request;
	struct bufferevent *stream = atls_conn_stream(conn);
	struct tobi_fault fault = {0};
	CLEANUP(wr_done) struct writer head = wr_init(HEAD_MAX);

	wr_printf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n",
		  request->method, request->path, asking->options->target);
	if (request->body.size)
		wr_printf(&head, "Content-Length: %zu\r\n", request->body.size);
	wr_printf(&head, "\r\n");
	if (!is_the_broker(asking, &fault))
		end(asking, &fault);
	else if (strcmp(atls_conn_protocol(conn), ATLS_PROTOCOL_BROKER) != 0)
		end(asking, (fault_set(&fault, TOBI_E_PROTOCOL, OBJECT, "protocol",
				       "it does not speak " ATLS_PROTOCOL_BROKER),
			     &fault));
	if (asking->over)
		return;
	bufferevent_setcb(stream, on_read, NULL, on_event, asking);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
	if (wr_err(&head) ||
	    bufferevent_write(stream, wr_view(&head).ptr, wr_view(&head).size) ||
	    bufferevent_write(stream, request->body.ptr, request->body.size))
		end(asking,
		    (fault_set(&fault, TOBI_E_MEMORY, OBJECT, "", "out of memory"),
		     &fault));
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	struct asking *asking = context;
	struct tobi_fault ended;
	uint8_t peer[SHA384_SIZE];

	/* A stranger's reasons are of no interest; that it is one is. */
	asking->conn = conn;
	if (atls_conn_peer(conn, peer) && !is_the_broker(asking, &ended)) {
		end(asking, &ended);
		return;
	}
	fault_set(&ended, TOBI_E_TRUNCATED, OBJECT, "reply", "it has closed the session");
	end(asking, fault && fault->code ? fault : &ended);
}

/* ---- what is asked, and of whom ---- */

static enum tobi_err read_files(struct asking *asking, struct tobi_fault *fault)
{
	const struct attested_options *options = asking->options;
	enum tobi_err err = TOBI_OK;

	asking->pinned = options->key != NULL;
	if (options->key)
		err = cli_read_key_hash(options->key, "--broker-key", asking->pin, fault);
	if (!err && options->ca)
		err = file_read(options->ca, LIMIT_PEM, "--ca", &asking->ca, fault);
	if (!err && options->policy)
		err = policy_read_file(options->policy, &asking->policy, fault);
	if (!err && asking->policy && asking->policy->channel != CHANNEL_ATLS)
		err = fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "--broker-policy",
				"it is for another channel: a broker is asked over "
				"tobichi-atls/1");
	return err ? err
		   : collateral_paths_load(&options->collateral, &asking->collateral,
					   fault);
}

/* The key of this session alone; it is what the evidence is about. */
static enum tobi_err make_key(struct asking *asking, struct tobi_fault *fault)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "tobichi client",
				       .not_before = now() - HOUR,
				       .not_after = now() + HOUR};
	enum tobi_err err = key_new(KEY_P256, &asking->endpoint.key, fault);

	request.key = asking->endpoint.key;
	if (!err)
		err = cert_make(&request, NULL, NULL, &asking->certificate, fault);
	asking->endpoint.certificate = wr_view(&asking->certificate);
	return err;
}

static enum tobi_err set_up(struct asking *asking, struct tobi_fault *fault)
{
	static const char *const protocols[] = {ATLS_PROTOCOL_BROKER, NULL};
	const struct attested_options *options = asking->options;
	struct atls_endpoint *endpoint = &asking->endpoint;
	enum tobi_err err = read_files(asking, fault);

	if (!err)
		err = make_key(asking, fault);
	if (err)
		return err;
	endpoint->role = TOBI_ROLE_CLIENT;
	endpoint->policy = asking->policy;
	endpoint->collateral = asking->collateral;
	endpoint->attests = true;
	endpoint->protocols = protocols;
	endpoint->host_name = options->name ? options->name : asking->host;
	endpoint->now = now;
	err = atls_tls_new(endpoint, &endpoint->tls, fault);
	if (err)
		return err;
	asking->base = event_base_new();
	return asking->base ? TOBI_OK
			    : fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "no loop");
}

static enum tobi_err run(struct asking *asking, const char *port,
			 struct tobi_fault *fault)
{
	static const struct atls_events events = {on_need_evidence, on_opened, on_closed};
	const struct timeval wait = {.tv_sec = WAIT_S};
	const bool interrupted = false;
	struct dial_target target = {0};
	int fd = -1;
	enum tobi_err err = dial_first(asking->base, &interrupted, asking->host, port,
				       &target, &fd, fault);

	if (!err)
		err = atls_conn_new(asking->base, &asking->endpoint, fd, &events, asking,
				    &asking->conn, fault);
	if (err)
		return err;
	event_base_loopexit(asking->base, &wait);
	if (!asking->over)
		event_base_dispatch(asking->base);
	if (!asking->over)
		return fault_set(fault, TOBI_E_TIMEOUT, OBJECT, "",
				 "it has not answered in %d s", WAIT_S);
	if (fault)
		*fault = asking->fault;
	return asking->fault.code;
}

static void fill_reply(const struct asking *asking, struct attested_reply *ret_reply)
{
	const struct http_reply *reply = &asking->reply;
	const struct tobi_bytes bytes = wr_view(&asking->received);

	*ret_reply = (struct attested_reply){
	    .status = reply->status, .body = wr_init(asking->request->reply_limit)};
	wr_bytes(&ret_reply->body, reply->body.ptr, reply->body.size);
	IGNORE(http_reply_number(bytes, "tobichi-version", &ret_reply->version));
	ret_reply->has_log_index =
	    http_reply_number(bytes, "tobichi-log-index", &ret_reply->log_index);
	IGNORE(atls_conn_peer(asking->conn, ret_reply->key));
}

enum tobi_err attested_ask(struct attested_options *options,
			   const struct attested_request *request,
			   struct attested_reply *ret_reply, struct tobi_fault *fault)
{
	CLEANUP(asking_done)
	struct asking asking = {
	    .options = options,
	    .request = request,
	    .ca = wr_init(LIMIT_PEM),
	    .certificate = wr_init(LIMIT_CERTIFICATE),
	    .received = wr_init(LIMIT_HTTP_REPLY_HEAD + request->reply_limit)};
	char port[8];
	enum tobi_err err;

	if (!options->key && !options->policy && !options->ca)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "",
				 "whoever answers is not the broker for that: give "
				 "--broker-key, --broker-policy or --ca");
	if (!channel_split(options->target, asking.host, sizeof(asking.host), port,
			   sizeof(port)))
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "",
				 "'%.200s' is not HOST:PORT", options->target);
	err = set_up(&asking, fault);
	if (!err)
		err = run(&asking, port, fault);
	if (err)
		return err;
	fill_reply(&asking, ret_reply);
	return wr_err(&ret_reply->body);
}
