/* The list of the files that Linux measured, against its register. */
#include "tee/boot_ima.h"

#include "base/secret.h"
#include "pki/key.h"
#include "tests/boot_run.h"
#include "tests/event_log.h"

static const struct tobi_bytes zeros = {(const uint8_t *)"\0\0\0\0", 4};

/* ---- what Linux read ---- */

struct ima_scene {
	struct writer list;
	uint8_t own[48], padded[48];
};

static void put_file(struct ima_scene *ima, const char *path, uint8_t value)
{
	uint8_t file[32], digest[EVENT_DIGEST_MAX] = {0};
	struct writer data;

	memset(file, value, sizeof(file));
	boot_scene_ima_entry(&ima->list, 10, (struct tobi_bytes){file, sizeof(file)},
			     path, &data);
	assert_int_equal(hash_sha384(wr_view(&data), digest), TOBI_OK);
	test_log_extend(ima->own, digest);
	memset(digest, 0, sizeof(digest));
	assert_int_equal(EVP_Digest(data.ptr, data.size, digest, NULL, EVP_sha1(), NULL),
			 1);
	test_log_extend(ima->padded, digest);
	wr_done(&data);
}

static void put_violation(struct ima_scene *ima)
{
	size_t before = ima->list.size;
	uint8_t ones[48];
	struct ima_scene other = *ima;

	put_file(ima, "/changed", 9);
	memset(ima->list.ptr + before + 4, 0, 20);
	memset(ones, 0xff, sizeof(ones));
	memcpy(ima->own, other.own, sizeof(ima->own));
	memcpy(ima->padded, other.padded, sizeof(ima->padded));
	test_log_extend(ima->own, ones);
	test_log_extend(ima->padded, ones);
}

static void start_ima(struct boot_run *run, struct ima_scene *ima)
{
	*ima = (struct ima_scene){.list = wr_init(1 << 16)};
	put_file(ima, "boot_aggregate", 1);
	put_file(ima, "/usr/bin/init", 2);
	put_file(ima, "/usr/bin/a b", 3);
	run->pieces[1] = wr_view(&ima->list);
	run->piece_count = 2;
}

static void test_boot_ima__either_way_to_extend__explains_the_register(void **state)
{
	struct boot_run *run = *state;
	struct ima_scene ima;

	start_ima(run, &ima);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(run->scene.registers[10], i ? ima.own : ima.padded, 48);
		boot_run_passes(run);
		assert_int_equal(run->claims.boot->unexplained, 0);
		assert_non_null(run->claims.boot->ima);
		assert_int_equal(run->claims.boot->ima->count, 3);
		assert_int_equal(run->claims.boot->ima->file_count, 2);
		assert_string_equal(run->claims.boot->ima->files[1].path, "/usr/bin/a b");
		assert_string_equal(run->claims.boot->ima->files[1].algorithm, "sha256");
		assert_int_equal(run->claims.boot->ima->files[1].digest.ptr[0], 3);
	}
	wr_done(&ima.list);
}

static void test_boot_ima__longer_than_the_evidence__up_to_it(void **state)
{
	struct boot_run *run = *state;
	struct ima_scene ima;

	start_ima(run, &ima);
	memcpy(run->scene.registers[10], ima.own, 48);
	put_file(&ima, "/later", 4);
	run->pieces[1] = wr_view(&ima.list);
	assert_int_equal(boot_run_passes(run)->ima->count, 3);
	assert_int_equal(run->claims.boot->ima->file_count, 1 + 1);
	wr_done(&ima.list);
}

static void test_boot_ima__of_another_register__refused(void **state)
{
	struct boot_run *run = *state;
	struct ima_scene ima;

	start_ima(run, &ima);
	memcpy(run->scene.registers[10], ima.own, 48);
	run->scene.registers[10][5] ^= 1;
	boot_run_examine(run);
	assert_int_equal(run->list.records[1].outcome, TOBI_FAILED);
	assert_string_equal(run->list.records[1].check->code, "BOOT-IMA-REPLAY");
	assert_non_null(run->claims.boot);
	assert_null(run->claims.boot->ima);
	wr_done(&ima.list);
}

static void same_files(const struct boot_ima *ima)
{
	assert_int_equal(ima->file_count, 2);
	assert_string_equal(ima->files[0].path, "/usr/bin/init");
	assert_string_equal(ima->files[1].path, "/usr/bin/a b");
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ima->files[i].digest.size, 32);
		for (size_t k = 0; k < 32; k++)
			assert_int_equal(ima->files[i].digest.ptr[k], 2 + i);
	}
}

