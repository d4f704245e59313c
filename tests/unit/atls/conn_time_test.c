/* What must not take for ever: a handshake, an exchange, a session. Limits are short
 * here; no test asks how long something took. */
#include "tests/unit/atls/plain.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_conn__silent_peer__handshake_ends(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	world.server.endpoint.handshake_ms = 30;
	end_start(&world.server, world.base, world.fds[1]);
	assert_true(eventually(&world, &world.server.closed));
	assert_int_equal(world.server.fault.code, TOBI_E_TIMEOUT);
	assert_string_equal(world.server.fault.field, "handshake");
	close(world.fds[0]);
	world_done(&world);
}

/* The handshake's limit is not the exchange's, and both end it. */
static void test_conn__silent_after_the_handshake__exchange_ends(void **state)
{
	(void)state;
	for (int limited = 0; limited < 2; limited++) {
		struct tobi_bytes item;
		struct atls_result result;
		struct plain plain;
		struct world world;
		X509 *leaf;

		world_init(&world);
		world.server.endpoint.exchange_ms = 1000;
		world.server.endpoint.handshake_ms = limited ? 900 : 0;
		leaf = plain_leaf_of(&world.client);
		plain_init(&plain, TOBI_ROLE_CLIENT, world.client.endpoint.key, leaf,
			   world.fds[0]);
		end_start(&world.server, world.base, world.fds[1]);
		assert_true(plain_shake(&plain, &world));
		/* It says why before it goes. */
		assert_true(plain_hear(&plain, &world, ATLS_RESULT, &item));
		assert_int_equal(atls_read_result(item, &result, NULL), 0);
		assert_int_equal(result.status, ATLS_REFUSE);
		assert_int_equal(result.reason, ATLS_TIMED_OUT);
		assert_true(eventually(&world, &world.server.closed));
		assert_int_equal(world.server.fault.code, TOBI_E_TIMEOUT);
		assert_false(world.server.opened);
		X509_free(leaf);
		plain_done(&plain);
		world_done(&world);
	}
}

static int servers_fd;

/* The server's way to the peer is full from now on. */
static void stop_reading(struct end *end, struct tobi_bytes claims_buffer,
			 struct writer *out)
{
	static const uint8_t noise[4096];

	bufferevent_disable(atls_conn_stream(end->conn), EV_READ);
	while (write(servers_fd, noise, sizeof(noise)) > 0)
		continue;
	test_scene_session_evidence(end->scene, claims_buffer, out);
}

/* Who cannot say that it accepts is not open. */
static void test_conn__result_not_taken__never_opens(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	world.server.endpoint.exchange_ms = 1000;
	world.client.attest = stop_reading;
	servers_fd = world.fds[1];
	end_start(&world.client, world.base, world.fds[0]);
	end_start(&world.server, world.base, world.fds[1]);
	assert_true(eventually(&world, &world.server.closed));
	assert_false(world.server.opened);
	assert_int_equal(world.server.fault.code, TOBI_E_TIMEOUT);
	assert_int_equal(tobi_result_verdict(atls_conn_result(world.server.conn)),
			 TOBI_ACCEPT);
	world_done(&world);
}

/* Each side's own limit, or its policy's, whichever is sooner. */
static void test_conn__past_its_age__closes(void **state)
{
	static const struct {
		int64_t own_ms, policy_s;
	} rows[] = {{50, 600}, {60000, 1}, {50, 0}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world world;

		world_init(&world);
		world.policy->max_age = rows[i].policy_s;
		/* In a session evidence is fresh anyway; the row is about the session. */
		world.scene.claims.issued = TEST_NOW;
		world.server.endpoint.max_age_ms = rows[i].own_ms;
		end_start(&world.client, world.base, world.fds[0]);
		end_start(&world.server, world.base, world.fds[1]);
		assert_true(eventually(&world, &world.server.opened));
		assert_true(eventually(&world, &world.server.closed));
		assert_int_equal(world.server.fault.code, TOBI_E_TIMEOUT);
		assert_string_equal(world.server.fault.field, "max-age");
		world_done(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_conn__silent_peer__handshake_ends),
	    cmocka_unit_test(test_conn__silent_after_the_handshake__exchange_ends),
	    cmocka_unit_test(test_conn__result_not_taken__never_opens),
	    cmocka_unit_test(test_conn__past_its_age__closes),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
