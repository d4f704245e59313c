/* A program that judges: what the agent tells it of who is behind a connection. Real
 * sockets and sessions; the test is the program, too. */
#include "tests/bytes.h"
#include "tests/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "peer.h"
#include "seal/memfile.h"
#include "seal/peer.h"
#include "tests/evidence.h"

static int64_t now(void)
{
	return TEST_NOW;
}

struct client {
	struct house *house;
	struct atls_conn *conn;
	bool opened, closed;
	bool large;	       /* its evidence is as large as there may be */
	bool damaged;	       /* its signature is wrong */
	struct writer replays; /* evidence over these claims instead, if any */
};

struct house {
	struct test_scene scene;
	struct tobi_policy *policy;
	struct event_base *base;
	struct atls_endpoint server, client;
	struct writer certificate;
	struct evidence *evidence;
	struct proxy *proxy;
	int outside, inside; /* listening sockets */
	uint16_t port, inner_port;
	EVP_PKEY *key;
	struct peer_source source;
};

struct report {
	struct house *house;
	uint8_t hash[32];
};

/* The platform's answer: a token over the hash that the agent has reported. */
static void answer(evutil_socket_t fd, short what, void *context)
{
	CLEANUP(wr_done) struct writer token = wr_init(LIMIT_TOKEN);
	struct report *report = context;
	struct test_scene *scene = &report->house->scene;

	(void)fd;
	(void)what;
	scene->keep_claims_nonce = true;
	scene->claims.nonce = (struct tobi_bytes){report->hash, 32};
	test_scene_token(scene, &token);
	assert_int_equal(evidence_token(report->house->evidence, wr_view(&token),
					(struct tobi_bytes){0}, NULL),
			 0);
	free(report);
}

static void on_report(void *context, const uint8_t hash[static 32])
{
	struct house *house = context;
	struct report *report = calloc(1, sizeof(*report));

	assert_non_null(report);
	report->house = house;
	memcpy(report->hash, hash, 32);
	event_base_once(house->base, -1, EV_TIMEOUT, answer, report, NULL);
}

static void nothing(void *context)
{
	(void)context;
}

static int listen_somewhere(uint16_t *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static void make_endpoints(struct house *house, const char *clients)
{
	const struct manifest manifest = {.clients = text_bytes(clients)};
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "test",
				       .not_before = TEST_NOW - 10,
				       .not_after = TEST_NOW + 10};

	assert_int_equal(key_new(KEY_P256, &house->key, NULL), 0);
	request.key = house->key;
	house->certificate = wr_init(LIMIT_CERTIFICATE);
	assert_int_equal(cert_make(&request, NULL, NULL, &house->certificate, NULL), 0);
	house->server =
	    (struct atls_endpoint){.role = TOBI_ROLE_SERVER,
				   .key = house->key,
				   .certificate = wr_view(&house->certificate),
				   .attests = true,
				   .exempt = "tobichi-secrets/1",
				   .now = now};
	/* Both have one key: a test needs no more. */
	house->client = house->server;
	house->client.role = TOBI_ROLE_CLIENT;
	house->client.exempt = NULL;
	house->client.policy = house->policy;
	peer_collect(&manifest, &house->server);
	assert_int_equal(atls_tls_new(&house->server, &house->server.tls, NULL), 0);
}

static void house_make(struct house *house, const char *clients)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct evidence_setup with = {.report = on_report, .context = house};
	struct proxy_setup setup = {.endpoint = &house->server,
				    .max_sessions = 256,
				    .patience_ms = PROXY_PATIENCE_MS,
				    .idle_ms = PROXY_IDLE_MS,
				    .stored = nothing,
				    .idle = nothing};

	*house = (struct house){.base = event_base_new()};
	test_scene_make(&house->scene);
	house->scene.identity = "identity:\n  mode: any-instance\n";
	test_scene_policy(&house->scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &house->policy, NULL),
			 0);
	make_endpoints(house, clients);
	setup.base = with.base = house->base;
	assert_int_equal(key_spki_sha256(house->key, with.spki_sha256, NULL), 0);
	assert_int_equal(evidence_new(&with, &house->evidence, NULL), 0);
	setup.evidence = house->evidence;
	assert_int_equal(proxy_new(&setup, &house->proxy, NULL), 0);
	house->outside = listen_somewhere(&house->port);
	house->inside = listen_somewhere(&house->inner_port);
	assert_int_equal(
	    proxy_listen(house->proxy, house->outside, house->inner_port, NULL), 0);
	house->source.proxy = (const struct proxy *const *)&house->proxy;
	house->source.endpoint = &house->server;
}

