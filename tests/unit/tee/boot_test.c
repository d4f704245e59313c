/* Event logs against registers: what is proven of a start, and what is not. */
#include "tee/boot.h"

#include "base/secret.h"
#include "pki/key.h"
#include "tests/boot_run.h"
#include "tests/event_log.h"

/* ---- a whole start ---- */

static void check_whole(const struct boot_claims *boot)
{
	uint8_t hash[SHA256_SIZE];

	assert_int_equal(boot->secure_boot, BOOT_ON);
	assert_true(boot->separated && boot->handed_over);
	assert_false(boot->debug || boot->no_dma_protection);
	assert_int_equal(hash_sha256(bytes_of_text("allowed"), hash), TOBI_OK);
	assert_memory_equal(boot->variables[BOOT_DB].hash, hash, sizeof(hash));
	assert_int_equal(hash_sha256(bytes_of_text("owner"), hash), TOBI_OK);
	assert_memory_equal(boot->variables[BOOT_PK].hash, hash, sizeof(hash));
	boot_run_is_of(boot_run_only(boot, BOOT_IMAGE), boot_scene_loader);
	boot_run_is_of(boot_run_only(boot, BOOT_KERNEL), boot_scene_kernel);
	boot_run_is_of(boot_run_only(boot, BOOT_INITRD), boot_scene_initrd);
	boot_run_is_of(boot_run_only(boot, BOOT_FILE), boot_scene_config);
	assert_true(bytes_equal_text(boot_run_only(boot, BOOT_COMMAND_LINE)->text,
				     BOOT_SCENE_COMMAND_LINE));
}

static void test_boot__whole_start__named(void **state)
{
	struct boot_run *run = *state;
	const struct boot_claims *boot = boot_run_passes(run);

	check_whole(boot);
	assert_int_equal(boot->locality, 0);
	assert_int_equal(boot->unexplained, 0);
	boot_scene_done(&run->scene);
	boot_scene_whole(&run->scene, BOOT_RTMRS);
	check_whole(boot_run_passes(run));
}

static void test_boot__no_log__not_asked(void **state)
{
	struct boot_run *run = *state;

	run->pieces[0] = bytes_of_text("something else");
	run->piece_count = 1;
	run->shown = boot_scene_shown(&run->scene);
	boot_run_examine_shown(run);
	assert_null(run->claims.boot);
	for (size_t i = 0; i < run->list.count; i++)
		assert_int_equal(run->list.records[i].outcome, TOBI_NOT_ASKED);
}

static void test_boot__two_logs__refused(void **state)
{
	struct boot_run *run = *state;

	run->pieces[1] = wr_view(&run->scene.log);
	run->piece_count = 2;
	boot_run_examine(run);
	FAILS("BOOT-LOG-READ", run);
}

/* ---- the replay ---- */

static void test_boot__other_register__refused(void **state)
{
	struct boot_run *run = *state;

	for (unsigned i = 0; i < 10; i++) {
		run->scene.registers[i][47] ^= 1;
		boot_run_examine(run);
		FAILS("BOOT-LOG-REPLAY", run);
		run->scene.registers[i][47] ^= 1;
	}
	boot_run_passes(run);
}

static void test_boot__log_of_another_bank__refused(void **state)
{
	struct boot_run *run = *state;
	uint8_t value[32] = {0};

	run->pieces[0] = wr_view(&run->scene.log);
	run->piece_count = 1;
	run->shown = (struct boot_registers_shown){
	    .kind = BOOT_PCRS, .algorithm = TCG_SHA256, .values = {{value, 32}}};
	boot_run_examine_shown(run);
	FAILS("BOOT-LOG-READ", run);
}

/* Registers that are extended while the system runs, and of which the log tells nothing.
 */
static void test_boot__later_register__said_to_be_unexplained(void **state)
{
	struct boot_run *run = *state;

	run->scene.registers[10][0] = run->scene.registers[15][3] = 1;
	assert_int_equal(boot_run_passes(run)->unexplained, 1 << 10 | 1 << 15);
}

static void test_boot__not_shown__proves_nothing(void **state)
{
	struct boot_run *run = *state;

	boot_run_passes(run);
	run->shown.values[7] = run->shown.values[4] = (struct tobi_bytes){0};
	boot_run_examine_shown(run);
	assert_non_null(run->claims.boot);
	assert_int_equal(run->claims.boot->secure_boot, BOOT_UNKNOWN);
	assert_false(run->claims.boot->variables[BOOT_DB].found);
	for (size_t i = 0; i < run->claims.boot->item_count; i++)
		assert_int_not_equal(run->claims.boot->items[i].role, BOOT_IMAGE);
	run->shown.values[0] = (struct tobi_bytes){0};
	boot_run_examine_shown(run);
	assert_int_equal(run->claims.boot->locality, -1);
}

