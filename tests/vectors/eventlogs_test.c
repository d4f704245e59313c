/*
 * Event logs from the field that came without the evidence of their registers: each is
 * replayed in each of its banks and compared, register by register, with what the list's
 * own reader made of it; and what it says was started is named.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "codec/json.h"
#include "tee/boot.h"
#include "tests/check.h"
#include "tests/vectors/manifest.h"

#define FOLDER "tpm/eventlogs/"

static struct vectors vectors;

/* What is known of each log. */
struct log_case {
	const char *name;
	enum boot_state secure_boot;
	bool handed_over, sha1_only;
	size_t images, kernels, command_lines, authorities;
	const char *command_line; /* how one of them starts, or NULL */
	const char *fails;	  /* a check; NULL: none */
};

static const struct log_case cases[] = {
    {"confidential-gke-debug.bin", BOOT_ON, true, false, 3, 1, 1, 4,
     "/syslinux/vmlinuz.B init=/usr/lib/systemd/systemd ", NULL},
    {"crypto_agile.bin", BOOT_OFF, false, false, 2, 0, 0, 0, NULL, NULL},
    /* Its shim measures bytes behind what it believed by: that is not counted. */
    {"debian-10.bin", BOOT_ON, false, true, 3, 0, 0, 1, NULL, NULL},
    {"ebs_event_missing.bin", BOOT_OFF, false, true, 1, 0, 0, 0, NULL, NULL},
    {"option_rom.bin", BOOT_ON, true, true, 1, 0, 0, 2, NULL, NULL},
    {"short_no_action.bin", BOOT_UNKNOWN, false, true, 0, 0, 0, 0, NULL,
     "BOOT-SEPARATORS"},
    {"sp800155.bin", BOOT_ON, true, false, 3, 1, 1, 4,
     "/syslinux/vmlinuz.B init=/usr/lib/systemd/systemd ", NULL},
    {"ubuntu-2104-no-secure-boot.bin", BOOT_OFF, true, false, 2, 1, 1, 1,
     "/boot/vmlinuz-5.11.0-1006-gcp root=PARTUUID=6443a6ae-", NULL},
    {"ubuntu-2404-amd-sevsnp.bin", BOOT_OFF, true, false, 2, 1, 1, 1,
     "/vmlinuz-6.8.0-1010-gcp root=PARTUUID=8270f3c9-", NULL},
};

static const struct {
	const char *name;
	uint16_t algorithm;
} banks[] = {{"sha1", TCG_SHA1}, {"sha256", TCG_SHA256}, {"sha384", TCG_SHA384}};

/* One examination, with what came out of it. */
struct run {
	uint8_t values[EVENT_REGISTERS][EVENT_DIGEST_MAX];
	struct boot_registers_shown shown;
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
};

static void examine(struct run *run, struct tobi_bytes log)
{
	struct tee_request request = {.pieces = &log, .piece_count = 1};
	struct tobi_fault fault = {0};

	run->arena = arena_init(LIMIT_APPRAISAL);
	run->list = (struct checklist){.arena = &run->arena};
	run->claims = (struct tee_claims){0};
	assert_int_equal(
	    boot_examine(&request, &run->shown, &run->list, &run->claims, &fault),
	    TOBI_OK);
}

static enum tobi_outcome outcome(const struct run *run, const char *code)
{
	for (size_t i = 0; i < run->list.count; i++) {
		if (strcmp(run->list.records[i].check->code, code) == 0)
			return run->list.records[i].outcome;
	}
	fail_msg("no row %s", code);
	return TOBI_NOT_RUN;
}

static void fails_alone(const struct run *run, const char *name, const char *code)
{
	for (size_t i = 0; i < run->list.count; i++) {
		const struct check_record *record = &run->list.records[i];

		if ((record->outcome == TOBI_FAILED) !=
		    (code && strcmp(record->check->code, code) == 0))
			fail_msg("%s: %s (%s)", name, record->check->code, record->found);
	}
}

