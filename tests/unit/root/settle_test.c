/* What an interrupted move leaves, by hand: what goes, what comes up, what stays. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "root/settle.h"
#include "tests/bytes.h"

static char folder[40], outside[48];

static int enter(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/tobichi-settle-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(outside, sizeof(outside), "%s.outside", folder);
	return (int)file_write(outside, 0600, text_bytes("not theirs"), "x", NULL);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int leave(void **state)
{
	(void)state;
	return unlink(outside) | nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text)
{
	assert_int_equal(file_write(root_in_folder(folder, name).text, 0600,
				    text_bytes(text), "x", NULL),
			 TOBI_OK);
}

static void put_folder(const char *name)
{
	assert_int_equal(mkdir(root_in_folder(folder, name).text, 0700), 0);
}

/* NULL: it is not there. */
static void expect(const char *name, const char *text)
{
	struct writer content = wr_init(256);
	enum tobi_err err =
	    file_read(root_in_folder(folder, name).text, 256, "x", &content, NULL);

	if (text)
		assert_bytes_equal(wr_view(&content), text_bytes(text));
	else
		assert_int_equal(err, TOBI_E_NOT_FOUND);
	wr_done(&content);
}

static enum tobi_err settle(struct tobi_fault *fault)
{
	bool left = false;

	return root_settle(folder, &left, fault);
}

static void put_old(void)
{
	static const char *const names[] = {
	    "platform-ca.key", "platform-ca.pem", "platform.pem", "owner.pem",
	    "seal-root",       "counters",	  "pkcs11.root"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put(names[i], "old");
	put("notes", "mine");
	put("platform.pem.txt", "mine");
}

static void test_settle_nothing__changes_nothing(void **state)
{
	(void)state;
	put_old();
	assert_false(root_is_unsettled(folder));
	assert_int_equal(settle(NULL), TOBI_OK);
	expect("platform.pem", "old");
}

static void test_settle_new__is_thrown_away(void **state)
{
	(void)state;
	put_old();
	put_folder("migrate.new");
	put("migrate.new/platform.pem", "new");
	put("migrate.new/whatever", "new");
	assert_int_equal(
	    symlink(outside, root_in_folder(folder, "migrate.new/link").text), 0);
	assert_int_equal(mkfifo(root_in_folder(folder, "migrate.new/pipe").text, 0600),
			 0);
	assert_true(root_is_unsettled(folder));
	assert_false(root_is_decided(folder));
	assert_int_equal(settle(NULL), TOBI_OK);
	assert_false(root_is_unsettled(folder));
	expect("platform.pem", "old");
	expect("seal-root", "old");
	{
		struct writer content = wr_init(64);

		assert_int_equal(file_read(outside, 64, "x", &content, NULL), TOBI_OK);
		assert_bytes_equal(wr_view(&content), text_bytes("not theirs"));
		wr_done(&content);
	}
}

static void test_settle_commit__the_old_goes_and_the_new_comes_up(void **state)
{
	(void)state;
	put_old();
	put_folder("migrate.commit");
	put("migrate.commit/platform.key", "new");
	put("migrate.commit/platform.pem", "new");
	assert_true(root_is_decided(folder));
	assert_int_equal(settle(NULL), TOBI_OK);
	assert_false(root_is_unsettled(folder));
	expect("platform.key", "new");
	expect("platform.pem", "new");
	expect("platform-ca.key", NULL);
	expect("owner.pem", NULL);
	expect("seal-root", NULL);
	expect("counters", NULL);
	expect("pkcs11.root", NULL);
	expect("notes", "mine");
	expect("platform.pem.txt", "mine");
}

/* Half of it has come up: that is not taken for the old platform's. */
static void test_settle_move__the_rest_comes_up(void **state)
{
	(void)state;
	put("platform.key", "new");
	put("seal-root", "new");
	put_folder("migrate.move");
	put("migrate.move/platform.pem", "new");
	assert_true(root_is_decided(folder));
	assert_int_equal(settle(NULL), TOBI_OK);
	assert_false(root_is_unsettled(folder));
	expect("platform.key", "new");
	expect("seal-root", "new");
	expect("platform.pem", "new");
}

static void test_settle_what_cannot_be_removed__is_said(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	put_old();
	put_folder("migrate.new");
	put_folder("migrate.new/folder");
	assert_int_equal(settle(&fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, "migrate.new/folder"));
	expect("platform.pem", "old");
}

static void test_commit__needs_the_new_one(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(root_commit(folder, &fault), TOBI_E_SYSTEM);
	assert_false(root_is_decided(folder));
	put_folder("migrate.new");
	assert_int_equal(root_commit(folder, &fault), TOBI_OK);
	assert_true(root_is_decided(folder));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_settle_nothing__changes_nothing),
	    TEST(test_settle_new__is_thrown_away),
	    TEST(test_settle_commit__the_old_goes_and_the_new_comes_up),
	    TEST(test_settle_move__the_rest_comes_up),
	    TEST(test_settle_what_cannot_be_removed__is_said),
	    TEST(test_commit__needs_the_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