static void put_locality(struct boot_run *run, uint8_t locality)
{
	uint8_t data[17] = "StartupLocality";

	data[16] = locality;
	boot_scene_event(&run->scene, 0, EVENT_NO_ACTION,
			 (struct tobi_bytes){data, sizeof(data)});
}

static void test_boot_locality__told_before_pcr_0__starts_it(void **state)
{
	struct boot_run *run = *state;

	boot_run_begin(run, BOOT_PCRS);
	run->scene.registers[0][47] = 3;
	put_locality(run, 3);
	boot_scene_separators(&run->scene);
	assert_int_equal(boot_run_passes(run)->locality, 3);
	/* Another start than the log tells. */
	run->scene.registers[0][0] ^= 1;
	boot_run_examine(run);
	FAILS("BOOT-LOG-REPLAY", run);
}

static void test_boot_locality__told_wrong__refused(void **state)
{
	struct boot_run *run = *state;

	/* One that there is not; twice; after PCR 0 was extended. */
	boot_run_begin(run, BOOT_PCRS);
	put_locality(run, 5);
	boot_scene_separators(&run->scene);
	boot_run_examine(run);
	FAILS("BOOT-LOG-READ", run);
	boot_run_begin(run, BOOT_PCRS);
	run->scene.registers[0][47] = 3;
	put_locality(run, 3);
	put_locality(run, 3);
	boot_scene_separators(&run->scene);
	boot_run_examine(run);
	FAILS("BOOT-LOG-READ", run);
	boot_run_begin(run, BOOT_PCRS);
	boot_scene_separators(&run->scene);
	put_locality(run, 0);
	boot_run_examine(run);
	FAILS("BOOT-LOG-READ", run);
}

static void test_boot_phases__of_systemd__explain_pcr_11(void **state)
{
	static const char *const phases[] = {"enter-initrd", "leave-initrd", "sysinit"};
	struct boot_run *run = *state;
	uint8_t digest[BOOT_SCENE_DIGEST];

	boot_scene_event(&run->scene, 11, EVENT_IPL, bytes_of_text("something"));
	for (size_t i = 0; i < 3; i++) {
		boot_scene_hash(bytes_of_text(phases[i]), digest);
		test_log_extend(run->scene.registers[11], digest);
		boot_run_passes(run);
	}
	boot_scene_hash(bytes_of_text("something else"), digest);
	test_log_extend(run->scene.registers[11], digest);
	boot_run_examine(run);
	FAILS("BOOT-LOG-REPLAY", run);
}

static void test_boot__every_truncation__refused_or_shorter(void **state)
{
	struct boot_run *run = *state;
	size_t whole;

	boot_run_passes(run);
	whole = run->pieces[0].size;
	for (size_t size = 0; size < whole; size++) {
		run->pieces[0].size = size;
		boot_run_examine_shown(run);
		assert_null(run->claims.boot);
	}
}

/* No change of a byte gives claims but one of what nothing covers: an event's type, and
 * data that its digest is not of. */
static void test_boot__every_change__refused_or_not_covered(void **state)
{
	struct boot_run *run = *state;
	size_t size;

	boot_run_passes(run);
	size = run->pieces[0].size;
	for (size_t i = 0; i < size; i++) {
		run->scene.log.ptr[i] ^= 1;
		boot_run_examine_shown(run);
		if (run->claims.boot && run->claims.boot->secure_boot == BOOT_OFF)
			fail_msg("byte %zu changes the state of Secure Boot", i);
		run->scene.log.ptr[i] ^= 1;
	}
}

/* ---- separators ---- */

static const struct tobi_bytes zeros = {(const uint8_t *)"\0\0\0\0", 4};
static const struct tobi_bytes failure = {(const uint8_t *)"\1\0\0\0", 4};

static void test_boot_separators__missing_or_twice__refused(void **state)
{
	struct boot_run *run = *state;

	for (unsigned pcr = 0; pcr < 8; pcr++) {
		boot_run_begin(run, BOOT_PCRS);
		boot_scene_separators(&run->scene);
		boot_scene_event(&run->scene, pcr, EVENT_SEPARATOR, zeros);
		boot_run_examine(run);
		FAILS("BOOT-SEPARATORS", run);
		boot_run_begin(run, BOOT_PCRS);
		for (unsigned i = 0; i < 8; i++) {
			if (i != pcr)
				boot_scene_event(&run->scene, i, EVENT_SEPARATOR, zeros);
		}
		boot_run_examine(run);
		FAILS("BOOT-SEPARATORS", run);
	}
}

static void test_boot_separators__of_a_guest__one_for_each_pcr_behind(void **state)
{
	struct boot_run *run = *state;

	boot_run_begin(run, BOOT_RTMRS);
	boot_scene_event(&run->scene, 4, EVENT_SEPARATOR, zeros);
	boot_run_examine(run);
	FAILS("BOOT-SEPARATORS", run);
	boot_scene_event(&run->scene, 7, EVENT_SEPARATOR, zeros);
	boot_scene_event(&run->scene, 1, EVENT_SEPARATOR, zeros);
	boot_run_passes(run);
	boot_scene_event(&run->scene, 1, EVENT_SEPARATOR, zeros);
	boot_run_examine(run);
	FAILS("BOOT-SEPARATORS", run);
}

