#include "sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "image/stage.h"

static char *outside, *folder;
static struct stage stage;

static int setup(void **state)
{
	(void)state;
	outside = sample_folder();
	folder = sample_folder();
	assert_int_equal(stage_init(folder, &stage, NULL), TOBI_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stage_done(&stage);
	sample_remove(folder);
	sample_remove(outside);
	return 0;
}

static const char *below(const char *where, const char *inside)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s%s", where, inside);
	return path[turn];
}

static void expect(const char *inside, const char *content, mode_t mode)
{
	struct writer bytes = sample_read(below(folder, inside));
	struct stat st;

	assert_true(bytes_equal_text(wr_view(&bytes), content));
	assert_int_equal(stat(below(folder, inside), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	wr_done(&bytes);
}

static enum tobi_err put(const char *content, mode_t mode, const char *inside,
			 struct tobi_fault *fault)
{
	int fd = sample_file(text(content));
	struct stat st;
	enum tobi_err err;

	assert_int_equal(fstat(fd, &st), 0);
	st.st_mode = S_IFREG | mode;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	err = stage_file(&stage, fd, &st, inside, fault);
	close(fd);
	return err;
}

static void test_stage_file__modes_do_not_depend_on_the_builder(void **state)
{
	mode_t old = umask(0777);
	struct stat st;

	(void)state;
	assert_int_equal(put("a", 0600, "/x/y/a", NULL), TOBI_OK);
	assert_int_equal(put("b", 06711, "/x/y/b", NULL), TOBI_OK);
	assert_int_equal(stage_text(&stage, "/etc/c", "c", NULL), TOBI_OK);
	assert_int_equal(stage_shared_folder(&stage, "/tmp", NULL), TOBI_OK);
	umask(old);
	expect("/x/y/a", "a", 0644);
	expect("/x/y/b", "b", 0755);
	expect("/etc/c", "c", 0644);
	assert_int_equal(stat(below(folder, "/x/y"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(below(folder, "/tmp"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 01777);
}

/* Whatever the image's links say, the host's files stay as they are. */
static void test_stage_links_to_the_host__lead_inside(void **state)
{
	char link[128];
	struct stat st;

	(void)state;
	assert_int_equal(mkdir(below(outside, "/etc"), 0755), 0);
	assert_int_equal(
	    file_write(below(outside, "/etc/passwd"), 0644, text("host"), "x", NULL),
	    TOBI_OK);
	snprintf(link, sizeof(link), "%s/etc", outside);
	assert_int_equal(stage_link(&stage, link, "/etc", NULL), TOBI_OK);
	assert_int_equal(stage_link(&stage, "../../../../../../../../etc", "/up", NULL),
			 TOBI_OK);
	/* The target does not exist inside yet. */
	assert_false(stage_has(&stage, "/etc/passwd"));
	assert_int_equal(stage_text(&stage, "/etc/passwd", "image", NULL), TOBI_E_EXISTS);
	/* Once it does, that is where things go. */
	assert_int_equal(stage_folder(&stage, link, NULL), TOBI_OK);
	assert_int_equal(stage_text(&stage, "/etc/passwd", "image", NULL), TOBI_OK);
	assert_int_equal(stage_text(&stage, "/up/group", "image", NULL), TOBI_OK);
	assert_int_equal(stage_folder(&stage, "/up/secrets", NULL), TOBI_OK);
	assert_true(stage_has(&stage, "/etc/passwd"));
	assert_true(stage_has(&stage, "/etc/secrets"));
	assert_int_equal(stat(below(outside, "/etc/secrets"), &st), -1);
	assert_int_equal(stat(below(outside, "/etc/group"), &st), -1);
	struct writer bytes = sample_read(below(outside, "/etc/passwd"));
	assert_true(bytes_equal_text(wr_view(&bytes), "host"));
	wr_done(&bytes);
}

static void test_stage_file_over_a_link__replaces_the_link(void **state)
{
	char target[128];
	struct writer bytes;

	(void)state;
	snprintf(target, sizeof(target), "%s/file", outside);
	assert_int_equal(file_write(target, 0644, text("host"), "x", NULL), TOBI_OK);
	assert_int_equal(stage_link(&stage, target, "/file", NULL), TOBI_OK);
	assert_int_equal(put("image", 0644, "/file", NULL), TOBI_OK);
	expect("/file", "image", 0644);
	bytes = sample_read(target);
	assert_true(bytes_equal_text(wr_view(&bytes), "host"));
	wr_done(&bytes);
}

static void test_stage_clashes__named(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(stage_folder(&stage, "/a/b", NULL), TOBI_OK);
	assert_int_equal(put("x", 0644, "/a/b", &fault), TOBI_E_EXISTS);
	assert_non_null(strstr(fault.message, "/a/b"));
	assert_int_equal(stage_link(&stage, "x", "/a/b", &fault), TOBI_E_EXISTS);
	assert_int_equal(put("x", 0644, "/f", NULL), TOBI_OK);
	assert_int_equal(put("x", 0644, "/f/g", &fault), TOBI_E_EXISTS);
	assert_non_null(strstr(fault.message, "a file"));
	assert_int_equal(put("x", 0644, "relative", &fault), TOBI_E_ARGUMENT);
	assert_int_equal(put("x", 0644, "/slash/", &fault), TOBI_E_ARGUMENT);
}

/* Counted before anything is copied: a sparse file of a terabyte costs nothing. */
static void test_stage_sizes__limit_and_one_beyond(void **state)
{
	int fd = sample_file(text(""));
	struct stat st = {.st_mode = S_IFREG | 0644};
	struct tobi_fault fault = {0};

	(void)state;
	st.st_size = (off_t)LIMIT_ROOTFS;
	assert_int_equal(stage_file(&stage, fd, &st, "/full", NULL), TOBI_OK);
	st.st_size = 1;
	assert_int_equal(stage_file(&stage, fd, &st, "/more", &fault), TOBI_E_LIMIT);
	assert_non_null(strstr(fault.message, "16 GiB"));
	assert_false(stage_has(&stage, "/more"));
	stage.entries = 200000;
	assert_int_equal(stage_folder(&stage, "/folder", &fault), TOBI_E_LIMIT);
	assert_non_null(strstr(fault.message, "200000"));
	close(fd);
}

static void test_stage_remove__one_tree_or_what_is_below(void **state)
{
	(void)state;
	assert_int_equal(put("12345", 0644, "/d/e/f", NULL), TOBI_OK);
	assert_int_equal(stage_link(&stage, outside, "/d/l", NULL), TOBI_OK);
	assert_int_equal(file_write(below(outside, "/kept"), 0644, text("x"), "x", NULL),
			 TOBI_OK);
	assert_int_equal(stage.entries, 4);
	assert_int_equal(stage_remove(&stage, "/nothing", NULL), TOBI_OK);
	assert_int_equal(stage_remove(&stage, "/d/e/f/g", NULL), TOBI_OK);
	assert_int_equal(stage_empty(&stage, "/d/l", NULL), TOBI_OK);
	assert_int_equal(stage_kind(&stage, "/d/l"), S_IFLNK);
	assert_int_equal(stage_empty(&stage, "/d", NULL), TOBI_OK);
	assert_int_equal(stage_kind(&stage, "/d"), S_IFDIR);
	assert_int_equal(stage_kind(&stage, "/d/l"), 0);
	assert_int_equal(stage.entries, 1);
	assert_int_equal(stage.bytes, 0);
	assert_int_equal(stage_remove(&stage, "/d", NULL), TOBI_OK);
	assert_int_equal(stage_kind(&stage, "/d"), 0);
	assert_int_equal(stage_remove(&stage, "/", NULL), TOBI_OK);
	assert_int_equal(stage_kind(&stage, "/"), S_IFDIR);
	assert_int_equal(access(below(outside, "/kept"), F_OK), 0);
}

/* d/f and l/f are one name: it is not removed to be linked to itself. */
static void test_stage_hard_link__its_own_name_stays(void **state)
{
	(void)state;
	assert_int_equal(put("x", 0644, "/d/f", NULL), TOBI_OK);
	assert_int_equal(stage_link(&stage, "d", "/l", NULL), TOBI_OK);
	assert_int_equal(stage_hard_link(&stage, "/d/f", "/l/f", NULL), TOBI_OK);
	expect("/d/f", "x", 0644);
	assert_int_equal(stage_hard_link(&stage, "/d/f", "/d/g", NULL), TOBI_OK);
	assert_int_equal(stage_hard_link(&stage, "/d", "/e", NULL), TOBI_E_MALFORMED);
	assert_int_equal(stage_hard_link(&stage, "/no", "/e", NULL), TOBI_E_NOT_FOUND);
	assert_int_equal(stage_hard_link(&stage, "/d/f", "/l", NULL), TOBI_OK);
	assert_int_equal(stage_kind(&stage, "/l"), S_IFREG);
}

static void test_stage_measure__names_and_what_links_save(void **state)
{
	struct stage_usage usage = {0};

	(void)state;
	assert_int_equal(put("12345", 0644, "/d/f", NULL), TOBI_OK);
	assert_int_equal(put("123", 0644, "/g", NULL), TOBI_OK);
	assert_int_equal(stage_hard_link(&stage, "/d/f", "/d/h", NULL), TOBI_OK);
	assert_int_equal(stage_link(&stage, "d", "/l", NULL), TOBI_OK);
	assert_int_equal(stage_measure(&stage, "/", &usage, NULL), TOBI_OK);
	assert_int_equal(usage.files, 3);
	assert_int_equal(usage.bytes, 13);
	assert_true(usage.shared >= 5 && usage.shared <= 6); /* of each its part */
	assert_int_equal(stage_measure(&stage, "/l", &usage, NULL), TOBI_OK);
	assert_int_equal(usage.files, 2);
	assert_int_equal(stage_measure(&stage, "/no", &usage, NULL), TOBI_OK);
	assert_int_equal(usage.files, 0);
}

static void test_stage_new__room_is_taken_before_it_is_written(void **state)
{
	int fd = -1;

	(void)state;
	stage.max_bytes = 10;
	assert_int_equal(stage_new(&stage, 10, true, "/a/b", &fd, NULL), TOBI_OK);
	close(fd);
	expect("/a/b", "", 0755);
	assert_int_equal(stage_new(&stage, 1, false, "/c", &fd, NULL), TOBI_E_LIMIT);
	assert_int_equal(stage_kind(&stage, "/c"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_stage_file__modes_do_not_depend_on_the_builder),
	    TEST(test_stage_links_to_the_host__lead_inside),
	    TEST(test_stage_file_over_a_link__replaces_the_link),
	    TEST(test_stage_clashes__named),
	    TEST(test_stage_sizes__limit_and_one_beyond),
	    TEST(test_stage_remove__one_tree_or_what_is_below),
	    TEST(test_stage_hard_link__its_own_name_stays),
	    TEST(test_stage_measure__names_and_what_links_save),
	    TEST(test_stage_new__room_is_taken_before_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
