/* With SoftHSM, whose objects are on the disk: what files derive a token derives, and a
 * migration that is killed on its way into it leaves the old platform or the new one. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root/migrate.h"
#include "root/settle.h"
#include "tests/bytes.h"
#include "tests/softhsm.h"
#include "tests/unit/root/interrupt.h"

static const int64_t now = 1800000000;
static const char *module;
static unsigned counted;
static char base[40], folder[64], pin_file[64];

static int enter(void **state)
{
	(void)state;
	/* In memory, where syncing a thousand times costs nothing. */
	snprintf(base, sizeof(base), "%s/tobichi-softhsm-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(base));
	snprintf(folder, sizeof(folder), "%s/state", base);
	snprintf(pin_file, sizeof(pin_file), "%s/pin", base);
	softhsm_make(base, "plat");
	assert_int_equal(root_init(folder, "file", NULL, now, NULL), TOBI_OK);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	return softhsm_remove(base);
}

static int migrate(void)
{
	const struct root_migration migration = {
	    "pkcs11",
	    {.device = module, .token = "plat", .pin_file = pin_file},
	    false,
	    now};
	struct root_migrated migrated;
	struct tobi_fault fault = {0};
	enum tobi_err err = root_migrate(folder, &migration, &migrated, &fault);

	if (err)
		print_message("%s: %s: %s\n", fault.object, fault.field, fault.message);
	return (int)err;
}

/* The kind; what is derived in ret_key. */
static bool is_in_token(uint8_t ret_key[static 32])
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;
	bool in_token;

	if (root_open(folder, &root, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	assert_int_equal(root_derive(root, text_bytes("info"), ret_key, NULL), TOBI_OK);
	in_token = strcmp(root_kind(root), "pkcs11") == 0;
	root_free(root);
	return in_token;
}

static void test_softhsm_moved_seal_root__derives_the_same(void **state)
{
	uint8_t before[32], after[32];
	struct writer signature = wr_init(256);
	struct root *root = NULL;

	(void)state;
	assert_false(is_in_token(before));
	assert_int_equal(migrate(), 0);
	assert_true(is_in_token(after));
	assert_memory_equal(before, after, 32);
	assert_int_equal(root_open(folder, &root, NULL), TOBI_OK);
	assert_int_equal(root_sign(root, text_bytes("message"), &signature, NULL), 0);
	assert_int_equal(signature.size, 64);
	wr_done(&signature);
	root_free(root);
}

static int open_it(void)
{
	uint8_t key[32];

	is_in_token(key);
	return 0;
}

/* Each object is a file of SoftHSM's. */
static int count_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	const char *end = strrchr(path, '.');

	(void)st, (void)kind, (void)at;
	counted += end && strcmp(end, ".object") == 0 && !strstr(path, "token.object");
	return 0;
}

static unsigned count_objects(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/tokens", base);
	counted = 0;
	assert_int_equal(nftw(path, count_one, 8, FTW_PHYS), 0);
	return counted;
}

static void check_whole(bool in_token)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/seal-root", folder);
	assert_int_equal(access(path, F_OK) == 0, !in_token);
	snprintf(path, sizeof(path), "%s/pkcs11.root", folder);
	assert_int_equal(access(path, F_OK) == 0, in_token);
	assert_false(root_is_unsettled(folder));
}

static void test_softhsm_killed_at_any_step__is_the_old_or_the_new(void **state)
{
	unsigned step = 0, old = 0, moved = 0;
	int status = INTERRUPT_KILLED;

	(void)state;
	while (status == INTERRUPT_KILLED) {
		uint8_t before[32], after[32];
		int again = INTERRUPT_KILLED;
		bool in_token;

		is_in_token(before);
		status = interrupt_in_child(++step, migrate);
		/* The recovery is killed at each of its steps, too. */
		for (unsigned n = 1; again == INTERRUPT_KILLED; n++)
			again = interrupt_in_child(n, open_it);
		in_token = is_in_token(after);
		assert_memory_equal(before, after, 32);
		check_whole(in_token);
		/* Nothing of a platform that came to nothing. */
		assert_int_equal(count_objects(), in_token ? 3 : 0);
		old += !in_token;
		moved += in_token;
		assert_int_equal(leave(NULL), 0);
		assert_int_equal(enter(NULL), 0);
	}
	assert_int_equal(status, 0);
	print_message("%u steps: %u left the old platform, %u the new one\n", step, old,
		      moved);
	assert_true(old > 5 && moved > 10);
}

static int init(void)
{
	const struct root_options options = {
	    .device = module, .token = "plat", .pin_file = pin_file};

	return (int)root_init(folder, "pkcs11", &options, now, NULL);
}

static void test_softhsm_init_killed_at_any_step__the_next_starts_anew(void **state)
{
	int status = INTERRUPT_KILLED;
	unsigned step;

	(void)state;
	for (step = 1; status == INTERRUPT_KILLED; step++) {
		uint8_t key[32];
		int again;

		assert_int_equal(leave(NULL), 0);
		assert_int_equal(enter(NULL), 0);
		assert_int_equal(softhsm_remove(folder), 0);
		status = interrupt_in_child(step, init);
		again = init();
		assert_true(again == TOBI_OK || again == TOBI_E_EXISTS);
		assert_true(is_in_token(key));
		assert_int_equal(count_objects(), 3);
	}
	assert_true(step > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_softhsm_moved_seal_root__derives_the_same),
	    TEST(test_softhsm_init_killed_at_any_step__the_next_starts_anew),
	    TEST(test_softhsm_killed_at_any_step__is_the_old_or_the_new),
	};

	module = softhsm_module();
	if (!module) {
		printf("skipped: SoftHSM is not installed\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