static void house_done(struct house *house)
{
	proxy_free(house->proxy);
	evidence_free(house->evidence);
	event_base_loop(house->base, EVLOOP_NONBLOCK);
	event_base_free(house->base);
	SSL_CTX_free(house->server.tls);
	EVP_PKEY_free(house->key);
	wr_done(&house->certificate);
	tobi_policy_free(house->policy);
	test_scene_done(&house->scene);
	close(house->outside);
	close(house->inside);
}

/* ---- clients on the same loop ---- */

static void on_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			     void *context)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EVIDENCE);
	struct client *client = context;
	struct test_scene *scene = &client->house->scene;

	scene->keep_claims_nonce = false;
	scene->damage_signature = client->damaged;
	if (client->replays.size)
		claims_buffer = wr_view(&client->replays);
	if (client->large) {
		while (out.size < LIMIT_EVIDENCE - 8192)
			wr_u8(&out, 0x5a);
	} else {
		test_scene_session_evidence(scene, claims_buffer, &out);
	}
	scene->damage_signature = false;
	atls_conn_give_evidence(conn, wr_view(&out));
}

static void on_opened(struct atls_conn *conn, void *context)
{
	struct client *client = context;

	(void)conn;
	client->opened = true;
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	struct client *client = context;

	(void)conn, (void)fault;
	client->closed = true;
}

static const struct atls_events events = {on_need_evidence, on_opened, on_closed};

