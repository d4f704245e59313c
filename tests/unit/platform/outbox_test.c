#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemons/platform/outbox.h"
#include "ipc/packet.h"
#include "tests/bytes.h"

/* Linked with --wrap=free: what is freed while it is watched must be wiped. */
static bool watching, unwiped;

void __real_free(void *ptr);
void __wrap_free(void *ptr);

static const char mark[] = "a key that is on its way";

void __wrap_free(void *ptr)
{
	if (watching && ptr && memcmp(ptr, mark, sizeof(mark)) == 0)
		unwiped = true;
	__real_free(ptr);
}

static struct {
	struct outbox outbox;
	int fd, peer;
} world;

static int enter(void **state)
{
	int pair[2];

	(void)state;
	world.outbox = (struct outbox){0};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
		return -1;
	world.fd = pair[0];
	world.peer = pair[1];
	return 0;
}

static int leave(void **state)
{
	(void)state;
	outbox_done(&world.outbox);
	fd_close(&world.fd);
	fd_close(&world.peer);
	return 0;
}

/* A packet that is told by its number. */
static enum tobi_err send_number(uint32_t number)
{
	uint8_t packet[4096] = {0};

	for (size_t i = 0; i < 4; i++)
		packet[i] = (uint8_t)(number >> 8 * i);
	return outbox_send(&world.outbox, world.fd,
			   (struct tobi_bytes){packet, sizeof(packet)}, -1, NULL);
}

static bool receive_number(uint32_t *ret_number)
{
	struct packet packet;

	if (packet_receive(world.peer, 4096, &packet, NULL))
		return false;
	assert_int_equal(packet.bytes.size, 4096);
	*ret_number = 0;
	for (size_t i = 0; i < 4; i++)
		*ret_number |= (uint32_t)packet.bytes.ptr[i] << 8 * i;
	packet_done(&packet);
	return true;
}

static void test_outbox_send__no_room_at_the_peer__all_comes_in_order(void **state)
{
	uint32_t sent = 0, got = 0, number;

	(void)state;
	while (outbox_is_empty(&world.outbox))
		assert_true(send_number(sent++) == TOBI_OK ||
			    !outbox_is_empty(&world.outbox));
	for (int n = 0; n < 10; n++)
		assert_int_equal(send_number(sent++), TOBI_E_TIMEOUT);
	/* Room again: what waits still goes first. */
	assert_true(receive_number(&number));
	assert_int_equal(number, got++);
	assert_int_equal(send_number(sent++), TOBI_E_TIMEOUT);
	do {
		while (receive_number(&number))
			assert_int_equal(number, got++);
	} while (outbox_flush(&world.outbox, world.fd, NULL) == TOBI_E_TIMEOUT);
	while (receive_number(&number))
		assert_int_equal(number, got++);
	assert_int_equal(got, sent);
	assert_true(outbox_is_empty(&world.outbox));
	assert_int_equal(world.outbox.size, 0);
	assert_int_equal(send_number(sent), TOBI_OK);
}

static void test_outbox_send__too_much_waits__is_refused(void **state)
{
	enum tobi_err err;
	size_t kept = 0;

	(void)state;
	while ((err = send_number(0)) == TOBI_OK)
		;
	for (; err == TOBI_E_TIMEOUT && kept < OUTBOX_MAX / 4096; err = send_number(0))
		kept++;
	assert_int_equal(err, TOBI_E_LIMIT);
	assert_int_equal(kept, OUTBOX_MAX / (4096 + 128));
}

static void test_outbox_send__empty_packets__are_bounded_too(void **state)
{
	enum tobi_err err;
	size_t kept = 0;

	(void)state;
	while (send_number(0) == TOBI_OK)
		;
	do {
		err = outbox_send(&world.outbox, world.fd, text_bytes("x"), -1, NULL);
		kept++;
	} while (err == TOBI_E_TIMEOUT && kept <= OUTBOX_MAX / 128);
	assert_int_equal(err, TOBI_E_LIMIT);
	assert_true(kept <= OUTBOX_MAX / 128);
}