static void show(struct run *run, const json_t *registers, uint16_t algorithm)
{
	const char *index;
	json_t *value;

	run->shown =
	    (struct boot_registers_shown){.kind = BOOT_PCRS, .algorithm = algorithm};
	json_object_foreach((json_t *)registers, index, value)
	{
		unsigned i = (unsigned)atoi(index);
		size_t size = event_hash_size(algorithm);

		assert_true(i < EVENT_REGISTERS);
		assert_true(hex_read(json_string_value(value), run->values[i], size));
		run->shown.values[i] = (struct tobi_bytes){run->values[i], size};
	}
}

static size_t count_role(const struct boot_claims *boot, enum boot_role role)
{
	size_t count = 0;

	for (size_t i = 0; i < boot->item_count; i++)
		count += boot->items[i].role == role && !boot->items[i].explained;
	return count;
}

static void check_claims(const struct log_case *log, const struct boot_claims *boot)
{
	bool found = !log->command_line;

	assert_non_null(boot);
	if (boot->secure_boot != log->secure_boot ||
	    boot->handed_over != log->handed_over ||
	    count_role(boot, BOOT_IMAGE) != log->images ||
	    count_role(boot, BOOT_KERNEL) != log->kernels ||
	    count_role(boot, BOOT_COMMAND_LINE) != log->command_lines ||
	    boot->authority_count != log->authorities)
		fail_msg("%s: Secure Boot %d, handed over %d, images %zu, kernels %zu, "
			 "command lines %zu, authorities %zu",
			 log->name, boot->secure_boot, boot->handed_over,
			 count_role(boot, BOOT_IMAGE), count_role(boot, BOOT_KERNEL),
			 count_role(boot, BOOT_COMMAND_LINE), boot->authority_count);
	for (size_t i = 0; i < boot->item_count && !found; i++) {
		const struct boot_item *item = &boot->items[i];

		found = item->role == BOOT_COMMAND_LINE &&
			item->text.size >= strlen(log->command_line) &&
			memcmp(item->text.ptr, log->command_line,
			       strlen(log->command_line)) == 0;
	}
	if (!found)
		fail_msg("%s: another command line", log->name);
	for (size_t i = 0; i < BOOT_VARIABLES; i++)
		assert_true(boot->variables[i].found);
}

/* The registers as this build makes them are those of the list. */
static void compare_registers(const struct log_case *log, struct tobi_bytes bytes,
			      const struct run *run, size_t events)
{
	struct event_replay replay;
	struct event_log reader;
	struct event event;
	struct tobi_fault fault = {0};
	bool equal = true;

	assert_int_equal(event_log_open(bytes, "log", &reader, &fault), TOBI_OK);
	assert_int_equal(event_replay_start(&replay, run->shown.algorithm, "log", &fault),
			 TOBI_OK);
	while (event_log_next(&reader, &event))
		assert_int_equal(event_replay_add(&replay, &event, "log", &fault),
				 TOBI_OK);
	assert_int_equal(event_log_finish(&reader, "log", &fault), TOBI_OK);
	for (unsigned i = 0; i < EVENT_REGISTERS; i++) {
		struct tobi_bytes value = run->shown.values[i];

		assert_int_equal(value.size != 0, replay.extended[i]);
		equal &= !value.size ||
			 memcmp(value.ptr, replay.registers[i], value.size) == 0;
	}
	/* The list counts the event that names the banks, too. */
	if (!equal || replay.events + !log->sha1_only != events)
		fail_msg("%s: other registers, or events: %zu", log->name, replay.events);
	event_replay_done(&replay);
}

