/* Ways out, with a service that the test plays: plain bytes, and attested TLS to a real
 * peer that asks for this side's evidence too. */
#include "tests/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/fault.h"
#include "egress.h"
#include "tests/evidence.h"
#include "trust.h"

enum { WAYS = 2, PLAIN = 0, ATTESTED = 1, PATIENT = 3600 * 1000, MANY = 128 };

static int64_t now(void)
{
	return TEST_NOW;
}

struct report {
	uint8_t hash[32];
};

static struct world {
	struct event_base *base;
	struct test_scene scene;
	struct tobi_policy *policy;
	struct manifest manifest;
	struct atls_endpoint here, peer, ways[WAYS];
	struct writer certificate;
	struct evidence *evidence;
	struct egress *egress;
	/* What the service was asked, and not answered yet. */
	uint64_t requests[MANY];
	size_t entries[MANY], asked, most;
	size_t outstanding;
	struct tobi_fault failed;
	unsigned failures, idles;
	/* The far end of an attested way. */
	struct atls_conn *conn;
	bool opened, closed;
	struct tobi_fault why;
	char heard[64];
} world;

static void answer_report(evutil_socket_t fd, short what, void *context)
{
	CLEANUP(wr_done) struct writer token = wr_init(LIMIT_TOKEN);
	CLEANUP(freep) struct report *report = context;

	(void)fd, (void)what;
	world.scene.keep_claims_nonce = true;
	world.scene.claims.nonce = (struct tobi_bytes){report->hash, 32};
	test_scene_token(&world.scene, &token);
	assert_int_equal(evidence_token(world.evidence, wr_view(&token), NULL), 0);
}

static void on_report(void *context, const uint8_t hash[static 32])
{
	struct report *report = calloc(1, sizeof(*report));

	(void)context;
	assert_non_null(report);
	memcpy(report->hash, hash, 32);
	event_base_once(world.base, -1, EV_TIMEOUT, answer_report, report, NULL);
}

static void on_connect(void *context, uint64_t request, size_t entry)
{
	(void)context;
	assert_true(world.asked < MANY);
	world.requests[world.asked] = request;
	world.entries[world.asked++] = entry;
	if (++world.outstanding > world.most)
		world.most = world.outstanding;
}

static void on_failed(void *context, const struct tobi_fault *fault)
{
	(void)context;
	world.failed = *fault;
	world.failures++;
}

static void on_idle(void *context)
{
	(void)context;
	world.idles++;
}

static void on_named_opened(void *context, uint64_t number, const int fds[static 2]);
static void on_named_refused(void *context, uint64_t number,
			     const struct tobi_fault *why);

static uint16_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static struct tobi_bytes text(const char *literal)
{
	return (struct tobi_bytes){(const uint8_t *)literal, strlen(literal)};
}

static void make_key(void)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "test",
				       .not_before = TEST_NOW - 10,
				       .not_after = TEST_NOW + 10};

	assert_int_equal(key_new(KEY_P256, &world.here.key, NULL), 0);
	request.key = world.here.key;
	world.certificate = wr_init(LIMIT_CERTIFICATE);
	assert_int_equal(cert_make(&request, NULL, NULL, &world.certificate, NULL), 0);
	world.here.certificate = wr_view(&world.certificate);
	world.here.now = now;
}

static void make_endpoints(void)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);

	test_scene_make(&world.scene);
	world.scene.identity = "identity:\n  mode: any-instance\n";
	test_scene_policy(&world.scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &world.policy, NULL),
			 0);
	make_key();
	/* The peer has the same key: what matters is that it asks and attests. */
	world.ways[ATTESTED] =
	    (struct atls_endpoint){.role = TOBI_ROLE_CLIENT,
				   .key = world.here.key,
				   .certificate = world.here.certificate,
				   .policy = world.policy,
				   .attests = true,
				   .now = now};
	world.peer = world.ways[ATTESTED];
	world.peer.role = TOBI_ROLE_SERVER;
	assert_int_equal(
	    atls_tls_new(&world.ways[ATTESTED], &world.ways[ATTESTED].tls, NULL), 0);
	assert_int_equal(atls_tls_new(&world.peer, &world.peer.tls, NULL), 0);
}

