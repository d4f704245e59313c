#include "broker_world.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "base/secret.h"
#include "pki/cert.h"

struct broker_world world;

static int64_t now(void)
{
	return TEST_NOW;
}

/* ---- the service ---- */

struct report {
	uint8_t hash[32];
};

static void answer_report(evutil_socket_t fd, short what, void *context)
{
	CLEANUP(wr_done) struct writer token = wr_init(LIMIT_TOKEN);
	CLEANUP(freep) struct report *report = context;

	(void)fd, (void)what;
	world.scene.keep_claims_nonce = true;
	world.scene.claims.nonce = (struct tobi_bytes){report->hash, 32};
	test_scene_token(&world.scene, &token);
	world.scene.keep_claims_nonce = false;
	assert_int_equal(
	    evidence_token(world.evidence, wr_view(&token), (struct tobi_bytes){0}, NULL),
	    0);
}

static void on_report(void *context, const uint8_t hash[static 32])
{
	struct report *report = calloc(1, sizeof(*report));

	(void)context;
	assert_non_null(report);
	memcpy(report->hash, hash, 32);
	world.reports++;
	event_base_once(world.base, -1, EV_TIMEOUT, answer_report, report, NULL);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
	size_t n = (size_t)((uint64_t *)context - world.requests);
	const struct broker_answer *answer =
	    n < world.answer_count ? &world.answers[n] : NULL;

	(void)fd, (void)what;
	if (answer && answer->connect)
		broker_world_refuse(n, answer->connect);
	else
		broker_world_give(n);
}

static void on_connect(void *context, uint64_t request)
{
	(void)context;
	assert_true(world.asked < BROKER_MANY);
	world.requests[world.asked] = request;
	if (!world.held)
		event_base_once(world.base, -1, EV_TIMEOUT, on_turn,
				&world.requests[world.asked], NULL);
	world.asked++;
}

void broker_world_refuse(size_t n, enum tobi_err code)
{
	struct tobi_fault why = {.code = code, .message = "no such thing"};

	assert_int_equal(
	    broker_client_connected(world.client, world.requests[n], -1, &why, NULL), 0);
}

/* ---- the broker ---- */

static void need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			  void *context)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EVIDENCE);
	CLEANUP(wr_done) struct writer other = wr_init(LIMIT_CLAIMS_BUFFER);

	(void)context;
	wr_bytes(&other, claims_buffer.ptr, claims_buffer.size);
	/* Within its session's binder: the map is whole, and says something else. */
	if (world.other_session)
		other.ptr[other.size - 1] ^= 1;
	test_scene_session_evidence(&world.scene, wr_view(&other), &out);
	atls_conn_give_evidence(conn, wr_view(&out));
}

static void end_session(size_t n, bool in_order)
{
	if (in_order)
		atls_conn_finish(world.conns[n]);
	atls_conn_free(world.conns[n]);
	world.conns[n] = NULL;
}

static void on_drained(struct bufferevent *stream, void *context)
{
	size_t n = (size_t)((struct atls_conn **)context - world.conns);

	(void)stream;
	end_session(n, world.answers[n].closes);
}

static void on_read(struct bufferevent *stream, void *context)
{
	size_t n = (size_t)((struct atls_conn **)context - world.conns);
	char *heard = world.heard[n];
	const struct broker_answer *answer;
	size_t size;

	size = bufferevent_read(stream, heard + world.heard_size[n],
				sizeof(world.heard[n]) - 1 - world.heard_size[n]);
	world.heard_size[n] += size;
	if (!strstr(heard, "\r\n\r\n") || n >= world.answer_count)
		return;
	answer = &world.answers[n];
	if (answer->cut || answer->closes)
		bufferevent_setcb(stream, on_read, on_drained, NULL, context);
	if (answer->bytes)
		bufferevent_write(stream, answer->bytes,
				  answer->size ? answer->size : strlen(answer->bytes));
	else if (answer->cut || answer->closes)
		end_session(n, answer->closes);
}

static void opened(struct atls_conn *conn, void *context)
{
	struct tobi_bytes claims, collection;

	world.has_evidence = atls_conn_evidence(conn, &claims, &collection);
	bufferevent_setcb(atls_conn_stream(conn), on_read, NULL, NULL, context);
	bufferevent_enable(atls_conn_stream(conn), EV_READ | EV_WRITE);
}

static void closed(struct atls_conn *conn, const struct tobi_fault *fault, void *context)
{
	(void)conn, (void)fault, (void)context;
}

