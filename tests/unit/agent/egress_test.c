/* Ways out, with a service that the test plays: plain bytes, and attested TLS to a real
 * peer that asks for this side's evidence too. */
#include "egress_world.h"

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

static int attested(void)
{
	int program = dial(ATTESTED);

	await_asked(1);
	assert_int_equal(world.entries[0], ATTESTED);
	assert_int_equal(atls_conn_new(world.base, &world.peer, give(0), &peer_events,
				       NULL, &world.conn, NULL),
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
	assert_int_equal(atls_conn_new(world.base, &world.peer, give(0), &peer_events,
				       NULL, &world.conn, NULL),
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
