/* Several first starts at once, and the mixed files that they must not leave. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "root/root.h"
#include "tests/bytes.h"

enum { STARTS = 8, ROUNDS = 25 };

static char folder[64], first[80], second[80];

static void empty(const char *path)
{
	DIR *open_folder = opendir(path);
	struct dirent *entry;
	char name[512];

	while (open_folder && (entry = readdir(open_folder))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		unlink(name);
	}
	if (open_folder)
		closedir(open_folder);
	rmdir(path);
}

static int enter(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/tobichi-race-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(first, sizeof(first), "%s/first", folder);
	snprintf(second, sizeof(second), "%s/second", folder);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	empty(first);
	empty(second);
	return rmdir(folder);
}

/* All wait for the pipe's end, so that they start together. The exit status is the error.
 */
static pid_t start(int gate[2])
{
	pid_t pid = fork();
	char byte;

	if (pid == 0) {
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 0)
			_exit(100);
		_exit((int)root_init(first, "file", NULL, time(NULL), NULL));
	}
	assert_true(pid > 0);
	return pid;
}

static void run_together(unsigned *ret_made, unsigned *ret_found)
{
	pid_t pids[STARTS];
	int gate[2], status;

	assert_int_equal(pipe(gate), 0);
	for (size_t i = 0; i < STARTS; i++)
		pids[i] = start(gate);
	close(gate[0]);
	close(gate[1]);
	*ret_made = *ret_found = 0;
	for (size_t i = 0; i < STARTS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		*ret_made += WEXITSTATUS(status) == TOBI_OK;
		*ret_found += WEXITSTATUS(status) == TOBI_E_EXISTS;
	}
}

static void test_root_init__several_at_once__one_makes_it_the_others_find_it(void **state)
{
	(void)state;
	for (int n = 0; n < ROUNDS; n++) {
		struct tobi_fault fault = {0};
		struct root *root = NULL;
		unsigned made, found;

		run_together(&made, &found);
		assert_int_equal(made, 1);
		assert_int_equal(found, STARTS - 1);
		assert_int_equal(root_open(first, &root, &fault), TOBI_OK);
		root_free(root);
		empty(first);
	}
}

/* A file of the second platform in place of the first one's. */
static void mix(const char *name)
{
	struct writer content = wr_init(LIMIT_PEM);
	char from[160], to[160];

	snprintf(from, sizeof(from), "%s/%s", second, name);
	snprintf(to, sizeof(to), "%s/%s", first, name);
	assert_int_equal(file_read(from, LIMIT_PEM, "test", &content, NULL), 0);
	assert_int_equal(file_write(to, 0600, wr_view(&content), "test", NULL), 0);
	wr_done(&content);
}

static void expect_mismatch(const char *name, const char *why)
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;

	empty(first);
	empty(second);
	assert_int_equal(root_init(first, "file", NULL, time(NULL), NULL), 0);
	assert_int_equal(root_init(second, "file", NULL, time(NULL), NULL), 0);
	mix(name);
	assert_int_equal(root_open(first, &root, &fault), TOBI_E_MISMATCH);
	assert_string_equal(fault.object, "platform.pem");
	assert_non_null(strstr(fault.message, why));
	assert_null(root);
}

static void test_root_open__files_of_two_platforms__are_refused(void **state)
{
	(void)state;
	expect_mismatch("platform.key", "another key");
	expect_mismatch("platform.pem", "another key");
	expect_mismatch("platform-ca.pem", "has not signed it");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_root_init__several_at_once__one_makes_it_the_others_find_it),
	    TEST(test_root_open__files_of_two_platforms__are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