static void test_boot_ima__changed_or_cut__refused(void **state)
{
	struct boot_run *run = *state;
	struct ima_scene ima;
	size_t whole;

	start_ima(run, &ima);
	memcpy(run->scene.registers[10], ima.own, 48);
	whole = ima.list.size;
	boot_run_passes(run);
	for (size_t size = 40; size < whole; size++) {
		run->pieces[1].size = size;
		boot_run_examine_shown(run);
		if (run->claims.boot && run->claims.boot->ima)
			fail_msg("%zu bytes of %zu", size, whole);
	}
	run->pieces[1].size = whole;
	for (size_t i = 0; i < whole; i++) {
		ima.list.ptr[i] ^= 1;
		boot_run_examine_shown(run);
		/* The template's name is not covered, and nothing is taken from it. */
		if (run->claims.boot && run->claims.boot->ima)
			same_files(run->claims.boot->ima);
		ima.list.ptr[i] ^= 1;
	}
	wr_done(&ima.list);
}

static void ima_fails(struct boot_run *run, const char *code)
{
	bool failed = false;

	for (size_t i = 0; i < run->list.count; i++) {
		const struct check_record *record = &run->list.records[i];

		if (record->outcome == TOBI_FAILED)
			assert_string_equal(record->check->code, code);
		failed |= record->outcome == TOBI_FAILED;
	}
	assert_true(failed);
}
#define IMA_FAILS(code, run) ima_fails((run), (code))

static void test_boot_ima__digest_not_of_its_data__refused(void **state)
{
	struct boot_run *run = *state;
	struct ima_scene ima;

	start_ima(run, &ima);
	memcpy(run->scene.registers[10], ima.own, 48);
	ima.list.ptr[4] ^= 1;
	boot_run_examine(run);
	IMA_FAILS("BOOT-IMA-READ", run);
	ima.list.ptr[4] ^= 1;
	boot_run_passes(run);
	run->scene.registers[10][0] ^= 1;
	boot_run_examine(run);
	IMA_FAILS("BOOT-IMA-REPLAY", run);
	wr_done(&ima.list);
}

static void test_boot_ima__changed_while_read__counted(void **state)
{
	struct boot_run *run = *state;
	struct ima_scene ima;

	start_ima(run, &ima);
	put_violation(&ima);
	run->pieces[1] = wr_view(&ima.list);
	memcpy(run->scene.registers[10], ima.padded, 48);
	assert_int_equal(boot_run_passes(run)->ima->violations, 1);
	wr_done(&ima.list);
}

static void nothing_failed(const struct boot_run *run)
{
	for (size_t i = 0; i < run->list.count; i++)
		assert_int_not_equal(run->list.records[i].outcome, TOBI_FAILED);
	assert_non_null(run->claims.boot);
}

/* A log of SHA-256, in whose bank the first entry is. */
static void test_boot_ima__of_another_start__refused(void **state)
{
	struct boot_run *run = *state;
	struct writer list = wr_init(1 << 16), log = wr_init(1 << 16), data;
	uint8_t registers[24][32] = {0}, both[64], all[320], aggregate[32];

	test_log_start(&log, true);
	for (unsigned i = 0; i < 10; i++) {
		test_log_event(&log, true, i, EVENT_SEPARATOR, zeros);
		assert_int_equal(hash_sha256(zeros, both + 32), TOBI_OK);
		memset(both, 0, 32);
		assert_int_equal(hash_sha256((struct tobi_bytes){both, 64}, registers[i]),
				 TOBI_OK);
		memcpy(all + (size_t)32 * i, registers[i], 32);
	}
	for (unsigned pcrs = 8; pcrs <= 10; pcrs++) {
		assert_int_equal(
		    hash_sha256((struct tobi_bytes){all, (size_t)32 * pcrs}, aggregate),
		    TOBI_OK);
		list.size = 0;
		boot_scene_ima_entry(&list, 10, (struct tobi_bytes){aggregate, 32},
				     "boot_aggregate", &data);
		memset(both, 0, 32);
		assert_int_equal(hash_sha256(wr_view(&data), both + 32), TOBI_OK);
		assert_int_equal(
		    hash_sha256((struct tobi_bytes){both, 64}, registers[10]), TOBI_OK);
		wr_done(&data);
		run->shown = (struct boot_registers_shown){.algorithm = TCG_SHA256};
		for (unsigned i = 0; i <= 10; i++)
			run->shown.values[i] = (struct tobi_bytes){registers[i], 32};
		run->pieces[0] = wr_view(&log);
		run->pieces[1] = wr_view(&list);
		run->piece_count = 2;
		boot_run_examine_shown(run);
		if (pcrs == 9)
			IMA_FAILS("BOOT-IMA-BOOT", run);
		else
			nothing_failed(run);
	}
	wr_done(&list);
	wr_done(&log);
}

#define TEST(function)                                                                   \
	cmocka_unit_test_setup_teardown(function, boot_run_setup, boot_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_boot_ima__either_way_to_extend__explains_the_register),
	    TEST(test_boot_ima__longer_than_the_evidence__up_to_it),
	    TEST(test_boot_ima__of_another_register__refused),
	    TEST(test_boot_ima__changed_or_cut__refused),
	    TEST(test_boot_ima__digest_not_of_its_data__refused),
	    TEST(test_boot_ima__changed_while_read__counted),
	    TEST(test_boot_ima__of_another_start__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
