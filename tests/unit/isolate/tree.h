/* A folder of its own for each test, which then works in it; and what to put there. */
#ifndef TESTS_UNIT_ISOLATE_TREE_H
#define TESTS_UNIT_ISOLATE_TREE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

static inline int tree_enter(void **state)
{
	char *folder = strdup("/tmp/tobichi-isolate-XXXXXX");

	*state = folder;
	return folder && mkdtemp(folder) && chmod(folder, 0755) == 0 && chdir(folder) == 0
		   ? 0
		   : -1;
}

static inline int tree_remove(const char *path, const struct stat *st, int type,
			      struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static inline int tree_leave(void **state)
{
	int failed = chdir("/") || nftw(*state, tree_remove, 16, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return failed ? -1 : 0;
}

static inline void tree_folder(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static inline void tree_file(const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	assert_int_equal(close(fd), 0);
}

static inline void tree_link(const char *target, const char *path)
{
	assert_int_equal(symlink(target, path), 0);
}

static inline void tree_expect(const char *path, const char *content)
{
	char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	if (fd < 0)
		fail_msg("there is no %s", path);
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(size >= 0);
	text[size] = 0;
	assert_string_equal(text, content);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, tree_enter, tree_leave)

#endif
