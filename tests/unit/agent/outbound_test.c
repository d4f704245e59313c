/* What is told to the service about sessions that fail. The ways out themselves are in
 * egress_test.c. */
#include "tests/check.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "ipc/packet.h"
#include "outbound.h"

static void on_message(void *context, const struct message *message)
{
	(void)context, (void)message;
}

static void on_gone(void *context, const struct tobi_fault *fault)
{
	(void)context, (void)fault;
}

static unsigned count_packets(int fd)
{
	unsigned count = 0;
	struct packet packet = {0};

	while (packet_receive(fd, LIMIT_CHANNEL, &packet, NULL) == TOBI_OK) {
		count++;
		packet_done(&packet);
	}
	return count;
}

/* One more than the service shows: it then says that there are more. */
static void test_outbound_note__without_end__stops(void **state)
{
	static const struct channel_events events = {on_message, on_gone};
	struct tobi_fault fault = {.code = TOBI_E_REFUSED, .message = "refused"};
	struct event_base *base = event_base_new();
	struct outbound outbound = {0};
	unsigned count = 0;
	int pair[2];

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
	    0);
	assert_int_equal(
	    channel_new(base, pair[0], &events, NULL, &outbound.channel, NULL), 0);
	for (unsigned n = 0; n < 3 * LIMIT_NOTES; n++) {
		outbound_note(&outbound, &fault);
		count += count_packets(pair[1]);
	}
	assert_int_equal(count, LIMIT_NOTES + 1);
	channel_free(outbound.channel);
	event_base_free(base);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_outbound_note__without_end__stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