static void test_outbox_send__descriptors__are_bounded_too(void **state)
{
	enum tobi_err err;
	int kept = 0;

	(void)state;
	while (send_number(0) == TOBI_OK)
		;
	do {
		err =
		    outbox_send(&world.outbox, world.fd, text_bytes("x"), world.fd, NULL);
		kept++;
	} while (err == TOBI_E_TIMEOUT && kept <= OUTBOX_FDS_MAX);
	assert_int_equal(err, TOBI_E_LIMIT);
	assert_int_equal(kept, OUTBOX_FDS_MAX + 1);
	/* Others may still wait; and once there is room, so may these. */
	assert_int_equal(send_number(0), TOBI_E_TIMEOUT);
	while (outbox_flush(&world.outbox, world.fd, NULL)) {
		struct packet packet;

		assert_int_equal(packet_receive(world.peer, 4096, &packet, NULL), 0);
		packet_done(&packet);
	}
	assert_int_equal(world.outbox.fds, 0);
}

static void test_outbox_send__the_peer_has_gone__says_so(void **state)
{
	(void)state;
	while (send_number(0) == TOBI_OK)
		;
	fd_close(&world.peer);
	assert_int_equal(outbox_flush(&world.outbox, world.fd, NULL), TOBI_E_NOT_FOUND);
}

/* A descriptor waits with its packet, and comes with no other. */
static void test_outbox_send__descriptor_waits__comes_with_its_packet(void **state)
{
	struct packet packet;
	int pair[2], one = 1;
	char byte = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	while (send_number(0) == TOBI_OK)
		;
	assert_int_equal(outbox_send(&world.outbox, world.fd,
				     (struct tobi_bytes){(uint8_t *)&one, 1}, pair[1],
				     NULL),
			 TOBI_E_TIMEOUT);
	assert_int_equal(send_number(2), TOBI_E_TIMEOUT);
	/* Its own copy: the sender's may be closed. */
	fd_close(&pair[1]);
	for (;;) {
		IGNORE(outbox_flush(&world.outbox, world.fd, NULL));
		assert_int_equal(packet_receive(world.peer, 1 << 16, &packet, NULL), 0);
		if (packet.bytes.size == 1)
			break;
		assert_int_equal(packet.fd_count, 0);
		packet_done(&packet);
	}
	assert_int_equal(packet.fd_count, 1);
	assert_int_equal(write(packet.fds[0], "x", 1), 1);
	assert_int_equal(read(pair[0], &byte, 1), 1);
	packet_done(&packet);
	/* Nothing keeps it open. */
	assert_int_equal(read(pair[0], &byte, 1), 0);
	assert_int_equal(packet_receive(world.peer, 1 << 16, &packet, NULL), 0);
	assert_int_equal(packet.fd_count, 0);
	packet_done(&packet);
	fd_close(&pair[0]);
}

static void test_outbox_done__descriptor_waited__is_closed(void **state)
{
	int pair[2];
	char byte;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	while (send_number(0) == TOBI_OK)
		;
	assert_int_equal(
	    outbox_send(&world.outbox, world.fd, text_bytes("x"), pair[1], NULL),
	    TOBI_E_TIMEOUT);
	fd_close(&pair[1]);
	outbox_done(&world.outbox);
	assert_int_equal(read(pair[0], &byte, 1), 0);
	fd_close(&pair[0]);
}

static void test_outbox_done__what_waited__is_wiped(void **state)
{
	(void)state;
	while (send_number(0) == TOBI_OK)
		;
	watching = true;
	assert_int_equal(
	    outbox_send(&world.outbox, world.fd,
			(struct tobi_bytes){(const uint8_t *)mark, sizeof(mark)}, -1,
			NULL),
	    TOBI_E_TIMEOUT);
	outbox_done(&world.outbox);
	watching = false;
	assert_false(unwiped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_outbox_send__no_room_at_the_peer__all_comes_in_order),
	    TEST(test_outbox_send__too_much_waits__is_refused),
	    TEST(test_outbox_send__empty_packets__are_bounded_too),
	    TEST(test_outbox_send__descriptors__are_bounded_too),
	    TEST(test_outbox_send__the_peer_has_gone__says_so),
	    TEST(test_outbox_send__descriptor_waits__comes_with_its_packet),
	    TEST(test_outbox_done__descriptor_waited__is_closed),
	    TEST(test_outbox_done__what_waited__is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
