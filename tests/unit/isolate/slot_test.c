#include "isolate/slot.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "tests/unit/isolate/tree.h"

static void expect(unsigned expected, int *ret_fd)
{
	struct tobi_fault fault = {0};
	unsigned slot = ~0u;

	if (slot_take("slots", &slot, ret_fd, &fault))
		fail_msg("%s", fault.message);
	assert_int_equal(slot, expected);
}

static void test_slot_take__taken_by_this_process__another_one(void **state)
{
	CLEANUP(fd_close) int one = -1;
	CLEANUP(fd_close) int two = -1;
	CLEANUP(fd_close) int three = -1;
	CLEANUP(fd_close) int again = -1;

	(void)state;
	expect(0, &one);
	expect(1, &two);
	expect(2, &three);
	fd_close(&two);
	expect(1, &again);
}

/* Two services: the other one has a slot, and is killed. */
static void test_slot_take__taken_by_another__free_after_its_death(void **state)
{
	CLEANUP(fd_close) int fd = -1;
	CLEANUP(fd_close) int again = -1;
	int pipes[2], status;
	char byte = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		unsigned slot;
		int taken;

		if (slot_take("slots", &slot, &taken, NULL) == TOBI_OK && slot == 0 &&
		    write(pipes[1], "t", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	expect(1, &fd);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	expect(0, &again);
}

static void test_slot_take__all_taken__limit(void **state)
{
	struct flock lock = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = SLOT_COUNT - 1};
	CLEANUP(fd_close) int fd = open("slots", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CLEANUP(fd_close) int last = -1;
	struct tobi_fault fault = {0};
	unsigned slot = 7;
	int none = -1;

	(void)state;
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	expect(SLOT_COUNT - 1, &last);
	assert_int_equal(slot_take("slots", &slot, &none, &fault), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "user ids");
	assert_int_equal(slot, 7);
	assert_int_equal(none, -1);
}

/* Ids of the last slot are ids still. */
static void test_slot_count__last_range__fits(void **state)
{
	(void)state;
	assert_true((uint64_t)SLOT_FIRST_USER_ID + (uint64_t)SLOT_COUNT * SLOT_USER_IDS ==
		    UINT64_C(0x80000000));
}

static void refused(enum tobi_err err)
{
	struct tobi_fault fault = {0};
	unsigned slot = 7;
	int fd = -1;

	assert_int_equal(slot_take("slots", &slot, &fd, &fault), err);
	assert_string_equal(fault.field, "user ids");
	assert_int_equal(slot, 7);
	assert_int_equal(fd, -1);
}

static void test_slot_take__file_that_others_can_open__denied(void **state)
{
	(void)state;
	tree_file("slots", "");
	assert_int_equal(chmod("slots", 0644), 0);
	refused(TOBI_E_DENIED);
	assert_int_equal(chmod("slots", 0620), 0);
	refused(TOBI_E_DENIED);
	if (geteuid() == 0) {
		assert_int_equal(chmod("slots", 0600), 0);
		assert_int_equal(chown("slots", 65534, 65534), 0);
		refused(TOBI_E_DENIED);
	}
}

static void test_slot_take__no_file__refused(void **state)
{
	(void)state;
	tree_link("elsewhere", "slots");
	refused(TOBI_E_SYSTEM);
	assert_int_equal(access("elsewhere", F_OK), -1);
	assert_int_equal(unlink("slots"), 0);
	assert_int_equal(mkfifo("slots", 0600), 0);
	refused(TOBI_E_DENIED);
	assert_int_equal(unlink("slots"), 0);
	tree_folder("slots");
	refused(TOBI_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TREE_TEST(test_slot_take__taken_by_this_process__another_one),
	    TREE_TEST(test_slot_take__taken_by_another__free_after_its_death),
	    TREE_TEST(test_slot_take__all_taken__limit),
	    TREE_TEST(test_slot_count__last_range__fits),
	    TREE_TEST(test_slot_take__file_that_others_can_open__denied),
	    TREE_TEST(test_slot_take__no_file__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
