/* Who gets to the desk. */
#include "tests/bytes.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "desk.h"
#include "seal/client.h"

static struct {
	char folder[40], path[64];
	struct event_base *base;
	struct desk *desk;
	struct seal_identity identity;
} world;

static int enter(void **state)
{
	struct desk_setup setup = {.folder = world.folder,
				   .uid = (uid_t)-1,
				   .gid = (gid_t)-1,
				   .identity = &world.identity,
				   .idle_ms = 60000};

	(void)state;
	memset(&world, 0, sizeof(world));
	snprintf(world.folder, sizeof(world.folder), "/tmp/tobichi-desk-XXXXXX");
	assert_non_null(mkdtemp(world.folder));
	snprintf(world.path, sizeof(world.path), "%s/" ASK_SOCKET, world.folder);
	world.base = event_base_new();
	setup.base = world.base;
	return desk_new(&setup, &world.desk, NULL) ? -1 : 0;
}

static int leave(void **state)
{
	(void)state;
	desk_free(world.desk);
	event_base_free(world.base);
	return rmdir(world.folder);
}

static void test_desk__another_user__is_not_let_in(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	if (getuid() != 0) {
		print_message("skipped: needs root to be another user\n");
		skip();
	}
	/* The socket's mode is the first wall; this is about the one behind it. */
	assert_int_equal(chmod(world.folder, 0755), 0);
	assert_int_equal(chmod(world.path, 0666), 0);
	pid = fork();
	if (pid == 0) {
		uint8_t byte;
		int fd = -1;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(2);
		if (client_connect_to(world.path, &fd, NULL))
			_exit(3);
		_exit(recv(fd, &byte, 1, 0) == 0 ? 0 : 4);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		event_base_loop(world.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(status, 0);
}

static void test_desk_new__the_socket__is_private(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(world.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(S_ISSOCK(st.st_mode));
}

static void test_desk_new__where_there_is_no_folder__fails(void **state)
{
	struct desk_setup setup = {.base = world.base,
				   .folder = "/tmp/tobichi-desk-none",
				   .uid = (uid_t)-1,
				   .identity = &world.identity};
	struct desk *desk = NULL;

	(void)state;
	assert_int_equal(desk_new(&setup, &desk, NULL), TOBI_E_SYSTEM);
	assert_null(desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	    TEST(test_desk__another_user__is_not_let_in),
	    TEST(test_desk_new__the_socket__is_private),
	    TEST(test_desk_new__where_there_is_no_folder__fails),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
