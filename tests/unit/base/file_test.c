#include <dirent.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "tests/bytes.h"

/* Each test has an empty folder of its own, and is in it. */
static int enter(void **state)
{
	char *folder = strdup("/tmp/tobichi-file-XXXXXX");

	*state = folder;
	return folder && mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int entries(void)
{
	DIR *folder = opendir(".");
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

static int leave(void **state)
{
	DIR *folder = opendir(".");
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		unlink(entry->d_name);
	closedir(folder);
	rmdir("folder");
	if (chdir("/") || rmdir(*state))
		return -1;
	free(*state);
	return 0;
}

static void make(const char *path, mode_t mode, const char *content)
{
	assert_int_equal(file_write(path, mode, text_bytes(content), "made", NULL), 0);
}

static void expect_content(const char *path, const char *content)
{
	struct writer out = wr_init(1 << 16);

	assert_int_equal(file_read(path, 1 << 16, "file", &out, NULL), TOBI_OK);
	assert_bytes_equal(wr_view(&out), text_bytes(content));
	wr_done(&out);
}

static void refused(const char *path, size_t ceiling, enum tobi_err err)
{
	struct writer out = wr_init(1 << 16);
	struct tobi_fault fault = {0};

	assert_int_equal(file_read(path, ceiling, "thing", &out, &fault), err);
	assert_string_equal(fault.object, "thing");
	assert_int_equal(fault.code, err);
	wr_done(&out);
}

static void test_file_read__ceiling__exact_fits_one_more_does_not(void **state)
{
	struct writer out = wr_init(100);

	(void)state;
	make("a", 0600, "12345");
	assert_int_equal(file_read("a", 5, "file", &out, NULL), TOBI_OK);
	assert_bytes_equal(wr_view(&out), text_bytes("12345"));
	wr_done(&out);
	refused("a", 4, TOBI_E_LIMIT);
}

static void test_file_read__room_of_the_writer__holds_too(void **state)
{
	struct writer out = wr_init(6);

	(void)state;
	make("a", 0600, "1234");
	assert_int_equal(file_read("a", 100, "file", &out, NULL), TOBI_OK);
	assert_int_equal(file_read("a", 100, "file", &out, NULL), TOBI_E_LIMIT);
	wr_done(&out);
}

static void test_file_read__empty__empty(void **state)
{
	(void)state;
	make("a", 0600, "");
	expect_content("a", "");
}

/* A FIFO without a writer would block for ever: alarm() ends the test then. */
static void test_file_read__not_a_regular_file__refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mkdir("folder", 0700), 0);
	alarm(20);
	refused("fifo", 100, TOBI_E_MALFORMED);
	alarm(0);
	refused("folder", 100, TOBI_E_MALFORMED);
	refused("/dev/zero", 100, TOBI_E_MALFORMED);
}

static void test_file_read__missing__not_found_and_escaped(void **state)
{
	struct tobi_fault fault = {0};
	struct writer out = wr_init(100);

	(void)state;
	assert_int_equal(file_read("no\n\x1b[1m", 9, "file", &out, &fault),
			 TOBI_E_NOT_FOUND);
	assert_non_null(strstr(fault.message, "no\\x0a\\x1b[1m"));
	assert_null(strchr(fault.message, '\n'));
	refused("-", 9, TOBI_E_NOT_FOUND);
	wr_done(&out);
}

static void test_file_read_secret__others_may_read__denied(void **state)
{
	static const mode_t open_modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0644};
	struct secret secret = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
		struct tobi_fault fault = {0};

		make("key", open_modes[i], "secret");
		assert_int_equal(file_read_secret("key", 100, "key", &secret, &fault),
				 TOBI_E_DENIED);
		assert_null(secret.ptr);
		assert_non_null(strstr(fault.message, "chmod 600"));
	}
	make("key", 0600, "secret");
	assert_int_equal(file_read_secret("key", 5, "key", &secret, NULL), TOBI_E_LIMIT);
	assert_int_equal(file_read_secret("key", 6, "key", &secret, NULL), TOBI_OK);
	assert_bytes_equal(secret_view(&secret), text_bytes("secret"));
	secret_done(&secret);
}

static void test_file_read_secret__of_another_user__denied(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	make("key", 0600, "secret");
	assert_int_equal(chown("key", 12345, 12345), 0);
	/* One who is not root, but may open every file. */
	pid = fork();
	if (pid == 0) {
		struct secret secret = {0};

		if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) || seteuid(54321))
			_exit(99);
		_exit((int)file_read_secret("key", 99, "key", &secret, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 99)
		skip();
	assert_int_equal(WEXITSTATUS(status), TOBI_E_DENIED);
}