static void make_with(size_t max_sessions, int64_t idle_ms)
{
	struct evidence_setup with = {.report = on_report};
	struct egress_setup setup = {.manifest = &world.manifest,
				     .endpoints = world.ways,
				     .max_sessions = max_sessions,
				     .idle_ms = idle_ms,
				     .retry_ms = 1,
				     .connect = on_connect,
				     .failed = on_failed,
				     .idle = on_idle,
				     .opened = on_named_opened,
				     .refused = on_named_refused,
				     .like = &world.here};

	world = (struct world){.base = event_base_new()};
	make_endpoints();
	with.base = setup.base = world.base;
	assert_int_equal(key_spki_sha256(world.here.key, with.spki_sha256, NULL), 0);
	assert_int_equal(evidence_new(&with, &world.evidence, NULL), 0);
	setup.evidence = world.evidence;
	world.manifest.egress_count = WAYS;
	world.manifest.egress[PLAIN] =
	    (struct manifest_egress){text("plain:80"), free_port(), text("")};
	do {
		world.manifest.egress[ATTESTED] = (struct manifest_egress){
		    text("enclave:443"), free_port(), text("/policy.yaml")};
	} while (world.manifest.egress[PLAIN].port ==
		 world.manifest.egress[ATTESTED].port);
	assert_int_equal(egress_new(&setup, &world.egress, NULL), 0);
	assert_int_equal(egress_listen(world.egress, NULL), 0);
}

static int enter(void **state)
{
	(void)state;
	make_with(LIMIT_EGRESS, PATIENT);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	egress_free(world.egress);
	atls_conn_free(world.conn);
	evidence_free(world.evidence);
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	event_base_free(world.base);
	SSL_CTX_free(world.ways[ATTESTED].tls);
	SSL_CTX_free(world.peer.tls);
	EVP_PKEY_free(world.here.key);
	wr_done(&world.certificate);
	tobi_policy_free(world.policy);
	test_scene_done(&world.scene);
	return 0;
}

static int dial(size_t way)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons(world.manifest.egress[way].port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	evutil_make_socket_nonblocking(fd);
	return fd;
}

static void turn(void)
{
	for (int i = 0; i < 40; i++) {
		event_base_loop(world.base, EVLOOP_NONBLOCK);
		if (i % 10 == 9)
			usleep(1000);
	}
}

