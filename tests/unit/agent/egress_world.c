#include "egress_world.h"

struct egress_world world;
struct egress_named named;

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

static int64_t now(void)
{
	return TEST_NOW;
}

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

struct tobi_bytes text(const char *literal)
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

void make_with(size_t max_sessions, int64_t idle_ms)
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

	world = (struct egress_world){.base = event_base_new()};
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

int enter(void **state)
{
	(void)state;
	make_with(LIMIT_EGRESS, PATIENT);
	return 0;
}

int leave(void **state)
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

int dial(size_t way)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons(world.manifest.egress[way].port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	evutil_make_socket_nonblocking(fd);
	return fd;
}

void turn(void)
{
	for (int i = 0; i < 40; i++) {
		event_base_loop(world.base, EVLOOP_NONBLOCK);
		if (i % 10 == 9)
			usleep(1000);
	}
}

/* The loop runs until so many were asked for; a test that waits in vain fails. */
void await_asked(size_t count)
{
	for (int i = 0; i < 5000 && world.asked < count; i++) {
		event_base_loop(world.base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_int_equal(world.asked, count);
}

/* The service gives a socket, whose other end is returned. */
int give(size_t n)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	world.outstanding--;
	assert_int_equal(
	    egress_connected(world.egress, world.requests[n], pair[0], NULL, NULL), 0);
	return pair[1];
}

void refuse(size_t n, enum tobi_err code)
{
	struct tobi_fault why = {.code = code, .message = "no such thing"};

	world.outstanding--;
	assert_int_equal(
	    egress_connected(world.egress, world.requests[n], -1, &why, NULL), 0);
}

/* 1 byte or more: what was read; 0: the end; -1: a reset. Waits. */
ssize_t hear(int fd, char *ret_text, size_t room)
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

void assert_reset(int fd)
{
	char byte[2];

	assert_int_equal(hear(fd, byte, sizeof(byte)), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

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

const struct atls_events peer_events = {peer_need_evidence, peer_opened, peer_closed};