static void changed_register_fails(const struct log_case *log, struct tobi_bytes bytes,
				   struct run *run)
{
	for (unsigned i = 0; i < EVENT_REGISTERS; i++) {
		if (!run->shown.values[i].size)
			continue;
		run->values[i][0] ^= 1;
		examine(run, bytes);
		fails_alone(run, log->name, "BOOT-LOG-REPLAY");
		assert_null(run->claims.boot);
		arena_done(&run->arena);
		run->values[i][0] ^= 1;
	}
}

static void check_log(const struct log_case *log, const json_t *said)
{
	char path[128];
	struct tobi_bytes bytes;
	size_t seen = 0;

	snprintf(path, sizeof(path), FOLDER "%s", log->name);
	bytes = vectors_bytes(&vectors, vectors_find(&vectors, path));
	assert_true(event_log_starts(bytes));
	for (size_t i = 0; i < sizeof(banks) / sizeof(banks[0]); i++) {
		const json_t *registers =
		    json_object_get(json_object_get(said, "replayed"), banks[i].name);
		struct run run = {0};

		if (!registers)
			continue;
		seen++;
		show(&run, registers, banks[i].algorithm);
		compare_registers(
		    log, bytes, &run,
		    (size_t)json_integer_value(json_object_get(said, "events")));
		examine(&run, bytes);
		fails_alone(&run, log->name, log->fails);
		assert_int_equal(outcome(&run, "BOOT-LOG-REPLAY"), TOBI_PASSED);
		check_claims(log, run.claims.boot);
		arena_done(&run.arena);
		changed_register_fails(log, bytes, &run);
	}
	assert_int_equal(seen, json_object_size(json_object_get(said, "replayed")));
	assert_int_equal(seen == 0, log->fails != NULL);
}

static void test_event_logs__replayed__registers_and_claims_as_listed(void **state)
{
	struct tobi_bytes text =
	    vectors_bytes(&vectors, vectors_find(&vectors, FOLDER "expected.json"));
	struct tobi_fault fault = {0};
	json_t *said = NULL;

	(void)state;
	assert_int_equal(json_parse(text, LIMIT_JSON, "expected", &said, &fault),
			 TOBI_OK);
	assert_int_equal(json_object_size(said), sizeof(cases) / sizeof(cases[0]));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const json_t *one = json_object_get(said, cases[i].name);

		if (!one)
			fail_msg("%s is not listed", cases[i].name);
		check_log(&cases[i], one);
	}
	json_decref(said);
}

/* It tells how the start began, and nothing of it. */
static void test_event_log_too_short__locality_alone__separators_missing(void **state)
{
	struct tobi_bytes log =
	    vectors_bytes(&vectors, vectors_find(&vectors, FOLDER "short_no_action.bin"));
	struct run run = {.shown = {.kind = BOOT_PCRS, .algorithm = TCG_SHA1}};

	(void)state;
	run.values[0][19] = 3;
	run.shown.values[0] = (struct tobi_bytes){run.values[0], 20};
	examine(&run, log);
	assert_int_equal(outcome(&run, "BOOT-LOG-REPLAY"), TOBI_PASSED);
	fails_alone(&run, "short_no_action.bin", "BOOT-SEPARATORS");
	assert_null(run.claims.boot);
	arena_done(&run.arena);
	run.values[0][19] = 0;
	examine(&run, log);
	fails_alone(&run, "short_no_action.bin", "BOOT-LOG-REPLAY");
	arena_done(&run.arena);
}

/* ---- logs beside quotes ---- */

static json_t *read_json(const char *path)
{
	struct tobi_fault fault = {0};
	json_t *json = NULL;

	assert_int_equal(json_parse(vectors_bytes(&vectors, vectors_find(&vectors, path)),
				    LIMIT_JSON, path, &json, &fault),
			 TOBI_OK);
	return json;
}