/* The program's end of the next connection. */
static int accept_inner(struct house *house)
{
	for (int i = 0; i < 5000; i++) {
		int fd = accept4(house->inside, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			return fd;
		event_base_loop(house->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	fail_msg("nobody has connected to the program");
	return -1;
}

static void client_start(struct house *house, struct client *client, bool attests)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(house->port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	client->house = house;
	house->client.attests = attests;
	if (!attests)
		house->client.key = NULL;
	assert_int_equal(atls_tls_new(&house->client, &house->client.tls, NULL), 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	evutil_make_socket_nonblocking(fd);
	assert_int_equal(atls_conn_new(house->base, &house->client, fd, &events, client,
				       &client->conn, NULL),
			 0);
}

static void client_done(struct house *house, struct client *client)
{
	atls_conn_free(client->conn);
	SSL_CTX_free(house->client.tls);
}

static enum tobi_err tell(struct house *house, int fd, struct peer_told *ret_told,
			  int *ret_collection)
{
	struct ask ask;

	assert_int_equal(peer_question(fd, &ask, NULL), TOBI_OK);
	return peer_tell(&house->source, &ask, ret_told, ret_collection, NULL);
}

/* As the program has it: the answer, through a packet. */
static struct tobi_peer *peer_of(struct house *house, int fd)
{
	struct packet packet = {.bytes = wr_init(LIMIT_ASK)};
	struct answer answer = {.kind = ANSWER_PEER};
	struct tobi_peer *peer = NULL;
	int file = -1;

	assert_int_equal(tell(house, fd, &answer.peer, &file), TOBI_OK);
	answer_write(&packet.bytes, &answer);
	packet.fds[0] = file;
	packet.fd_count = 1;
	assert_int_equal(peer_take(&packet, &peer, NULL), TOBI_OK);
	packet_done(&packet);
	return peer;
}

static enum tobi_verdict verdict_of(const struct house *house,
				    const struct tobi_peer *peer)
{
	struct tobi_result *result = NULL;
	enum tobi_verdict verdict;

	assert_int_equal(
	    tobi_peer_verify(peer, house->policy, NULL, TEST_NOW, &result, NULL),
	    TOBI_OK);
	verdict = tobi_result_verdict(result);
	tobi_result_free(result);
	return verdict;
}

static void attested(bool damaged)
{
	struct client client = {0};
	struct tobi_peer *peer;
	uint8_t key[48], got[48];
	struct house house;
	int fd;

	house_make(&house, CLIENTS_BY_PROGRAM);
	client.damaged = damaged;
	client_start(&house, &client, true);
	fd = accept_inner(&house);
	peer = peer_of(&house, fd);
	assert_string_equal(tobi_peer_address(peer), "127.0.0.1");
	assert_int_equal(key_spki_sha384(house.key, key, NULL), 0);
	assert_true(tobi_peer_key(peer, got));
	assert_memory_equal(got, key, sizeof(got));
	assert_int_equal(verdict_of(&house, peer), damaged ? TOBI_REFUSE : TOBI_ACCEPT);
	tobi_peer_free(peer);
	close(fd);
	client_done(&house, &client);
	house_done(&house);
}

static void test_peer__attested__can_be_judged(void **state)
{
	(void)state;
	attested(false);
}

/* The agent lets it in: who judges does not. */
static void test_peer__evidence_that_is_no_good__is_told_as_it_is(void **state)
{
	(void)state;
	attested(true);
}

/* Good evidence, and over the claims of another session. */
static void test_peer__evidence_of_another_session__is_refused(void **state)
{
	struct client client = {.replays = wr_init(LIMIT_CLAIMS_BUFFER)};
	struct tobi_peer *peer;
	struct house house;
	int fd;

	(void)state;
	house_make(&house, CLIENTS_BY_PROGRAM);
	claims_buffer_write(&client.replays,
			    (struct tobi_bytes){(uint8_t *)"12345678", 8},
			    (uint8_t[32]){0}, TOBI_ROLE_CLIENT, (struct tobi_bytes){0});
	client_start(&house, &client, true);
	fd = accept_inner(&house);
	peer = peer_of(&house, fd);
	assert_int_equal(verdict_of(&house, peer), TOBI_REFUSE);
	tobi_peer_free(peer);
	close(fd);
	client_done(&house, &client);
	wr_done(&client.replays);
	house_done(&house);
}

static void test_peer__cannot_attest__nothing_is_known(void **state)
{
	struct client client = {0};
	struct peer_told told;
	struct house house;
	int fd, file = -1;
	size_t size = 1;

	(void)state;
	house_make(&house, CLIENTS_BY_PROGRAM);
	client_start(&house, &client, false);
	fd = accept_inner(&house);
	assert_int_equal(tell(&house, fd, &told, &file), TOBI_OK);
	assert_int_equal(told.claims_buffer.size, 0);
	assert_int_equal(told.key.size, 0);
	assert_bytes_equal(told.address, text_bytes("127.0.0.1"));
	assert_int_equal(memfile_size(file, 0, &size, NULL), TOBI_OK);
	assert_int_equal(size, 0);
	close(file);
	close(fd);
	client_done(&house, &client);
	house_done(&house);
}

static void test_peer__other_ports__are_nobody(void **state)
{
	struct client client = {0};
	struct peer_told told;
	struct house house;
	struct ask ask;
	int fd, file = -1;

	(void)state;
	house_make(&house, CLIENTS_BY_PROGRAM);
	client_start(&house, &client, true);
	fd = accept_inner(&house);
	assert_int_equal(peer_question(fd, &ask, NULL), TOBI_OK);
	assert_int_equal(ask.port, house.inner_port);
	ask.port ^= 1;
	assert_int_equal(peer_tell(&house.source, &ask, &told, &file, NULL),
			 TOBI_E_NOT_FOUND);
	ask.port ^= 1;
	ask.source ^= 1;
	assert_int_equal(peer_tell(&house.source, &ask, &told, &file, NULL),
			 TOBI_E_NOT_FOUND);
	ask.source = 0;
	assert_int_equal(peer_tell(&house.source, &ask, &told, &file, NULL),
			 TOBI_E_NOT_FOUND);
	assert_int_equal(file, -1);
	close(fd);
	client_done(&house, &client);
	house_done(&house);
}

static void test_peer__session_has_ended__is_not_found(void **state)
{
	struct client client = {0};
	struct peer_told told;
	struct house house;
	struct ask ask;
	int fd, file = -1;
	enum tobi_err err = TOBI_OK;

	(void)state;
	house_make(&house, CLIENTS_BY_PROGRAM);
	client_start(&house, &client, true);
	fd = accept_inner(&house);
	assert_int_equal(peer_question(fd, &ask, NULL), TOBI_OK);
	assert_int_equal(peer_is_still(fd, &ask, NULL), TOBI_OK);
	client_done(&house, &client);
	for (int i = 0; i < 5000 && err != TOBI_E_NOT_FOUND; i++) {
		event_base_loop(house.base, EVLOOP_NONBLOCK);
		err = peer_tell(&house.source, &ask, &told, &file, NULL);
		if (!err)
			close(file);
		usleep(1000);
	}
	assert_int_equal(err, TOBI_E_NOT_FOUND);
	/* And no other connection can be taken for it. */
	close(fd);
	assert_int_equal(peer_is_still(fd, &ask, NULL), TOBI_E_NOT_FOUND);
	house_done(&house);
}

/* Its port is free again, and whoever gets it must not be taken for this client: the
 * agent's loop has not been told yet. */
static void test_peer__connection_was_reset__is_not_found_at_once(void **state)
{
	const struct linger reset = {.l_onoff = 1};
	struct client client = {0};
	struct peer_told told;
	struct house house;
	struct ask ask;
	int fd, file = -1;

	(void)state;
	house_make(&house, CLIENTS_BY_PROGRAM);
	client_start(&house, &client, true);
	fd = accept_inner(&house);
	assert_int_equal(peer_question(fd, &ask, NULL), TOBI_OK);
	assert_int_equal(peer_tell(&house.source, &ask, &told, &file, NULL), TOBI_OK);
	close(file);
	file = -1;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(fd);
	assert_int_equal(peer_tell(&house.source, &ask, &told, &file, NULL),
			 TOBI_E_NOT_FOUND);
	assert_int_equal(file, -1);
	client_done(&house, &client);
	house_done(&house);
}

static void test_peer__image_that_does_not_leave_it__is_told_nothing(void **state)
{
	struct client client = {0};
	struct peer_told told;
	struct house house;
	int fd, file = -1;

	(void)state;
	house_make(&house, "");
	client_start(&house, &client, false);
	fd = accept_inner(&house);
	assert_int_equal(tell(&house, fd, &told, &file), TOBI_E_UNSUPPORTED);
	assert_int_equal(file, -1);
	close(fd);
	client_done(&house, &client);
	house_done(&house);
}

static void test_peer__no_edge_yet__is_not_found(void **state)
{
	const struct proxy *none = NULL;
	struct atls_endpoint endpoint = {.collects = true};
	struct peer_source source = {.proxy = &none, .endpoint = &endpoint};
	struct ask ask = {.kind = ASK_PEER, .source = 1, .port = 1};
	struct peer_told told;
	int file = -1;

	(void)state;
	assert_int_equal(peer_tell(&source, &ask, &told, &file, NULL), TOBI_E_NOT_FOUND);
}

/* All that sessions of one address prove has a bound together. */
static void test_peer__too_much_evidence__newcomer_is_sent_away(void **state)
{
	enum {
		SIZE = LIMIT_EVIDENCE - 8192,
		FIT = PROXY_COLLECTED_MAX / PROXY_ADDRESS_SHARE / SIZE
	};
	static struct client clients[FIT + 1];
	struct house house;
	int fds[FIT];

	(void)state;
	memset(clients, 0, sizeof(clients));
	house_make(&house, CLIENTS_BY_PROGRAM);
	for (int i = 0; i < FIT; i++) {
		clients[i].large = true;
		client_start(&house, &clients[i], true);
		SSL_CTX_free(house.client.tls);
		fds[i] = accept_inner(&house);
	}
	clients[FIT].large = true;
	client_start(&house, &clients[FIT], true);
	SSL_CTX_free(house.client.tls);
	for (int i = 0; i < 5000 && !clients[FIT].opened && !clients[FIT].closed; i++) {
		event_base_loop(house.base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	for (int i = 0; i < 200; i++)
		event_base_loop(house.base, EVLOOP_NONBLOCK);
	assert_int_equal(accept4(house.inside, NULL, NULL, SOCK_CLOEXEC), -1);
	/* When one leaves there is room again. */
	atls_conn_free(clients[FIT].conn);
	atls_conn_free(clients[0].conn);
	close(fds[0]);
	for (int i = 0; i < 200; i++)
		event_base_loop(house.base, EVLOOP_NONBLOCK);
	clients[0] = (struct client){.large = true};
	client_start(&house, &clients[0], true);
	fds[0] = accept_inner(&house);
	SSL_CTX_free(house.client.tls);
	for (int i = 0; i < FIT; i++) {
		atls_conn_free(clients[i].conn);
		close(fds[i]);
	}
	house_done(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_peer__attested__can_be_judged),
	    cmocka_unit_test(test_peer__evidence_that_is_no_good__is_told_as_it_is),
	    cmocka_unit_test(test_peer__evidence_of_another_session__is_refused),
	    cmocka_unit_test(test_peer__cannot_attest__nothing_is_known),
	    cmocka_unit_test(test_peer__other_ports__are_nobody),
	    cmocka_unit_test(test_peer__session_has_ended__is_not_found),
	    cmocka_unit_test(test_peer__connection_was_reset__is_not_found_at_once),
	    cmocka_unit_test(test_peer__image_that_does_not_leave_it__is_told_nothing),
	    cmocka_unit_test(test_peer__no_edge_yet__is_not_found),
	    cmocka_unit_test(test_peer__too_much_evidence__newcomer_is_sent_away),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
