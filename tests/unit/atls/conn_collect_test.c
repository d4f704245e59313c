/* A server that collects: its clients must attest, and others judge later. */
#include "tests/unit/atls/world.h"

#include <signal.h>

#include "token/claims_buffer.h"

static void remake_tls(struct end *end)
{
	SSL_CTX_free(end->endpoint.tls);
	assert_int_equal(atls_tls_new(&end->endpoint, &end->endpoint.tls, NULL), 0);
}

static void collect_init(struct world *world)
{
	world_init(world);
	world->server.endpoint.policy = NULL;
	world->server.endpoint.collects = true;
	remake_tls(&world->server);
}

static void start(struct world *world)
{
	end_start(&world->client, world->base, world->fds[0]);
	end_start(&world->server, world->base, world->fds[1]);
}

static void test_conn_collects__evidence__is_kept(void **state)
{
	struct tobi_bytes claims = {0}, collection = {0};
	struct claims_buffer parsed;
	struct world world;

	(void)state;
	collect_init(&world);
	start(&world);
	assert_false(atls_conn_evidence(world.server.conn, &claims, &collection));
	turn(&world);
	assert_true(world.client.opened && world.server.opened);
	assert_true(atls_conn_evidence(world.server.conn, &claims, &collection));
	assert_int_equal(claims_buffer_parse(claims, &parsed, NULL), 0);
	assert_int_equal(parsed.nonce.size, 32);
	assert_true(collection.size > 100);
	assert_null(atls_conn_result(world.server.conn));
	assert_false(atls_conn_evidence(world.client.conn, &claims, &collection));
	world_done(&world);
}

/* It is not judged here: so what is no good is kept, too. */
static void test_conn_collects__bad_signature__is_for_who_judges(void **state)
{
	struct tobi_bytes claims = {0}, collection = {0};
	struct world world;

	(void)state;
	collect_init(&world);
	world.scene.damage_signature = true;
	start(&world);
	turn(&world);
	assert_true(world.server.opened);
	assert_true(atls_conn_evidence(world.server.conn, &claims, &collection));
	world_done(&world);
}

static void test_conn_collects__no_evidence__is_refused(void **state)
{
	struct world world;

	(void)state;
	collect_init(&world);
	world.client.scene = NULL;
	start(&world);
	turn(&world);
	assert_true(world.client.closed && world.server.closed);
	assert_false(world.server.opened);
	assert_non_null(strstr(world.server.fault.message, "(reason 4)"));
	world_done(&world);
}

/* Evidence has to be bound to a key. */
static void test_conn_collects__no_certificate__is_refused(void **state)
{
	struct world world;
	EVP_PKEY *key;

	(void)state;
	collect_init(&world);
	key = world.client.endpoint.key;
	world.client.endpoint.key = NULL;
	remake_tls(&world.client);
	world.client.endpoint.key = key;
	start(&world);
	turn(&world);
	assert_true(world.server.closed);
	assert_false(world.server.opened || world.client.opened);
	world_done(&world);
}

/* ---- lenient: who cannot attest is let in, and nothing is known of it ---- */

static void lenient_init(struct world *world)
{
	collect_init(world);
	world->server.endpoint.lenient = true;
	world->server.endpoint.attests = true;
	world->client.endpoint.policy = world->policy;
	remake_tls(&world->server);
	remake_tls(&world->client);
}

static void test_conn_lenient__who_can_attest__must(void **state)
{
	struct tobi_bytes claims = {0}, collection = {0};
	struct world world;

	(void)state;
	lenient_init(&world);
	world.server.scene = &world.scene;
	start(&world);
	turn(&world);
	assert_true(world.client.opened && world.server.opened);
	assert_true(atls_conn_evidence(world.server.conn, &claims, &collection));
	world_done(&world);
}

/* It has said that it can: without evidence it is not let in. */
static void test_conn_lenient__says_it_can_and_does_not__is_refused(void **state)
{
	struct world world;

	(void)state;
	lenient_init(&world);
	world.server.scene = &world.scene;
	world.client.scene = NULL;
	start(&world);
	turn(&world);
	assert_true(world.server.closed);
	assert_false(world.server.opened);
	world_done(&world);
}

static void let_in_without(bool certificate)
{
	struct tobi_bytes claims = {0}, collection = {0};
	struct world world;
	uint8_t hash[48];
	EVP_PKEY *key;

	lenient_init(&world);
	world.server.scene = &world.scene;
	world.client.endpoint.attests = false;
	key = world.client.endpoint.key;
	if (!certificate)
		world.client.endpoint.key = NULL;
	remake_tls(&world.client);
	world.client.endpoint.key = key;
	start(&world);
	turn(&world);
	assert_true(world.client.opened && world.server.opened);
	assert_false(atls_conn_evidence(world.server.conn, &claims, &collection));
	assert_int_equal(atls_conn_peer(world.server.conn, hash), certificate);
	world_done(&world);
}

static void test_conn_lenient__who_cannot_attest__is_let_in(void **state)
{
	(void)state;
	let_in_without(true);
	let_in_without(false);
}

/* It counts only where nothing must be met. */
static void test_conn_lenient__with_a_policy__changes_nothing(void **state)
{
	struct world world;

	(void)state;
	lenient_init(&world);
	world.server.scene = &world.scene;
	world.server.endpoint.policy = world.policy;
	world.client.endpoint.attests = false;
	remake_tls(&world.client);
	start(&world);
	turn(&world);
	assert_true(world.server.closed);
	assert_false(world.server.opened);
	world_done(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_conn_collects__evidence__is_kept),
	    cmocka_unit_test(test_conn_collects__bad_signature__is_for_who_judges),
	    cmocka_unit_test(test_conn_collects__no_evidence__is_refused),
	    cmocka_unit_test(test_conn_collects__no_certificate__is_refused),
	    cmocka_unit_test(test_conn_lenient__who_can_attest__must),
	    cmocka_unit_test(test_conn_lenient__says_it_can_and_does_not__is_refused),
	    cmocka_unit_test(test_conn_lenient__who_cannot_attest__is_let_in),
	    cmocka_unit_test(test_conn_lenient__with_a_policy__changes_nothing),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