static void test_boot_separators__firmware_failed__refused(void **state)
{
	struct boot_run *run = *state;

	boot_scene_event(&run->scene, 0, EVENT_SEPARATOR, failure);
	boot_run_examine(run);
	FAILS("BOOT-SEPARATORS", run);
}

/* Who rules the system later may extend what he likes, and call events what he likes. */
static void test_boot_separators__called_something_else__still_one(void **state)
{
	static const struct tobi_bytes one = {(const uint8_t *)"\1", 1},
				       off = {(const uint8_t *)"\0", 1};
	struct boot_run *run = *state;

	boot_run_begin(run, BOOT_PCRS);
	boot_scene_variable(&run->scene, "SecureBoot", off);
	for (unsigned i = 0; i < 8; i++)
		boot_scene_measured(&run->scene, i, EVENT_EFI_ACTION, zeros,
				    bytes_of_text("nothing of note"));
	/* From here on the log is an attacker's. */
	boot_scene_variable(&run->scene, "SecureBoot", one);
	assert_int_equal(boot_run_passes(run)->secure_boot, BOOT_OFF);
	boot_scene_event(&run->scene, 7, EVENT_SEPARATOR, zeros);
	boot_run_examine(run);
	FAILS("BOOT-SEPARATORS", run);
}

/* ---- SHA-1 alone ---- */

static void test_boot_sha1__log_of_it_alone__replayed(void **state)
{
	static const uint8_t start[16] = "S-CRTM version";
	struct boot_run *run = *state;
	struct writer log = wr_init(1 << 16);
	struct event_replay replay;
	struct event_log reader;
	struct event event;

	boot_scene_sha1_event(&log, 0, EVENT_S_CRTM_VERSION,
			      (struct tobi_bytes){start, sizeof(start)});
	for (unsigned i = 0; i < 8; i++)
		boot_scene_sha1_event(&log, i, EVENT_SEPARATOR, zeros);
	assert_int_equal(event_log_open(wr_view(&log), "log", &reader, NULL), TOBI_OK);
	assert_true(reader.sha1_only);
	assert_int_equal(event_replay_start(&replay, TCG_SHA1, "log", NULL), TOBI_OK);
	while (event_log_next(&reader, &event))
		assert_int_equal(event_replay_add(&replay, &event, "log", NULL), TOBI_OK);
	run->shown = (struct boot_registers_shown){.algorithm = TCG_SHA1};
	for (unsigned i = 0; i < 8; i++)
		run->shown.values[i] = event_replay_register(&replay, i);
	run->pieces[0] = wr_view(&log);
	run->piece_count = 1;
	boot_run_examine_shown(run);
	assert_non_null(run->claims.boot);
	assert_string_equal(run->claims.warnings[0], "SHA-1 ONLY: the event log and its "
						     "registers rest on a hash for which "
						     "collisions are known");
	/* Of the bank that is asked for it has no digest. */
	run->shown.algorithm = TCG_SHA384;
	boot_run_examine_shown(run);
	FAILS("BOOT-LOG-READ", run);
	for (size_t size = 0; size < log.size; size++) {
		run->shown.algorithm = TCG_SHA1;
		run->pieces[0].size = size;
		boot_run_examine_shown(run);
		assert_null(run->claims.boot);
	}
	event_replay_done(&replay);
	wr_done(&log);
}

#define TEST(function)                                                                   \
	cmocka_unit_test_setup_teardown(function, boot_run_setup, boot_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_boot__whole_start__named),
	    TEST(test_boot__no_log__not_asked),
	    TEST(test_boot__two_logs__refused),
	    TEST(test_boot__other_register__refused),
	    TEST(test_boot__log_of_another_bank__refused),
	    TEST(test_boot__later_register__said_to_be_unexplained),
	    TEST(test_boot__not_shown__proves_nothing),
	    TEST(test_boot_locality__told_before_pcr_0__starts_it),
	    TEST(test_boot_locality__told_wrong__refused),
	    TEST(test_boot_phases__of_systemd__explain_pcr_11),
	    TEST(test_boot__every_truncation__refused_or_shorter),
	    TEST(test_boot__every_change__refused_or_not_covered),
	    TEST(test_boot_separators__missing_or_twice__refused),
	    TEST(test_boot_separators__of_a_guest__one_for_each_pcr_behind),
	    TEST(test_boot_separators__firmware_failed__refused),
	    TEST(test_boot_separators__called_something_else__still_one),
	    TEST(test_boot_sha1__log_of_it_alone__replayed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
