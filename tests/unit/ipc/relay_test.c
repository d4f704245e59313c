/* Two socket pairs with a relay between their inner ends. */
#include "tests/bytes.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ipc/relay.h"

static struct {
	struct relay relay;
	int near, far; /* the outer ends */
} world;

static int enter(void **state)
{
	const int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int first[2], second[2];

	(void)state;
	if (socketpair(AF_UNIX, kind, 0, first) || socketpair(AF_UNIX, kind, 0, second))
		return -1;
	world.near = first[0];
	world.far = second[0];
	return relay_init(&world.relay, first[1], second[1], NULL) ? -1 : 0;
}

static int leave(void **state)
{
	(void)state;
	relay_done(&world.relay, false);
	fd_close(&world.near);
	fd_close(&world.far);
	return 0;
}

static enum relay_state turn(short events[static 2])
{
	enum relay_state reached;

	do {
		reached = relay_turn(&world.relay, events);
	} while (reached == RELAY_BUSY);
	return reached;
}

static void test_relay_turn__bytes__pass_both_ways(void **state)
{
	char bytes[8] = "";
	short events[2];

	(void)state;
	assert_int_equal(write(world.near, "ask", 3), 3);
	assert_int_equal(write(world.far, "tell", 4), 4);
	assert_int_equal(turn(events), RELAY_WAITS);
	assert_int_equal(read(world.far, bytes, sizeof(bytes)), 3);
	assert_memory_equal(bytes, "ask", 3);
	assert_int_equal(read(world.near, bytes, sizeof(bytes)), 4);
	assert_memory_equal(bytes, "tell", 4);
	assert_int_equal(events[0], POLLIN);
	assert_int_equal(events[1], POLLIN);
}

static void test_relay_turn__one_end__the_other_goes_on(void **state)
{
	char bytes[8];
	short events[2];

	(void)state;
	assert_int_equal(write(world.near, "last", 4), 4);
	assert_int_equal(shutdown(world.near, SHUT_WR), 0);
	assert_int_equal(turn(events), RELAY_WAITS);
	assert_int_equal(read(world.far, bytes, sizeof(bytes)), 4);
	assert_int_equal(read(world.far, bytes, sizeof(bytes)), 0);
	/* Only the direction that is left is waited for. */
	assert_int_equal(events[0], 0);
	assert_int_equal(events[1], POLLIN);
	assert_int_equal(write(world.far, "on", 2), 2);
	assert_int_equal(turn(events), RELAY_WAITS);
	assert_int_equal(read(world.near, bytes, sizeof(bytes)), 2);
	assert_int_equal(shutdown(world.far, SHUT_WR), 0);
	assert_int_equal(turn(events), RELAY_OVER);
	assert_int_equal(read(world.near, bytes, sizeof(bytes)), 0);
}

/* A side that does not read holds the other back, and nothing is lost. */
static void test_relay_turn__slow_reader__nothing_is_lost(void **state)
{
	enum { ALL = 1 << 22 };
	uint8_t *sent = malloc(ALL), *got = malloc(ALL);
	size_t out = 0, in = 0, waited = 0;
	short events[2];

	(void)state;
	for (size_t i = 0; i < ALL; i++)
		sent[i] = (uint8_t)(i * 2654435761u >> 24);
	while (in < ALL) {
		ssize_t size = out < ALL ? write(world.near, sent + out, ALL - out) : -1;

		if (size > 0)
			out += (size_t)size;
		assert_int_equal(turn(events), RELAY_WAITS);
		if (size > 0)
			continue;
		if (out < ALL) {
			assert_int_equal(events[1] & POLLOUT, POLLOUT);
			assert_int_equal(events[0] & POLLIN, 0);
			waited++;
		}
		size = read(world.far, got + in, 100000);
		if (size > 0)
			in += (size_t)size;
	}
	assert_true(waited > 0);
	assert_memory_equal(sent, got, ALL);
	free(sent);
	free(got);
}

static void test_relay_turn__far_end_gone__fails(void **state)
{
	short events[2];

	(void)state;
	fd_close(&world.far);
	assert_int_equal(write(world.near, "to nobody", 9), 9);
	assert_int_equal(turn(events), RELAY_FAILED);
}

/* A TCP peer sees a cut as a cut. */
static void tcp_pair(int ret_fds[static 2])
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	ret_fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(ret_fds[0], (struct sockaddr *)&at, sizeof(at)), 0);
	ret_fds[1] = accept(listener, NULL, NULL);
	close(listener);
}

static void test_relay_done__after_a_failure__is_a_reset(void **state)
{
	struct relay relay;
	int tcp[2], pair[2];
	char byte;

	(void)state;
	for (int failed = 0; failed < 2; failed++) {
		tcp_pair(tcp);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		assert_int_equal(relay_init(&relay, tcp[1], pair[1], NULL), 0);
		relay_done(&relay, failed);
		relay_done(&relay, failed);
		assert_int_equal(read(tcp[0], &byte, 1), failed ? -1 : 0);
		if (failed)
			assert_int_equal(errno, ECONNRESET);
		assert_int_equal(read(pair[0], &byte, 1), 0);
		close(tcp[0]);
		close(pair[0]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_relay_turn__bytes__pass_both_ways),
	    TEST(test_relay_turn__one_end__the_other_goes_on),
	    TEST(test_relay_turn__slow_reader__nothing_is_lost),
	    TEST(test_relay_turn__far_end_gone__fails),
	    cmocka_unit_test(test_relay_done__after_a_failure__is_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
