#include "tests/unit/atls/world.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t now(void)
{
	return TEST_NOW;
}

static void need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			  void *context)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EVIDENCE);
	struct end *end = context;

	if (!end->scene) {
		atls_conn_cannot_attest(conn, NULL);
		return;
	}
	if (end->attest)
		end->attest(end, claims_buffer, &out);
	else
		test_scene_session_evidence(end->scene, claims_buffer, &out);
	atls_conn_give_evidence(conn, wr_view(&out));
}

static void opened(struct atls_conn *conn, void *context)
{
	struct end *end = context;

	(void)conn;
	assert_false(end->opened || end->closed);
	end->opened = true;
}

static void closed(struct atls_conn *conn, const struct tobi_fault *fault, void *context)
{
	struct end *end = context;

	(void)conn;
	assert_false(end->closed);
	end->closed = true;
	end->orderly = !fault;
	if (fault)
		end->fault = *fault;
}

static const struct atls_events events = {need_evidence, opened, closed};

static void end_init(struct end *end, enum tobi_role role, bool attests,
		     const struct tobi_policy *policy)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "test",
				       .not_before = TEST_NOW - 10,
				       .not_after = TEST_NOW + 10};

	*end = (struct end){.certificate = wr_init(1 << 14)};
	end->endpoint = (struct atls_endpoint){
	    .role = role, .attests = attests, .policy = policy, .now = now};
	assert_int_equal(key_new(KEY_P256, &end->endpoint.key, NULL), 0);
	request.key = end->endpoint.key;
	assert_int_equal(cert_make(&request, NULL, NULL, &end->certificate, NULL), 0);
	end->endpoint.certificate = wr_view(&end->certificate);
	assert_int_equal(atls_tls_new(&end->endpoint, &end->endpoint.tls, NULL), 0);
}

void end_use_leaf(struct end *end, struct writer *certificate)
{
	wr_done(&end->certificate);
	end->certificate = *certificate;
	*certificate = wr_init(0);
	end->endpoint.certificate = wr_view(&end->certificate);
	SSL_CTX_free(end->endpoint.tls);
	assert_int_equal(atls_tls_new(&end->endpoint, &end->endpoint.tls, NULL), 0);
}

static void end_done(struct end *end)
{
	atls_conn_free(end->conn);
	SSL_CTX_free(end->endpoint.tls);
	EVP_PKEY_free(end->endpoint.key);
	wr_done(&end->certificate);
}

void end_start(struct end *end, struct event_base *base, int fd)
{
	evutil_make_socket_nonblocking(fd);
	assert_int_equal(
	    atls_conn_new(base, &end->endpoint, fd, &events, end, &end->conn, NULL), 0);
}

void world_init(struct world *world)
{
	world_init_as(world, "identity:\n  mode: any-instance\n");
}

void world_init_as(struct world *world, const char *identity)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_fault fault = {0};

	*world = (struct world){.base = event_base_new()};
	test_scene_make(&world->scene);
	world->scene.identity = identity;
	test_scene_policy(&world->scene, &yaml);
	if (tobi_policy_parse(wr_view(&yaml), "scene", &world->policy, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	end_init(&world->client, TOBI_ROLE_CLIENT, true, NULL);
	end_init(&world->server, TOBI_ROLE_SERVER, false, world->policy);
	world->client.scene = &world->scene;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, world->fds), 0);
}

void world_done(struct world *world)
{
	end_done(&world->client);
	end_done(&world->server);
	event_base_loop(world->base, EVLOOP_NONBLOCK);
	event_base_free(world->base);
	tobi_policy_free(world->policy);
	test_scene_done(&world->scene);
}

void turn(struct world *world)
{
	for (int i = 0; i < 200; i++) {
		event_base_loop(world->base, EVLOOP_NONBLOCK);
		if (i % 20 == 19)
			usleep(1000);
	}
}

bool eventually(struct world *world, const bool *what)
{
	for (int i = 0; i < 5000 && !*what; i++) {
		event_base_loop(world->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	return *what;
}

enum tobi_outcome conn_outcome(const struct atls_conn *conn, const struct check *check)
{
	const struct tobi_result *result = atls_conn_result(conn);

	for (size_t i = 0; i < result->list.count; i++) {
		if (result->list.records[i].check == check)
			return result->list.records[i].outcome;
	}
	return TOBI_NOT_RUN;
}