void broker_world_give(size_t n)
{
	static const struct atls_events events = {need_evidence, opened, closed};
	struct tobi_fault fault;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(broker_client_connected(world.client, world.requests[n], pair[0],
						 NULL, &fault),
			 0);
	world.sessions++;
	assert_int_equal(atls_conn_new(world.base, &world.peer, pair[1], &events,
				       &world.conns[n], &world.conns[n], &fault),
			 0);
}

/* ---- all of it ---- */

static void make_key(struct atls_endpoint *endpoint, struct writer *certificate)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "test",
				       .not_before = TEST_NOW - 10,
				       .not_after = TEST_NOW + 10};

	assert_int_equal(key_new(KEY_P256, &endpoint->key, NULL), 0);
	request.key = endpoint->key;
	*certificate = wr_init(LIMIT_CERTIFICATE);
	assert_int_equal(cert_make(&request, NULL, NULL, certificate, NULL), 0);
	endpoint->certificate = wr_view(certificate);
	endpoint->now = now;
}

static void make_policy(void)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);

	test_scene_make(&world.scene);
	world.scene.identity = "identity:\n  mode: any-instance\n";
	test_scene_policy(&world.scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &world.policy, NULL),
			 0);
}

static void on_done(void *context, int status, struct tobi_bytes body,
		    const struct tobi_fault *why)
{
	(void)context;
	world.done++;
	world.status = status;
	wr_done(&world.body);
	wr_bytes(&world.body, body.ptr, body.size);
	world.why = why ? *why : (struct tobi_fault){0};
}

void broker_world_get(const char *path)
{
	struct broker_call call = {
	    .method = "GET", .path = path, .reply_limit = 64, .done = on_done};

	assert_int_equal(broker_client_call(world.client, &call, NULL), 0);
}

void broker_world_renew(void)
{
	broker_client_free(world.client);
	world.client = NULL;
	assert_int_equal(broker_client_new(&world.setup, &world.client, NULL), 0);
}

void broker_world_make(bool pinned, bool attested)
{
	static const char *const protocols[] = {"tobichi-broker/1", NULL};
	struct evidence_setup with = {.report = on_report};

	signal(SIGPIPE, SIG_IGN); /* as in an agent */
	world = (struct broker_world){.base = event_base_new(), .body = wr_init(1024)};
	make_policy();
	make_key(&world.here, &world.certificates[0]);
	make_key(&world.peer, &world.certificates[1]);
	world.peer.role = TOBI_ROLE_SERVER;
	world.peer.collects = true;
	world.peer.attests = attested;
	world.peer.protocols = protocols;
	assert_int_equal(atls_tls_new(&world.peer, &world.peer.tls, NULL), 0);
	assert_int_equal(key_spki_sha384(world.peer.key, world.broker_key, NULL), 0);
	with.base = world.base;
	assert_int_equal(key_spki_sha256(world.here.key, with.spki_sha256, NULL), 0);
	assert_int_equal(evidence_new(&with, &world.evidence, NULL), 0);
	world.setup = (struct broker_client_setup){
	    .base = world.base,
	    .target = bytes_of_text(BROKER_TARGET),
	    .key = {world.broker_key, pinned ? sizeof(world.broker_key) : 0},
	    .policy = attested ? world.policy : NULL,
	    .like = &world.here,
	    .evidence = world.evidence,
	    .call_ms = 3600 * 1000,
	    .retry_ms = 1,
	    .connect = on_connect};
	broker_world_renew();
}

int broker_world_enter(void **state)
{
	(void)state;
	broker_world_make(true, false);
	return 0;
}

int broker_world_leave(void **state)
{
	(void)state;
	broker_client_free(world.client);
	broker_world_again();
	evidence_free(world.evidence);
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	event_base_free(world.base);
	SSL_CTX_free(world.peer.tls);
	EVP_PKEY_free(world.here.key);
	EVP_PKEY_free(world.peer.key);
	wr_done(&world.certificates[0]);
	wr_done(&world.certificates[1]);
	wr_done(&world.body);
	tobi_policy_free(world.policy);
	test_scene_done(&world.scene);
	return 0;
}

void broker_world_again(void)
{
	for (size_t i = 0; i < BROKER_MANY; i++) {
		atls_conn_free(world.conns[i]);
		world.conns[i] = NULL;
	}
	memset(world.heard, 0, sizeof(world.heard));
	memset(world.heard_size, 0, sizeof(world.heard_size));
	world.asked = world.done = 0;
}

void broker_world_turn(void)
{
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	usleep(500);
}