static void test_event_log_of_a_quote__its_banks__replayed(void **state)
{
	json_t *said = read_json("tpm/gce-cos85-rsa-nonce9009/expected.json");
	struct tobi_bytes log = vectors_bytes(
	    &vectors, vectors_find(&vectors, "tpm/gce-cos85-rsa-nonce9009/eventlog.bin"));

	(void)state;
	for (size_t i = 0; i < sizeof(banks) / sizeof(banks[0]); i++) {
		struct run run = {0};

		show(&run, json_object_get(json_object_get(said, "pcrs"), banks[i].name),
		     banks[i].algorithm);
		examine(&run, log);
		fails_alone(&run, banks[i].name, NULL);
		assert_non_null(run.claims.boot);
		assert_int_equal(run.claims.boot->secure_boot, BOOT_ON);
		assert_true(run.claims.boot->handed_over);
		/* Linux extends PCR 10, and its list did not come. */
		assert_int_equal(run.claims.boot->unexplained, 1 << 10);
		arena_done(&run.arena);
	}
	json_decref(said);
}

static void show_rtmrs(struct run *run, const json_t *said)
{
	json_t *value;
	size_t i;

	run->shown =
	    (struct boot_registers_shown){.kind = BOOT_RTMRS, .algorithm = TCG_SHA384};
	json_array_foreach(json_object_get(said, "rtmr"), i, value)
	{
		assert_true(i < 4 &&
			    hex_read(json_string_value(value), run->values[i + 1], 48));
		run->shown.values[i + 1] = (struct tobi_bytes){run->values[i + 1], 48};
	}
}

static void test_event_log_of_a_guest__its_registers__replayed(void **state)
{
	static const struct {
		const char *log, *said;
		const char *fails;
		size_t images, command_lines;
	} logs[] = {
	    {"tdx/gotdxguest-v4-gcp-ccel-cross/ccel_data.dat",
	     "tdx/gotdxguest-v4-gcp-ccel-cross/expected.json", NULL, 2, 1},
	    {"tdx/gotdxguest-v4-gcp-ccel-cross/ccel-dupe-separator.bin",
	     "tdx/gotdxguest-v4-gcp-ccel-cross/expected.json", "BOOT-LOG-REPLAY", 0, 0},
	    {"tdx/lunal-v4-ccel/ccel.dat", "tdx/lunal-v4-ccel/expected.json", NULL, 1, 1},
	    {"tdx/lunal-v4-ccel/ccel-earlier.dat", "tdx/lunal-v4-ccel/expected.json",
	     "BOOT-LOG-REPLAY", 0, 0},
	    /* Linux measures into RTMR2 here, and its list did not come. */
	    {"tdx/ccapi-v4-preproduction-root/ccel.dat",
	     "tdx/ccapi-v4-preproduction-root/expected.json", "BOOT-LOG-REPLAY", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		json_t *said = read_json(logs[i].said);
		struct run run = {0};

		show_rtmrs(&run, said);
		examine(&run,
			vectors_bytes(&vectors, vectors_find(&vectors, logs[i].log)));
		fails_alone(&run, logs[i].log, logs[i].fails);
		assert_int_equal(run.claims.boot == NULL, logs[i].fails != NULL);
		if (run.claims.boot) {
			assert_int_equal(run.claims.boot->secure_boot, BOOT_OFF);
			assert_true(run.claims.boot->handed_over);
			assert_int_equal(count_role(run.claims.boot, BOOT_IMAGE),
					 logs[i].images);
			assert_int_equal(count_role(run.claims.boot, BOOT_COMMAND_LINE),
					 logs[i].command_lines);
		}
		arena_done(&run.arena);
		json_decref(said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_event_logs__replayed__registers_and_claims_as_listed),
	    cmocka_unit_test(
		test_event_log_too_short__locality_alone__separators_missing),
	    cmocka_unit_test(test_event_log_of_a_quote__its_banks__replayed),
	    cmocka_unit_test(test_event_log_of_a_guest__its_registers__replayed),
	};
	int failed = vectors_run(&vectors, tests);

	vectors_close(&vectors);
	return failed;
}
