/* Moving a platform, with the fake token: what moves, what is refused, and that an
 * interruption leaves the one or the other. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "root/counters.h"
#include "root/migrate.h"
#include "root/settle.h"
#include "tests/unit/root/interrupt.h"
#include "tests/unit/root/token.h"

static const int64_t now = 1800000000;

static struct root_path in(const char *name)
{
	return root_in_folder(token.folder, name);
}

static bool is_there(const char *name)
{
	return access(in(name).text, F_OK) == 0;
}

static void make_files(void)
{
	assert_int_equal(root_init(token.folder, "file", NULL, now, NULL), TOBI_OK);
}

static struct root *opened(const char *kind)
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;

	if (root_open(token.folder, &root, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	if (kind)
		assert_string_equal(root_kind(root), kind);
	return root;
}

static void derived(uint8_t ret_key[static 32])
{
	struct root *root = opened(NULL);

	assert_int_equal(root_derive(root, text_bytes("info"), ret_key, NULL), TOBI_OK);
	root_free(root);
}

static enum tobi_err migrate(const char *kind, bool new_seal_root,
			     struct root_migrated *ret_migrated, struct tobi_fault *fault)
{
	const struct root_migration migration = {kind, token.options, new_seal_root, now};

	return root_migrate(token.folder, &migration, ret_migrated, fault);
}

static void refused(const char *kind, bool new_seal_root, enum tobi_err err,
		    const char *part)
{
	struct root_migrated migrated;
	struct tobi_fault fault = {0};

	assert_int_equal(migrate(kind, new_seal_root, &migrated, &fault), err);
	if (!strstr(fault.message, part))
		fail_msg("'%s' is not in '%s'", part, fault.message);
	assert_false(root_is_unsettled(token.folder));
}

static void test_migrate_to_a_token__keys_differ_and_the_seal_root_moves(void **state)
{
	struct root_migrated migrated = {0};
	uint8_t before[32], after[32], ueid[33];
	struct root *root;

	(void)state;
	make_files();
	derived(before);
	root = opened("file");
	root_ueid(root, ueid);
	root_free(root);
	assert_int_equal(migrate("pkcs11", false, &migrated, NULL), TOBI_OK);
	derived(after);
	assert_memory_equal(before, after, 32);
	assert_true(migrated.kept_seal_root && migrated.from_files);
	assert_false(migrated.lost_owner || migrated.left_keys);
	assert_string_equal(migrated.before.kind, "file");
	assert_string_equal(migrated.after.kind, "pkcs11");
	assert_memory_equal(migrated.before.ueid, ueid, 33);
	root = opened("pkcs11");
	root_ueid(root, ueid);
	root_free(root);
	assert_memory_equal(migrated.after.ueid, ueid, 33);
	assert_memory_not_equal(migrated.before.ueid, ueid, 33);
	assert_string_not_equal(migrated.before.ca, migrated.after.ca);
	assert_false(is_there("seal-root") || is_there("platform.key") ||
		     is_there("platform-ca.key") || root_is_unsettled(token.folder));
}

/* An open descriptor still shows what is on the disk. */
static void test_migrate_from_files__they_are_overwritten(void **state)
{
	static const char *const names[] = {"seal-root", "platform.key",
					    "platform-ca.key"};
	struct root_migrated migrated;
	uint8_t content[512];
	struct stat st;
	int fds[4];

	(void)state;
	make_files();
	/* What a write that was killed has left. */
	assert_int_equal(file_write(in("platform.key.a1B2c3").text, 0600,
				    text_bytes("secret"), "x", NULL),
			 TOBI_OK);
	assert_int_equal(
	    file_write(in("notes").text, 0600, text_bytes("mine"), "x", NULL), TOBI_OK);
	fds[3] = open(in("platform.key.a1B2c3").text, O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < 3; i++)
		fds[i] = open(in(names[i]).text, O_RDONLY | O_CLOEXEC);
	assert_int_equal(migrate("pkcs11", false, &migrated, NULL), TOBI_OK);
	for (size_t i = 0; i < 4; i++) {
		ssize_t size = pread(fds[i], content, sizeof(content), 0);

		assert_int_equal(fstat(fds[i], &st), 0);
		assert_int_equal(st.st_nlink, 0);
		assert_true(size > 0);
		for (ssize_t at = 0; at < size; at++)
			assert_int_equal(content[at], 0);
		close(fds[i]);
	}
	assert_true(is_there("notes"));
}

