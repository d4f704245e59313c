#include "sample.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "image/newfile.h"

static char *folder, path[64];

static int setup(void **state)
{
	(void)state;
	folder = sample_folder();
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sample_remove(folder);
	return 0;
}

static size_t entries(void)
{
	DIR *list = opendir(folder);
	size_t count = 0;

	while (readdir(list))
		count++;
	closedir(list);
	return count - 2;
}

static void make(const char *content, struct new_file *file)
{
	assert_int_equal(new_file_open(path, 0640, file, NULL), TOBI_OK);
	assert_int_equal(new_file_write(file, text(content), NULL), TOBI_OK);
}

static void expect(const char *content)
{
	struct writer bytes = sample_read(path);

	assert_true(bytes_equal_text(wr_view(&bytes), content));
	assert_int_equal(entries(), 1);
	wr_done(&bytes);
}

static void test_newfile_kept__is_whole_with_its_mode(void **state)
{
	mode_t old = umask(077);
	struct new_file file;
	struct stat st;

	(void)state;
	make("new", &file);
	assert_int_equal(new_file_keep(&file, false, NULL), TOBI_OK);
	new_file_done(&file);
	umask(old);
	expect("new");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_newfile_not_kept__leaves_nothing(void **state)
{
	size_t before = sample_open_descriptors();
	struct new_file file;

	(void)state;
	make("new", &file);
	new_file_done(&file);
	assert_int_equal(entries(), 0);
	assert_int_equal(sample_open_descriptors(), before);
}

static void test_newfile_over_an_older_one__only_when_asked(void **state)
{
	struct tobi_fault fault = {0};
	struct new_file file;

	(void)state;
	assert_int_equal(file_write(path, 0600, text("old"), "file", NULL), TOBI_OK);
	make("new", &file);
	assert_int_equal(new_file_keep(&file, false, &fault), TOBI_E_EXISTS);
	assert_non_null(strstr(fault.message, path));
	new_file_done(&file);
	expect("old");
	make("new", &file);
	assert_int_equal(new_file_keep(&file, true, NULL), TOBI_OK);
	new_file_done(&file);
	expect("new");
}

static void test_newfile_over_what_is_no_file__refused(void **state)
{
	struct tobi_fault fault = {0};
	struct new_file file;
	struct stat st;

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(new_file_open(path, 0600, &file, &fault), TOBI_E_ARGUMENT);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(new_file_open(path, 0600, &file, &fault), TOBI_E_ARGUMENT);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(new_file_open("/dev/null", 0600, &file, &fault),
			 TOBI_E_ARGUMENT);
}

static void test_newfile_in_no_folder__says_which(void **state)
{
	struct tobi_fault fault = {0};
	struct new_file file;

	(void)state;
	assert_int_equal(new_file_open("/nonexistent/file", 0600, &file, &fault),
			 TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, "/nonexistent"));
}

static void test_newfile_copy__a_part_and_no_more(void **state)
{
	int from = sample_file(text("0123456789"));
	struct tobi_fault fault = {0};
	struct new_file file;

	(void)state;
	make(">", &file);
	assert_int_equal(new_file_copy(&file, from, 2, 5, NULL), TOBI_OK);
	assert_int_equal(new_file_copy(&file, from, 8, 5, &fault), TOBI_E_TRUNCATED);
	assert_int_equal(new_file_keep(&file, true, NULL), TOBI_OK);
	new_file_done(&file);
	close(from);
	expect(">23456");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_newfile_kept__is_whole_with_its_mode),
	    TEST(test_newfile_not_kept__leaves_nothing),
	    TEST(test_newfile_over_an_older_one__only_when_asked),
	    TEST(test_newfile_over_what_is_no_file__refused),
	    TEST(test_newfile_in_no_folder__says_which),
	    TEST(test_newfile_copy__a_part_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
