/* The enclave's edge against those who only take places: real sockets and sessions, with
 * evidence of a platform of the test's own. */
#include "tests/check.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/fault.h"
#include "proxy.h"
#include "tests/evidence.h"

enum { SILENT = 32 /* as many handshakes as there may be */ };

static int64_t now(void)
{
	return TEST_NOW;
}

/* Longer than a test takes. */
enum { PATIENT = 3600 * 1000 };

struct client {
	struct atls_conn *conn;
	bool opened, closed, cut;
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

static int dial(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	evutil_make_socket_nonblocking(fd);
	return fd;
}

static void make_endpoints(struct house *house)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "test",
				       .not_before = TEST_NOW - 10,
				       .not_after = TEST_NOW + 10};

	house->server =
	    (struct atls_endpoint){.role = TOBI_ROLE_SERVER, .attests = true, .now = now};
	house->client = (struct atls_endpoint){
	    .role = TOBI_ROLE_CLIENT, .policy = house->policy, .now = now};
	assert_int_equal(key_new(KEY_P256, &house->server.key, NULL), 0);
	request.key = house->server.key;
	house->certificate = wr_init(LIMIT_CERTIFICATE);
	assert_int_equal(cert_make(&request, NULL, NULL, &house->certificate, NULL), 0);
	house->server.certificate = wr_view(&house->certificate);
	assert_int_equal(atls_tls_new(&house->server, &house->server.tls, NULL), 0);
	assert_int_equal(atls_tls_new(&house->client, &house->client.tls, NULL), 0);
}

static void house_make(struct house *house, size_t max_sessions, int64_t patience,
		       int64_t idle)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct evidence_setup with = {.report = on_report, .context = house};
	struct proxy_setup setup = {.endpoint = &house->server,
				    .max_sessions = max_sessions,
				    .patience_ms = patience,
				    .idle_ms = idle,
				    .stored = nothing,
				    .idle = nothing};

	*house = (struct house){.base = event_base_new()};
	test_scene_make(&house->scene);
	house->scene.identity = "identity:\n  mode: any-instance\n";
	test_scene_policy(&house->scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &house->policy, NULL),
			 0);
	make_endpoints(house);
	setup.base = with.base = house->base;
	assert_int_equal(key_spki_sha256(house->server.key, with.spki_sha256, NULL), 0);
	assert_int_equal(evidence_new(&with, &house->evidence, NULL), 0);
	setup.evidence = house->evidence;
	assert_int_equal(proxy_new(&setup, &house->proxy, NULL), 0);
	house->outside = listen_somewhere(&house->port);
	house->inside = listen_somewhere(&house->inner_port);
	assert_int_equal(
	    proxy_listen(house->proxy, house->outside, house->inner_port, NULL), 0);
}

static void house_done(struct house *house)
{
	proxy_free(house->proxy);
	evidence_free(house->evidence);
	event_base_loop(house->base, EVLOOP_NONBLOCK);
	event_base_free(house->base);
	SSL_CTX_free(house->server.tls);
	SSL_CTX_free(house->client.tls);
	EVP_PKEY_free(house->server.key);
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
	(void)claims_buffer;
	(void)context;
	atls_conn_cannot_attest(conn, NULL);
}

static void on_stream_event(struct bufferevent *stream, short what, void *context)
{
	struct client *client = context;

	(void)stream;
	(void)what;
	client->cut = true;
}

static void on_opened(struct atls_conn *conn, void *context)
{
	struct client *client = context;

	client->opened = true;
	bufferevent_setcb(atls_conn_stream(conn), NULL, NULL, on_stream_event, client);
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	struct client *client = context;

	(void)conn;
	(void)fault;
	client->closed = true;
}

static void client_start(struct house *house, struct client *client)
{
	static const struct atls_events events = {on_need_evidence, on_opened, on_closed};

	*client = (struct client){0};
	assert_int_equal(atls_conn_new(house->base, &house->client, dial(house->port),
				       &events, client, &client->conn, NULL),
			 0);
}

static void turn(struct house *house)
{
	for (int i = 0; i < 100; i++) {
		event_base_loop(house->base, EVLOOP_NONBLOCK);
		if (i % 10 == 9)
			usleep(1000);
	}
}