static void test_migrate_from_a_token__only_with_a_new_seal_root(void **state)
{
	struct root_migrated migrated = {0};
	uint8_t before[32], after[32];

	(void)state;
	root_free(token_platform());
	derived(before);
	assert_int_equal(p11_fake_count(), 3);
	refused("file", false, TOBI_E_DENIED, "--new-seal-root");
	derived(after);
	assert_memory_equal(before, after, 32);
	assert_int_equal(migrate("file", true, &migrated, NULL), TOBI_OK);
	assert_false(migrated.kept_seal_root || migrated.from_files ||
		     migrated.left_keys);
	derived(after);
	assert_memory_not_equal(before, after, 32);
	assert_false(is_there("pkcs11.root"));
	assert_int_equal(p11_fake_count(), 0);
}

static void test_migrate_to_another_token__moves(void **state)
{
	struct root_migrated migrated = {0};

	(void)state;
	root_free(token_platform());
	refused("pkcs11", false, TOBI_E_DENIED, "--new-seal-root");
	assert_int_equal(migrate("pkcs11", true, &migrated, NULL), TOBI_OK);
	root_free(opened("pkcs11"));
	assert_int_equal(p11_fake_count(), 3);
}

static void test_migrate_old_token_fails__the_keys_stay_and_it_is_said(void **state)
{
	struct root_migrated migrated = {0};

	(void)state;
	root_free(token_platform());
	token.fake->keeps = true;
	assert_int_equal(migrate("file", true, &migrated, NULL), TOBI_OK);
	assert_true(migrated.left_keys);
	root_free(opened("file"));
	assert_int_equal(p11_fake_count(), 3);
}

static void test_migrate_pointless_or_unknown__refused(void **state)
{
	(void)state;
	make_files();
	refused("file", false, TOBI_E_ARGUMENT, "already");
	refused("file", true, TOBI_E_ARGUMENT, "already");
	refused("paper", false, TOBI_E_ARGUMENT, "no kind 'paper'");
	root_free(opened("file"));
}

static void test_migrate_nothing_there__said(void **state)
{
	struct root_migrated migrated;

	(void)state;
	assert_int_equal(migrate("pkcs11", false, &migrated, NULL), TOBI_E_NOT_FOUND);
	assert_int_equal(mkdir(token.folder, 0700), 0);
	assert_int_equal(migrate("pkcs11", false, &migrated, NULL), TOBI_E_NOT_FOUND);
}

static void test_migrate_while_it_is_open__refused(void **state)
{
	struct root *root, *second;

	(void)state;
	make_files();
	root = opened("file");
	second = opened("file");
	refused("pkcs11", false, TOBI_E_DENIED, "in use");
	root_free(root);
	refused("pkcs11", false, TOBI_E_DENIED, "in use");
	root_free(second);
	{
		struct root_migrated migrated;

		assert_int_equal(migrate("pkcs11", false, &migrated, NULL), TOBI_OK);
	}
}

static void test_migrate_owner__is_asked_for_anew(void **state)
{
	struct root_migrated migrated = {0};

	(void)state;
	make_files();
	{
		/* The platform's own chain: one for its key, and that is all that is
		 * looked at here. */
		struct writer pem = wr_init(LIMIT_PEM);

		assert_int_equal(
		    file_read(in("platform.pem").text, LIMIT_PEM, "x", &pem, NULL),
		    TOBI_OK);
		assert_int_equal(
		    file_write(in("owner.pem").text, 0600, wr_view(&pem), "x", NULL),
		    TOBI_OK);
		wr_done(&pem);
	}
	assert_int_equal(migrate("pkcs11", false, &migrated, NULL), TOBI_OK);
	assert_true(migrated.lost_owner);
	assert_false(is_there("owner.pem"));
}

