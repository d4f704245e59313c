#include "isolate/copytree.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "tests/unit/isolate/tree.h"

/* Entries that are made or not: "from" to "to", for whoever runs the test. */
static enum tobi_err copy(struct tobi_fault *fault)
{
	return copytree("from", "to", geteuid(), getegid(), fault);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode;
}

static void test_copytree__folders_files_links__as_they_are(void **state)
{
	char target[64] = "";

	(void)state;
	tree_folder("from");
	tree_folder("from/sub");
	tree_file("from/sub/file", "content");
	tree_link("sub/file", "from/link");
	assert_int_equal(chmod("from/sub/file", 0640), 0);
	assert_int_equal(chmod("from/sub", 01777), 0);
	assert_int_equal(copy(NULL), TOBI_OK);
	tree_expect("to/sub/file", "content");
	assert_int_equal(mode_of("to/sub/file"), S_IFREG | 0640);
	assert_int_equal(mode_of("to/sub"), S_IFDIR | 01777);
	assert_int_equal(readlink("to/link", target, sizeof(target) - 1), 8);
	assert_string_equal(target, "sub/file");
}

static void test_copytree__link_that_leads_out__copied_not_followed(void **state)
{
	char target[PATH_MAX] = "";

	tree_folder("host");
	tree_file("host/file", "of the host");
	tree_folder("from");
	tree_link("../host", "from/near");
	tree_link("/nowhere/at all", "from/far");
	assert_int_equal(copy(NULL), TOBI_OK);
	assert_true(S_ISLNK(mode_of("to/near")));
	assert_true(S_ISLNK(mode_of("to/far")));
	assert_true(readlink("to/far", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/nowhere/at all");
	/* The folder itself as a link: it is copied as a link, too. */
	assert_int_equal(copytree("from/near", "to2", geteuid(), getegid(), NULL), 0);
	assert_true(S_ISLNK(mode_of("to2")));
	(void)state;
}

static void test_copytree__set_user_id__dropped(void **state)
{
	(void)state;
	tree_folder("from");
	tree_file("from/tool", "x");
	assert_int_equal(chmod("from/tool", 06755), 0);
	assert_int_equal(chmod("from", 02755), 0);
	assert_int_equal(copy(NULL), TOBI_OK);
	assert_int_equal(mode_of("to/tool"), S_IFREG | 0755);
	assert_int_equal(mode_of("to"), S_IFDIR | 0755);
}

static void test_copytree__hard_links__each_a_file_of_its_own(void **state)
{
	(void)state;
	tree_folder("from");
	tree_file("from/one", "content");
	assert_int_equal(link("from/one", "from/two"), 0);
	assert_int_equal(copy(NULL), TOBI_OK);
	tree_expect("to/two", "content");
	tree_file("to/one", "changed");
	tree_expect("to/two", "content");
	tree_expect("from/one", "content");
}

static void test_copytree__sparse__same_content(void **state)
{
	const off_t hole = 3 << 20;
	char byte = 1;
	struct stat st;
	int fd;

	(void)state;
	tree_folder("from");
	tree_file("from/file", "");
	fd = open("from/file", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "end", 3, hole), 3);
	close(fd);
	assert_int_equal(copy(NULL), TOBI_OK);
	fd = open("to/file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, hole + 3);
	assert_int_equal(pread(fd, &byte, 1, hole / 2), 1);
	assert_int_equal(byte, 0);
	assert_int_equal(pread(fd, &byte, 1, hole), 1);
	assert_int_equal(byte, 'e');
	close(fd);
}

static void test_copytree__sockets_and_pipes__left_out(void **state)
{
	(void)state;
	tree_folder("from");
	tree_file("from/file", "x");
	assert_int_equal(mkfifo("from/pipe", 0644), 0);
	assert_int_equal(copy(NULL), TOBI_OK);
	assert_int_equal(access("to/file", F_OK), 0);
	assert_int_equal(access("to/pipe", F_OK), -1);
}

static void test_copytree__target_has_such_a_file__not_written_through(void **state)
{
	(void)state;
	tree_folder("from");
	tree_file("from/file", "new");
	tree_folder("host");
	tree_file("host/file", "of the host");
	tree_link("host", "to");
	assert_int_equal(copy(NULL), TOBI_E_SYSTEM);
	tree_expect("host/file", "of the host");
}

/* Folders one in the other, `levels` of them. */
static void nest(const char *root, int levels)
{
	CLEANUP(fd_close) int at = -1;

	tree_folder(root);
	at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < levels; i++) {
		int below;

		assert_int_equal(mkdirat(at, "d", 0755), 0);
		below = openat(at, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close(at);
		at = below;
	}
}

static void test_copytree__levels__64_copied_65_refused(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	nest("from", 64);
	assert_int_equal(copy(NULL), TOBI_OK);
	nest("from2", 65);
	assert_int_equal(copytree("from2", "to2", geteuid(), getegid(), &fault),
			 TOBI_E_LIMIT);
	assert_string_equal(fault.field, "writable paths");
}

static void test_copytree__entries__65536_copied_one_more_refused(void **state)
{
	char name[32];
	int from;

	(void)state;
	tree_folder("from");
	from = open("from", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* The folder itself counts. */
	for (int i = 1; i < 65536; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(symlinkat("x", from, name), 0);
	}
	assert_int_equal(copy(NULL), TOBI_OK);
	assert_int_equal(symlinkat("x", from, "last"), 0);
	close(from);
	assert_int_equal(copytree("from", "to2", geteuid(), getegid(), NULL),
			 TOBI_E_LIMIT);
}

static void test_copytree__path_just_too_long__limit_not_another_name(void **state)
{
	char to[PATH_MAX] = "", name[201];
	struct tobi_fault fault = {0};
	char *here = *state;

	memset(name, 'n', 200);
	name[200] = 0;
	tree_folder("from");
	{
		char path[256];

		snprintf(path, sizeof(path), "from/%s", name);
		tree_file(path, "x");
	}
	/* As long as a path can be, less what was cut off the name: "//" is "/". */
	snprintf(to, sizeof(to), "%s", here);
	while (strlen(to) < PATH_MAX - 100)
		strcat(to, "/");
	strcat(to, "to");
	assert_int_equal(copytree("from", to, geteuid(), getegid(), &fault),
			 TOBI_E_LIMIT);
	name[PATH_MAX - 2 - strlen(to)] = 0;
	{
		char path[256];

		snprintf(path, sizeof(path), "to/%s", name);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static void test_copytree__missing__error(void **state)
{
	(void)state;
	assert_int_equal(copy(NULL), TOBI_E_SYSTEM);
	assert_int_equal(access("to", F_OK), -1);
}

/* In a mount namespace of its own: a tmpfs of one mebibyte is the target. */
static int copy_into_small(void)
{
	struct tobi_fault fault = {0};

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) || mkdir("small", 0755) ||
	    mount("tmpfs", "small", "tmpfs", 0, "size=1048576"))
		return 77;
	if (copytree("from", "small/to", (uid_t)-1, (gid_t)-1, &fault) != TOBI_E_SYSTEM)
		return 1;
	return strstr(fault.message, "the limit on writable paths may be too low") ? 0
										   : 2;
}

static void test_copytree__too_large__error_that_names_the_limit(void **state)
{
	int status, fd;
	pid_t pid;

	(void)state;
	tree_folder("from");
	tree_file("from/file", "");
	fd = open("from/file", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)1 << 34), 0); /* 16 GiB, all of it a hole */
	close(fd);
	pid = fork();
	if (pid == 0)
		_exit(copy_into_small());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* no namespaces for this user */
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TREE_TEST(test_copytree__folders_files_links__as_they_are),
	    TREE_TEST(test_copytree__link_that_leads_out__copied_not_followed),
	    TREE_TEST(test_copytree__set_user_id__dropped),
	    TREE_TEST(test_copytree__hard_links__each_a_file_of_its_own),
	    TREE_TEST(test_copytree__sparse__same_content),
	    TREE_TEST(test_copytree__sockets_and_pipes__left_out),
	    TREE_TEST(test_copytree__target_has_such_a_file__not_written_through),
	    TREE_TEST(test_copytree__levels__64_copied_65_refused),
	    TREE_TEST(test_copytree__entries__65536_copied_one_more_refused),
	    TREE_TEST(test_copytree__path_just_too_long__limit_not_another_name),
	    TREE_TEST(test_copytree__missing__error),
	    TREE_TEST(test_copytree__too_large__error_that_names_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
