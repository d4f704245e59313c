#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemons/broker/notify.h"

static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	if (name[0] == '@')
		address.sun_path[0] = 0;
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
	    0);
	return fd;
}

static void expect(const char *name)
{
	char text[64] = "";
	int fd = listen_at(name);

	assert_true(notify_send(name, "READY=1"));
	assert_int_equal(recv(fd, text, sizeof(text) - 1, 0), 7);
	assert_string_equal(text, "READY=1");
	close(fd);
}

static void test_notify_send__socket__told(void **state)
{
	char folder[] = "/tmp/notify-XXXXXX", path[64], name[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	expect(path);
	unlink(path);
	rmdir(folder);
	snprintf(name, sizeof(name), "@%s", folder);
	expect(name);
}

static void test_notify_send__no_socket__nothing_or_false(void **state)
{
	char longest[200];

	(void)state;
	assert_true(notify_send(NULL, "READY=1"));
	assert_true(notify_send("", "READY=1"));
	assert_false(notify_send("/nowhere/socket", "READY=1"));
	assert_false(notify_send("vsock:2:1", "READY=1"));
	memset(longest, '/', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_false(notify_send(longest, "READY=1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_notify_send__socket__told),
	    cmocka_unit_test(test_notify_send__no_socket__nothing_or_false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