/* Of this platform, as it is now. */
static enum tobi_err count(bool increment, uint64_t *ret_value)
{
	static const uint8_t owner[COUNTER_OWNER_SIZE] = {1};
	struct root *root = opened(NULL);
	struct counters_setup setup = {0};
	struct counters *counters = NULL;
	enum tobi_err err = counters_setup_of(root, token.folder, &setup, NULL);

	if (!err)
		err = counters_open(&setup, &counters, NULL);
	if (!err)
		err = increment ? counters_increment(counters, owner, text_bytes("c"),
						     ret_value, NULL)
				: counters_read(counters, owner, text_bytes("c"),
						ret_value, NULL);
	counters_free(counters);
	root_free(root);
	return err;
}

static void test_migrate_counters__go_with_the_seal_root(void **state)
{
	struct root_migrated migrated = {0};
	uint64_t value = 0;

	(void)state;
	make_files();
	for (uint64_t n = 1; n < 4; n++) {
		assert_int_equal(count(true, &value), TOBI_OK);
		assert_int_equal(value, n);
	}
	assert_int_equal(migrate("pkcs11", false, &migrated, NULL), TOBI_OK);
	assert_true(migrated.had_counters);
	assert_int_equal(count(false, &value), TOBI_OK);
	assert_int_equal(value, 3);
	assert_int_equal(count(true, &value), TOBI_OK);
	assert_int_equal(value, 4);
	/* A new seal root has other keys: there is nothing to check the file with. */
	assert_int_equal(migrate("file", true, &migrated, NULL), TOBI_OK);
	assert_true(migrated.had_counters);
	assert_false(is_there("counters"));
	assert_int_equal(count(false, &value), TOBI_OK);
	assert_int_equal(value, 0);
	assert_int_equal(migrate("pkcs11", false, &migrated, NULL), TOBI_OK);
	assert_false(migrated.had_counters);
	assert_false(is_there("counters"));
}

static void test_migrate_counters_that_were_changed__the_old_platform_stands(void **state)
{
	struct writer content = wr_init(4096);
	uint64_t value;

	(void)state;
	make_files();
	assert_int_equal(count(true, &value), TOBI_OK);
	assert_int_equal(file_read(in("counters").text, 4096, "x", &content, NULL),
			 TOBI_OK);
	content.ptr[content.size - 40] ^= 1;
	assert_int_equal(
	    file_write(in("counters").text, 0600, wr_view(&content), "x", NULL), TOBI_OK);
	wr_done(&content);
	refused("pkcs11", false, TOBI_E_MISMATCH, "");
	root_free(opened("file"));
	assert_int_equal(p11_fake_count(), 0);
}

/* A module that takes another seal root than it was given. */
static void test_migrate_seal_root_changed_on_the_way__the_old_one_stands(void **state)
{
	uint8_t before[32], after[32];

	(void)state;
	make_files();
	derived(before);
	token.fake->wrong_import = true;
	refused("pkcs11", false, TOBI_E_MISMATCH, "derives other keys");
	derived(after);
	assert_memory_equal(before, after, 32);
	assert_int_equal(p11_fake_count(), 0);
	assert_true(is_there("seal-root"));
}

/* ---- interruptions ---- */

static int migrate_to_files(void)
{
	struct root_migrated migrated;

	return (int)migrate("file", true, &migrated, NULL);
}

static int open_it(void)
{
	struct root *root = NULL;
	enum tobi_err err = root_open(token.folder, &root, NULL);

	root_free(err ? NULL : root);
	return (int)err;
}