/* The loop runs until so many were asked for; a test that waits in vain fails. */
static void await_asked(size_t count)
{
	for (int i = 0; i < 5000 && world.asked < count; i++) {
		event_base_loop(world.base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_int_equal(world.asked, count);
}

/* The service gives a socket, whose other end is returned. */
static int give(size_t n)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	world.outstanding--;
	assert_int_equal(
	    egress_connected(world.egress, world.requests[n], pair[0], NULL, NULL), 0);
	return pair[1];
}

static void refuse(size_t n, enum tobi_err code)
{
	struct tobi_fault why = {.code = code, .message = "no such thing"};

	world.outstanding--;
	assert_int_equal(
	    egress_connected(world.egress, world.requests[n], -1, &why, NULL), 0);
}

/* 1 byte or more: what was read; 0: the end; -1: a reset. Waits. */
static ssize_t hear(int fd, char *ret_text, size_t room)
{
	ssize_t size = -1;

	for (int i = 0; i < 5000; i++) {
		event_base_loop(world.base, EVLOOP_NONBLOCK);
		size = read(fd, ret_text, room - 1);
		if (size >= 0 || errno != EAGAIN)
			break;
		usleep(1000);
	}
	if (size >= 0)
		ret_text[size] = 0;
	return size;
}

static void assert_reset(int fd)
{
	char byte[2];

	assert_int_equal(hear(fd, byte, sizeof(byte)), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

static void test_egress__plain__bytes_and_ends_pass(void **state)
{
	char text_heard[32];
	int program, far;

	(void)state;
	program = dial(PLAIN);
	await_asked(1);
	assert_int_equal(world.entries[0], PLAIN);
	far = give(0);
	assert_int_equal(write(program, "ask", 3), 3);
	assert_int_equal(hear(far, text_heard, sizeof(text_heard)), 3);
	assert_string_equal(text_heard, "ask");
	assert_int_equal(write(far, "tell", 4), 4);
	assert_int_equal(hear(program, text_heard, sizeof(text_heard)), 4);
	assert_int_equal(shutdown(far, SHUT_WR), 0);
	assert_int_equal(hear(program, text_heard, sizeof(text_heard)), 0);
	assert_false(egress_is_idle(world.egress));
	close(program);
	assert_int_equal(hear(far, text_heard, sizeof(text_heard)), 0);
	turn();
	assert_true(egress_is_idle(world.egress));
	assert_int_equal(world.idles, 1);
	assert_int_equal(world.failures, 0);
	close(far);
}

static void test_egress__refused__program_sees_a_reset(void **state)
{
	int program = dial(PLAIN);

	(void)state;
	await_asked(1);
	refuse(0, TOBI_E_SYSTEM);
	assert_int_equal(world.failures, 1);
	assert_string_equal(world.failed.message, "plain:80: no such thing");
	assert_reset(program);
}

/* A service that has no room now is asked again, and not for ever. */
static void test_egress__no_room__is_asked_again(void **state)
{
	int program = dial(PLAIN), far;
	char byte[2];

	(void)state;
	await_asked(1);
	refuse(0, TOBI_E_LIMIT);
	assert_int_equal(world.failures, 0);
	await_asked(2);
	far = give(1);
	assert_int_equal(write(far, "x", 1), 1);
	assert_int_equal(hear(program, byte, sizeof(byte)), 1);
	close(far);
	close(program);
	program = dial(PLAIN);
	for (size_t n = 2; !world.failures; n++) {
		await_asked(n + 1);
		refuse(n, TOBI_E_LIMIT);
	}
	assert_int_equal(world.failed.code, TOBI_E_LIMIT);
	assert_reset(program);
}

static void test_egress__burst__waits_its_turn(void **state)
{
	enum { BURST = 3 * LIMIT_EGRESS_DIALING };
	int programs[BURST], fars[BURST];
	char byte[2];

	(void)state;
	for (size_t n = 0; n < BURST; n++)
		programs[n] = dial(PLAIN);
	await_asked(LIMIT_EGRESS_DIALING);
	turn();
	assert_int_equal(world.asked, LIMIT_EGRESS_DIALING);
	for (size_t n = 0; n < BURST; n++) {
		await_asked(n + LIMIT_EGRESS_DIALING < BURST ? n + LIMIT_EGRESS_DIALING
							     : BURST);
		fars[n] = give(n);
		assert_int_equal(write(fars[n], "x", 1), 1);
	}
	assert_int_equal(world.most, LIMIT_EGRESS_DIALING);
	for (size_t n = 0; n < BURST; n++) {
		assert_int_equal(hear(programs[n], byte, sizeof(byte)), 1);
		close(programs[n]);
		close(fars[n]);
	}
}

static void test_egress__answer_that_nobody_waits_for__is_an_error(void **state)
{
	struct tobi_fault why = {.code = TOBI_E_SYSTEM}, fault = {0};
	int pair[2], program = dial(PLAIN);
	char byte;

	(void)state;
	await_asked(1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(
	    egress_connected(world.egress, world.requests[0] + 1, pair[0], NULL, &fault),
	    TOBI_E_PROTOCOL);
	assert_int_equal(read(pair[1], &byte, 1), 0); /* it was closed */
	close(pair[1]);
	refuse(0, TOBI_E_SYSTEM);
	assert_int_equal(
	    egress_connected(world.egress, world.requests[0], -1, &why, &fault),
	    TOBI_E_PROTOCOL);
	close(program);
}

static void test_egress__full__longest_idle_makes_room(void **state)
{
	int programs[3], fars[3];
	char byte[2];

	(void)state;
	leave(NULL);
	make_with(2, 1);
	for (size_t n = 0; n < 2; n++) {
		programs[n] = dial(PLAIN);
		await_asked(n + 1);
		fars[n] = give(n);
		turn();
	}
	usleep(20000);
	assert_int_equal(write(programs[0], "x", 1), 1);
	assert_int_equal(hear(fars[0], byte, sizeof(byte)), 1);
	programs[2] = dial(PLAIN);
	await_asked(3);
	fars[2] = give(2);
	assert_reset(programs[1]);
	assert_int_equal(write(fars[0], "y", 1), 1);
	assert_int_equal(hear(programs[0], byte, sizeof(byte)), 1);
	for (size_t n = 0; n < 3; n++) {
		if (n != 1)
			close(programs[n]);
		close(fars[n]);
	}
}

static void test_egress__full_of_used_ones__newcomer_waits(void **state)
{
	int programs[2], far;

	(void)state;
	leave(NULL);
	make_with(1, PATIENT);
	programs[0] = dial(PLAIN);
	await_asked(1);
	far = give(0);
	programs[1] = dial(PLAIN);
	turn();
	assert_int_equal(world.asked, 1);
	close(programs[0]);
	close(far);
	await_asked(2);
	close(programs[1]);
	close(give(1));
}

static void test_egress__port_taken__is_an_error(void **state)
{
	struct tobi_fault fault = {0};
	struct egress *second = NULL;
	struct egress_setup setup = {
	    .base = world.base, .manifest = &world.manifest, .endpoints = world.ways};

	(void)state;
	assert_int_equal(egress_new(&setup, &second, NULL), 0);
	assert_int_equal(egress_listen(second, &fault), TOBI_E_SYSTEM);
	egress_free(second);
}

/* ---- attested ---- */

static void peer_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			       void *context)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EVIDENCE);

	(void)context;
	test_scene_session_evidence(&world.scene, claims_buffer, &out);
	atls_conn_give_evidence(conn, wr_view(&out));
}

static void peer_on_read(struct bufferevent *stream, void *context)
{
	(void)context;
	bufferevent_read(stream, world.heard, sizeof(world.heard) - 1);
	bufferevent_write(stream, "tell", 4);
}

static void peer_opened(struct atls_conn *conn, void *context)
{
	(void)context;
	world.opened = true;
	bufferevent_setcb(atls_conn_stream(conn), peer_on_read, NULL, NULL, NULL);
}

static void peer_closed(struct atls_conn *conn, const struct tobi_fault *fault,
			void *context)
{
	(void)conn, (void)context;
	world.closed = true;
	if (fault)
		world.why = *fault;
}

static int attested(void)
{
	static const struct atls_events events = {peer_need_evidence, peer_opened,
						  peer_closed};
	int program = dial(ATTESTED);

	await_asked(1);
	assert_int_equal(world.entries[0], ATTESTED);
	assert_int_equal(atls_conn_new(world.base, &world.peer, give(0), &events, NULL,
				       &world.conn, NULL),
			 0);
	return program;
}

static void test_egress__attested__both_prove_and_bytes_pass(void **state)
{
	char text_heard[32];
	int program;

	(void)state;
	program = attested();
	assert_int_equal(write(program, "ask", 3), 3);
	assert_int_equal(hear(program, text_heard, sizeof(text_heard)), 4);
	assert_string_equal(text_heard, "tell");
	assert_string_equal(world.heard, "ask");
	assert_true(world.opened);
	assert_int_equal(tobi_result_verdict(atls_conn_result(world.conn)), TOBI_ACCEPT);
	close(program);
}

/* What the program sends early goes nowhere when the peer is not the one. */
static void test_egress__attested__peer_refused__no_byte_leaves(void **state)
{
	int program;

	(void)state;
	world.scene.damage_signature = true;
	program = attested();
	assert_int_equal(write(program, "a secret", 8), 8);
	assert_reset(program);
	assert_false(world.opened);
	assert_string_equal(world.heard, "");
	assert_non_null(strstr(world.failed.message, "SOFT-SIGNATURE"));
	assert_non_null(strstr(world.failed.message, "enclave:443: "));
}

static void test_egress__attested__peer_that_speaks_no_tls__is_refused(void **state)
{
	int program = dial(ATTESTED), far;

	(void)state;
	await_asked(1);
	far = give(0);
	assert_int_equal(write(far, "HTTP/1.1 400 Bad Request\r\n", 26), 26);
	assert_reset(program);
	assert_int_equal(world.failed.code, TOBI_E_PROTOCOL);
	close(far);
}

/* ---- by name ---- */

static struct {
	unsigned opened, refused;
	uint64_t number;
	int fds[2];
	struct tobi_fault why;
} named;

static void on_named_opened(void *context, uint64_t number, const int fds[static 2])
{
	(void)context;
	named.opened++;
	named.number = number;
	named.fds[0] = fds[0];
	named.fds[1] = fds[1];
}

static void on_named_refused(void *context, uint64_t number, const struct tobi_fault *why)
{
	(void)context;
	named.refused++;
	named.number = number;
	named.why = *why;
}

static void test_egress_open__not_as_the_image_says__is_refused(void **state)
{
	const struct tobi_bytes none = {0};

	(void)state;
	assert_int_equal(egress_open(world.egress, 1, text("other:443"), none, NULL),
			 TOBI_E_DENIED);
	assert_int_equal(egress_open(world.egress, 1, text("enclave:44"), none, NULL),
			 TOBI_E_DENIED);
	assert_int_equal(
	    egress_open(world.egress, 1, text("enclave:443"), text("version: 1"), NULL),
	    TOBI_E_DENIED);
	assert_int_equal(egress_open(world.egress, 1, text("plain:80"), none, NULL),
			 TOBI_E_ARGUMENT);
	/* A policy that is none: nothing is left of it. */
	assert_int_not_equal(
	    egress_open(world.egress, 1, text("plain:80"), text("nonsense"), NULL),
	    TOBI_OK);
	assert_int_equal(world.asked, 0);
	assert_true(egress_is_idle(world.egress));
}

/* policy: the program's own, for the plain way; or none, for the attested one. */
static void open_named(bool own_policy)
{
	static const struct atls_events events = {peer_need_evidence, peer_opened,
						  peer_closed};
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);

	named.opened = named.refused = 0;
	if (own_policy)
		test_scene_policy(&world.scene, &yaml);
	assert_int_equal(egress_open(world.egress, 42,
				     text(own_policy ? "plain:80" : "enclave:443"),
				     wr_view(&yaml), NULL),
			 TOBI_OK);
	assert_int_equal(world.asked, 1);
	assert_int_equal(world.entries[0], own_policy ? PLAIN : ATTESTED);
	assert_int_equal(atls_conn_new(world.base, &world.peer, give(0), &events, NULL,
				       &world.conn, NULL),
			 0);
	for (int i = 0; i < 5000 && !named.opened && !named.refused; i++) {
		event_base_loop(world.base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_int_equal(named.number, 42);
}

static void test_egress_open__both_prove__the_session_comes(void **state)
{
	char heard[32];

	(void)state;
	for (int own = 0; own < 2; own++) {
		if (own) {
			leave(NULL);
			enter(NULL);
		}
		open_named(own);
		assert_int_equal(named.opened, 1);
		evutil_make_socket_nonblocking(named.fds[0]);
		assert_int_equal(write(named.fds[0], "ask", 3), 3);
		assert_int_equal(hear(named.fds[0], heard, sizeof(heard)), 4);
		assert_string_equal(heard, "tell");
		assert_int_equal(tobi_result_verdict(atls_conn_result(world.conn)),
				 TOBI_ACCEPT);
		/* Cut: no byte says that it has ended in order. */
		atls_conn_free(TAKE(world.conn));
		assert_true(hear(named.fds[0], heard, sizeof(heard)) <= 0);
		assert_int_equal(read(named.fds[1], heard, 1), 0);
		close(named.fds[0]);
		close(named.fds[1]);
	}
}

static void test_egress_open__peer_refused__says_why(void **state)
{
	(void)state;
	world.scene.damage_signature = true;
	open_named(false);
	assert_int_equal(named.refused, 1);
	assert_int_equal(named.opened, 0);
	assert_int_equal(named.why.code, TOBI_E_REFUSED);
	assert_non_null(strstr(named.why.message, "SOFT-SIGNATURE"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_egress__plain__bytes_and_ends_pass),
	    TEST(test_egress__refused__program_sees_a_reset),
	    TEST(test_egress__no_room__is_asked_again),
	    TEST(test_egress__burst__waits_its_turn),
	    TEST(test_egress__answer_that_nobody_waits_for__is_an_error),
	    TEST(test_egress__full__longest_idle_makes_room),
	    TEST(test_egress__full_of_used_ones__newcomer_waits),
	    TEST(test_egress__port_taken__is_an_error),
	    TEST(test_egress__attested__both_prove_and_bytes_pass),
	    TEST(test_egress__attested__peer_refused__no_byte_leaves),
	    TEST(test_egress__attested__peer_that_speaks_no_tls__is_refused),
	    TEST(test_egress_open__not_as_the_image_says__is_refused),
	    TEST(test_egress_open__both_prove__the_session_comes),
	    TEST(test_egress_open__peer_refused__says_why),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
