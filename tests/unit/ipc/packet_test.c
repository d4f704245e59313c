#include "tests/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "ipc/packet.h"

static int ends[2];

static int setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int teardown(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static const struct tobi_bytes hello = {(const uint8_t *)"hello", 5};

static void test_packet_round_trip__content_and_descriptors(void **state)
{
	int pipes[2], fd;
	struct packet packet = {0};
	char c = 'x';

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(packet_send(ends[0], hello, pipes, 2, NULL), TOBI_OK);
	assert_int_equal(packet_send(ends[0], hello, NULL, 0, NULL), TOBI_OK);
	assert_int_equal(packet_receive(ends[1], 5, &packet, NULL), TOBI_OK);
	assert_true(bytes_equal(wr_view(&packet.bytes), hello));
	assert_int_equal(packet.fd_count, 2);
	/* They are the same pipe, and are not inherited. */
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(fcntl(packet.fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	fd = packet_take_fd(&packet, 1);
	assert_int_equal(write(fd, &c, 1), 1);
	c = 0;
	assert_int_equal(read(pipes[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	assert_int_equal(packet_take_fd(&packet, 1), -1);
	assert_int_equal(packet_take_fd(&packet, 2), -1);
	packet_done(&packet);
	/* Taken ones stay open, the others are closed. */
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(packet_receive(ends[1], 5, &packet, NULL), TOBI_OK);
	assert_int_equal(packet.fd_count, 0);
	packet_done(&packet);
}

static void test_packet_size__limit_and_one_beyond(void **state)
{
	static const uint8_t bytes[4097];
	size_t before = open_descriptors();
	struct tobi_fault fault = {0};
	struct packet packet = {0};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(
	    packet_send(ends[0], (struct tobi_bytes){bytes, 4096}, NULL, 0, NULL),
	    TOBI_OK);
	assert_int_equal(packet_receive(ends[1], 4096, &packet, NULL), TOBI_OK);
	assert_int_equal(packet.bytes.size, 4096);
	packet_done(&packet);
	assert_int_equal(
	    packet_send(ends[0], (struct tobi_bytes){bytes, 4097}, &null, 1, NULL),
	    TOBI_OK);
	close(null);
	assert_int_equal(packet_receive(ends[1], 4096, &packet, &fault), TOBI_E_LIMIT);
	assert_string_equal(fault.object, "packet");
	assert_string_equal(fault.field, "size");
	/* What came with it is closed, and the next packet is read. */
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(packet_send(ends[0], hello, NULL, 0, NULL), TOBI_OK);
	assert_int_equal(packet_receive(ends[1], 4096, &packet, NULL), TOBI_OK);
	packet_done(&packet);
}

/* Past packet_send(), which would refuse it. */
static void send_descriptors(size_t count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(64 * sizeof(int))];
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)hello.ptr, hello.size};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(header) + i * sizeof(int), &ends[0], sizeof(int));
	assert_int_equal(sendmsg(ends[0], &message, 0), 5);
}

static void test_packet_descriptors__limit_and_beyond__all_closed(void **state)
{
	static const size_t counts[] = {LIMIT_PACKET_FDS, LIMIT_PACKET_FDS + 1,
					LIMIT_PACKET_FDS + 2, 64};
	int many[LIMIT_PACKET_FDS + 1] = {0};
	size_t before = open_descriptors();
	struct packet packet = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct tobi_fault fault = {0};
		bool fits = counts[i] <= LIMIT_PACKET_FDS;

		send_descriptors(counts[i]);
		assert_int_equal(packet_receive(ends[1], 64, &packet, &fault),
				 fits ? TOBI_OK : TOBI_E_LIMIT);
		if (fits)
			assert_int_equal(packet.fd_count, counts[i]);
		else
			assert_string_equal(fault.field, "descriptors");
		if (fits)
			packet_done(&packet);
		assert_int_equal(open_descriptors(), before);
	}
	assert_int_equal(packet_send(ends[0], hello, many, LIMIT_PACKET_FDS + 1, NULL),
			 TOBI_E_LIMIT);
}

static void test_packet_end_and_nothing__told_apart(void **state)
{
	struct tobi_fault fault = {0};
	struct packet packet = {0};

	(void)state;
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(packet_receive(ends[1], 64, &packet, &fault), TOBI_E_TIMEOUT);
	assert_int_equal(packet_send(ends[0], hello, NULL, 0, NULL), TOBI_OK);
	close(ends[0]);
	/* What was sent before the end still comes. */
	assert_int_equal(packet_receive(ends[1], 64, &packet, NULL), TOBI_OK);
	packet_done(&packet);
	assert_int_equal(packet_receive(ends[1], 64, &packet, &fault), TOBI_E_NOT_FOUND);
	/* No signal comes of it. */
	assert_int_equal(packet_send(ends[1], hello, NULL, 0, &fault), TOBI_E_NOT_FOUND);
}

static void test_packet_send__to_a_peer_that_does_not_read(void **state)
{
	static const uint8_t bytes[4096];
	enum tobi_err err = TOBI_OK;
	size_t sent = 0;

	(void)state;
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while (!err && sent++ < 100000)
		err =
		    packet_send(ends[0], (struct tobi_bytes){bytes, 4096}, NULL, 0, NULL);
	assert_int_equal(err, TOBI_E_TIMEOUT);
}

static void test_packet_peer__is_this_process(void **state)
{
	struct tobi_fault fault = {0};
	uid_t uid = (uid_t)-1;
	pid_t pid = 0;
	int pipes[2];

	(void)state;
	assert_int_equal(packet_peer(ends[0], &uid, &pid, NULL), TOBI_OK);
	assert_int_equal(uid, geteuid());
	assert_int_equal(pid, getpid());
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(packet_peer(pipes[0], &uid, &pid, &fault), TOBI_E_SYSTEM);
	assert_int_equal(packet_receive(pipes[0], 64, &(struct packet){0}, &fault),
			 TOBI_E_SYSTEM);
	close(pipes[0]);
	close(pipes[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Evidence with an event log in it is longer than what a socket takes by itself. */
static void test_packet_make_room__one_of_the_limit__comes_whole(void **state)
{
	static uint8_t bytes[LIMIT_CONTROL_REPLY];
	struct tobi_bytes large = {bytes, sizeof(bytes)};
	struct packet packet = {0};
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(packet_send(pair[0], large, NULL, 0, NULL), TOBI_E_SYSTEM);
	packet_make_room(pair[0]);
	assert_int_equal(packet_send(pair[0], large, NULL, 0, NULL), TOBI_OK);
	assert_int_equal(packet_receive(pair[1], LIMIT_CONTROL_REPLY, &packet, NULL),
			 TOBI_OK);
	assert_int_equal(packet.bytes.size, LIMIT_CONTROL_REPLY);
	packet_done(&packet);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_packet_round_trip__content_and_descriptors),
	    TEST(test_packet_size__limit_and_one_beyond),
	    TEST(test_packet_descriptors__limit_and_beyond__all_closed),
	    TEST(test_packet_end_and_nothing__told_apart),
	    TEST(test_packet_send__to_a_peer_that_does_not_read),
	    TEST(test_packet_peer__is_this_process),
	    TEST(test_packet_make_room__one_of_the_limit__comes_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