/* Each recovery is killed at each of its steps, too. */
static void recover(void)
{
	int status = INTERRUPT_KILLED;

	for (unsigned step = 1; status == INTERRUPT_KILLED; step++)
		status = interrupt_in_child(step, open_it);
	assert_int_equal(status, TOBI_OK);
}

/* Whole: everything of the one, nothing of the other. */
static bool is_moved(const uint8_t before[static 32])
{
	struct root *root = opened(NULL);
	bool moved = strcmp(root_kind(root), "file") == 0;
	uint8_t after[32];

	assert_int_equal(root_derive(root, text_bytes("info"), after, NULL), TOBI_OK);
	root_free(root);
	assert_false(root_is_unsettled(token.folder));
	assert_int_equal(is_there("pkcs11.root"), !moved);
	assert_int_equal(is_there("platform.key"), moved);
	assert_int_equal(is_there("seal-root"), moved);
	assert_int_equal(memcmp(before, after, 32) == 0, !moved);
	return moved;
}

static void test_migrate_killed_at_any_step__is_the_old_or_the_new(void **state)
{
	unsigned steps = 0, old = 0, moved = 0;
	int status = INTERRUPT_KILLED;

	(void)state;
	while (status == INTERRUPT_KILLED) {
		uint8_t before[32];

		root_free(token_platform());
		derived(before);
		status = interrupt_in_child(++steps, migrate_to_files);
		recover();
		if (is_moved(before)) {
			moved++;
		} else {
			old++;
			assert_int_equal(migrate_to_files(), TOBI_OK);
			root_free(opened("file"));
		}
		assert_int_equal(token_leave(NULL), 0);
		assert_int_equal(token_enter(NULL), 0);
	}
	assert_int_equal(status, TOBI_OK);
	print_message("%u steps: %u left the old platform, %u the new one\n", steps, old,
		      moved);
	assert_true(old > 10 && moved > 10);
}

static void test_migrate_any_call_fails__is_the_old_or_the_new(void **state)
{
	bool ended = false;

	(void)state;
	for (unsigned step = 1; !ended; step++) {
		struct root_migrated migrated;
		struct tobi_fault fault = {0};
		uint8_t before[32];
		enum tobi_err err;
		bool moved;

		root_free(token_platform());
		derived(before);
		interrupt_at(INTERRUPT_FAIL, step);
		err = migrate("file", true, &migrated, &fault);
		ended = interrupt_waits();
		interrupt_at(INTERRUPT_NONE, 0);
		assert_false(ended && err);
		moved = is_moved(before);
		assert_int_equal(
		    moved, !err || strstr(fault.message, "the new platform stands"));
		assert_int_equal(p11_fake_count(), moved ? 0 : 3);
		assert_int_equal(token_leave(NULL), 0);
		assert_int_equal(token_enter(NULL), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, token_enter, token_leave)

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_migrate_to_a_token__keys_differ_and_the_seal_root_moves),
	    TEST(test_migrate_from_files__they_are_overwritten),
	    TEST(test_migrate_from_a_token__only_with_a_new_seal_root),
	    TEST(test_migrate_to_another_token__moves),
	    TEST(test_migrate_old_token_fails__the_keys_stay_and_it_is_said),
	    TEST(test_migrate_pointless_or_unknown__refused),
	    TEST(test_migrate_nothing_there__said),
	    TEST(test_migrate_while_it_is_open__refused),
	    TEST(test_migrate_owner__is_asked_for_anew),
	    TEST(test_migrate_counters__go_with_the_seal_root),
	    TEST(test_migrate_counters_that_were_changed__the_old_platform_stands),
	    TEST(test_migrate_seal_root_changed_on_the_way__the_old_one_stands),
	    TEST(test_migrate_killed_at_any_step__is_the_old_or_the_new),
	    TEST(test_migrate_any_call_fails__is_the_old_or_the_new),
	};

	token_module(count, arguments);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