/* The loop runs until it is so; a test that waits in vain fails. */
static bool eventually(struct house *house, const bool *what)
{
	for (int i = 0; i < 5000 && !*what; i++) {
		event_base_loop(house->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	return *what;
}

static bool was_closed(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 0;
}

static void test_proxy__silent_connections__newcomer_gets_in(void **state)
{
	int silent[SILENT + 1];
	struct client client;
	struct house house;

	(void)state;
	house_make(&house, 256, 1, PROXY_IDLE_MS);
	for (int i = 0; i < SILENT; i++) {
		silent[i] = dial(house.port);
		turn(&house);
	}
	for (int i = 0; i < SILENT; i++)
		assert_false(was_closed(silent[i]));
	client_start(&house, &client);
	assert_true(eventually(&house, &client.opened));
	/* At the cost of the oldest, and of nobody else. */
	assert_true(was_closed(silent[0]));
	for (int i = 1; i < SILENT; i++)
		assert_false(was_closed(silent[i]));
	/* It holds no handshake's place any more. */
	silent[SILENT] = dial(house.port);
	turn(&house);
	assert_false(was_closed(silent[1]));
	atls_conn_free(client.conn);
	for (int i = 0; i <= SILENT; i++)
		close(silent[i]);
	house_done(&house);
}

/* Who has not had the time that handshakes take is not put out. */
static void test_proxy__handshakes_under_way__newcomer_waits(void **state)
{
	int silent[SILENT];
	struct client client;
	struct house house;

	(void)state;
	house_make(&house, 256, PATIENT, PROXY_IDLE_MS);
	for (int i = 0; i < SILENT; i++)
		silent[i] = dial(house.port);
	turn(&house);
	client_start(&house, &client);
	turn(&house);
	assert_false(client.opened || client.closed);
	for (int i = 0; i < SILENT; i++)
		assert_false(was_closed(silent[i]));
	/* One of them ends by itself. */
	close(silent[7]);
	assert_true(eventually(&house, &client.opened));
	atls_conn_free(client.conn);
	for (int i = 0; i < SILENT; i++) {
		if (i != 7)
			close(silent[i]);
	}
	house_done(&house);
}

/* More honest clients at once than there are places: each waits, and gets in. */
static void test_proxy__burst__all_get_in(void **state)
{
	enum { BURST = 3 * SILENT };
	struct client clients[BURST];
	struct house house;

	(void)state;
	house_make(&house, 256, PATIENT, PROXY_IDLE_MS);
	for (int i = 0; i < BURST; i++)
		client_start(&house, &clients[i]);
	for (int i = 0; i < BURST; i++) {
		assert_true(eventually(&house, &clients[i].opened));
		assert_false(clients[i].closed);
	}
	for (int i = 0; i < BURST; i++)
		atls_conn_free(clients[i].conn);
	house_done(&house);
}

static void test_proxy__full_of_idle_sessions__longest_idle_leaves(void **state)
{
	struct client clients[3];
	struct house house;

	(void)state;
	house_make(&house, 2, PATIENT, 1);
	for (int i = 0; i < 2; i++) {
		client_start(&house, &clients[i]);
		assert_true(eventually(&house, &clients[i].opened));
		turn(&house);
	}
	usleep(20000);
	bufferevent_write(atls_conn_stream(clients[0].conn), "hello", 5);
	turn(&house);
	client_start(&house, &clients[2]);
	assert_true(eventually(&house, &clients[2].opened));
	assert_true(eventually(&house, &clients[1].cut));
	assert_false(clients[0].cut);
	for (int i = 0; i < 3; i++)
		atls_conn_free(clients[i].conn);
	house_done(&house);
}

static void test_proxy__full_of_used_sessions__newcomer_waits(void **state)
{
	struct client clients[3];
	struct house house;

	(void)state;
	house_make(&house, 2, PATIENT, PROXY_IDLE_MS);
	for (int i = 0; i < 2; i++) {
		client_start(&house, &clients[i]);
		assert_true(eventually(&house, &clients[i].opened));
	}
	client_start(&house, &clients[2]);
	turn(&house);
	assert_false(clients[2].opened || clients[0].cut || clients[1].cut);
	/* One goes by itself, and the next comes in. */
	atls_conn_free(clients[0].conn);
	assert_true(eventually(&house, &clients[2].opened));
	assert_false(clients[1].cut);
	for (int i = 1; i < 3; i++)
		atls_conn_free(clients[i].conn);
	house_done(&house);
}

/* A house that became full of used sessions looks again: they may be idle by now. */
static void test_proxy__full__looks_again(void **state)
{
	struct client clients[2];
	struct house house;

	(void)state;
	house_make(&house, 1, PATIENT, 200);
	client_start(&house, &clients[0]);
	assert_true(eventually(&house, &clients[0].opened));
	client_start(&house, &clients[1]);
	assert_true(eventually(&house, &clients[1].opened));
	assert_true(eventually(&house, &clients[0].cut));
	for (int i = 0; i < 2; i++)
		atls_conn_free(clients[i].conn);
	house_done(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_proxy__silent_connections__newcomer_gets_in),
	    cmocka_unit_test(test_proxy__handshakes_under_way__newcomer_waits),
	    cmocka_unit_test(test_proxy__burst__all_get_in),
	    cmocka_unit_test(test_proxy__full_of_idle_sessions__longest_idle_leaves),
	    cmocka_unit_test(test_proxy__full_of_used_sessions__newcomer_waits),
	    cmocka_unit_test(test_proxy__full__looks_again),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
