/* Names and addresses, from the courier's side. */
#include "tests/bytes.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemons/platform/courier.h"

enum { AT_ONCE_MS = 50, LONG_MS = 20000 };

static int listen_here(int backlog, char ret_port[static 8])
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	snprintf(ret_port, 8, "%u", ntohs(at.sin_port));
	return fd;
}

static void test_courier_connect__somebody_listens__is_connected(void **state)
{
	int listener, fd = -1, peer;
	char port[8], byte = 0;

	(void)state;
	listener = listen_here(8, port);
	assert_int_equal(courier_connect("127.0.0.1", port, LONG_MS, &fd, NULL), 0);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(peer, &byte, 1), 1);
	close(peer);
	close(fd);
	close(listener);
}

static void test_courier_connect__nobody_listens__fails(void **state)
{
	struct tobi_fault fault = {0};
	char port[8];
	int fd = -1;

	(void)state;
	close(listen_here(8, port));
	assert_int_equal(courier_connect("127.0.0.1", port, LONG_MS, &fd, &fault),
			 TOBI_E_SYSTEM);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(fault.message, "Connection refused"));
}

/* A full queue: the kernel does not answer. */
static void test_courier_connect__no_answer__times_out(void **state)
{
	struct tobi_fault fault = {0};
	int listener, fds[16];
	enum tobi_err err = TOBI_OK;
	size_t count = 0;
	char port[8];

	(void)state;
	listener = listen_here(0, port);
	while (!err && count < 16) {
		fds[count] = -1;
		err = courier_connect("127.0.0.1", port, AT_ONCE_MS, &fds[count], &fault);
		count++;
	}
	assert_int_equal(err, TOBI_E_TIMEOUT);
	assert_int_equal(fds[count - 1], -1);
	for (size_t i = 0; i < count; i++)
		fd_close(&fds[i]);
	close(listener);
}

static void test_courier_connect__no_such_name__is_not_found(void **state)
{
	struct tobi_fault fault = {0};
	int fd = -1;

	(void)state;
	/* Names that no name server is asked for. */
	assert_int_equal(courier_connect("a..b", "80", LONG_MS, &fd, &fault),
			 TOBI_E_NOT_FOUND);
	assert_string_equal(fault.field, "name");
	assert_int_equal(courier_connect("127.0.0.1", "http", LONG_MS, &fd, &fault),
			 TOBI_E_NOT_FOUND);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_courier_connect__somebody_listens__is_connected),
	    cmocka_unit_test(test_courier_connect__nobody_listens__fails),
	    cmocka_unit_test(test_courier_connect__no_answer__times_out),
	    cmocka_unit_test(test_courier_connect__no_such_name__is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