static void test_file_write__replaces__whole_with_mode(void **state)
{
	struct stat st;
	mode_t old = umask(077);

	(void)state;
	make("a", 0600, "a longer old one");
	make("a", 0644, "new");
	umask(old);
	expect_content("a", "new");
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(entries(), 1);
}

/* A write that fails in the middle: over the limit on the size of files. */
static enum tobi_err write_over_limit(const char *path, bool replace)
{
	static const uint8_t big[10000] = {1};
	struct tobi_bytes bytes = {big, sizeof(big)};
	struct rlimit old, small;
	struct tobi_fault fault = {0};
	enum tobi_err err;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){4096, old.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	err = replace ? file_write(path, 0600, bytes, "file", &fault)
		      : file_write_new(path, 0600, bytes, "file", &fault);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(fault.code, err);
	return err;
}

static void test_file_write__fails_half_way__old_one_stays(void **state)
{
	(void)state;
	make("a", 0600, "old");
	assert_int_equal(write_over_limit("a", true), TOBI_E_SYSTEM);
	expect_content("a", "old");
	assert_int_equal(entries(), 1);
	assert_int_equal(write_over_limit("b", true), TOBI_E_SYSTEM);
	assert_int_equal(write_over_limit("b", false), TOBI_E_SYSTEM);
	assert_int_equal(entries(), 1);
}

static void test_file_write__cannot_be_renamed__nothing_left(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(file_write("folder", 0600, text_bytes("x"), "file", &fault),
			 TOBI_E_SYSTEM);
	assert_int_equal(file_write("no/a", 0600, text_bytes("x"), "file", &fault),
			 TOBI_E_SYSTEM);
	assert_int_equal(entries(), 1);
}

static void test_file_write_new__exists__left_as_it_is(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(file_write_new("a", 0600, text_bytes("one"), "file", NULL), 0);
	assert_int_equal(file_write_new("a", 0600, text_bytes("two"), "file", &fault),
			 TOBI_E_EXISTS);
	assert_int_equal(fault.code, TOBI_E_EXISTS);
	expect_content("a", "one");
	/* A link that leads nowhere is there, too. */
	assert_int_equal(symlink("nowhere", "link"), 0);
	assert_int_equal(file_write_new("link", 0600, text_bytes("x"), "file", NULL),
			 TOBI_E_EXISTS);
	assert_int_equal(entries(), 2);
}

static void test_file_write__path_over_limit__limit(void **state)
{
	char path[LIMIT_PATH + 2];

	(void)state;
	memset(path, '/', sizeof(path));
	path[LIMIT_PATH + 1] = 0;
	assert_int_equal(file_write(path, 0600, text_bytes("x"), "file", NULL),
			 TOBI_E_LIMIT);
}

static void test_fd_pread_all__past_the_end__truncated_with_offset(void **state)
{
	struct tobi_fault fault = {0};
	uint8_t out[8];
	int fd;

	(void)state;
	make("a", 0600, "12345");
	fd = open("a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_pread_all(fd, out, 3, 2, "file", NULL), TOBI_OK);
	assert_memory_equal(out, "345", 3);
	assert_int_equal(fd_pread_all(fd, out, 4, 2, "file", &fault), TOBI_E_TRUNCATED);
	assert_int_equal(fault.offset, 5);
	close(fd);
	assert_int_equal(fd_pread_all(fd, out, 1, 0, "file", NULL), TOBI_E_SYSTEM);
	assert_int_equal(fd_write_all(fd, text_bytes("x"), "file", NULL), TOBI_E_SYSTEM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_file_read__ceiling__exact_fits_one_more_does_not),
	    TEST(test_file_read__room_of_the_writer__holds_too),
	    TEST(test_file_read__empty__empty),
	    TEST(test_file_read__not_a_regular_file__refused_at_once),
	    TEST(test_file_read__missing__not_found_and_escaped),
	    TEST(test_file_read_secret__others_may_read__denied),
	    TEST(test_file_read_secret__of_another_user__denied),
	    TEST(test_file_write__replaces__whole_with_mode),
	    TEST(test_file_write__fails_half_way__old_one_stays),
	    TEST(test_file_write__cannot_be_renamed__nothing_left),
	    TEST(test_file_write_new__exists__left_as_it_is),
	    TEST(test_file_write__path_over_limit__limit),
	    TEST(test_fd_pread_all__past_the_end__truncated_with_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
