#include "tests/boot_run.h"

#include "base/secret.h"

int boot_run_setup(void **state)
{
	static struct boot_run run;

	run = (struct boot_run){0};
	boot_scene_whole(&run.scene, BOOT_PCRS);
	*state = &run;
	return 0;
}

int boot_run_teardown(void **state)
{
	struct boot_run *run = *state;

	boot_scene_done(&run->scene);
	arena_done(&run->arena);
	return 0;
}

void boot_run_begin(struct boot_run *run, enum boot_registers kind)
{
	boot_scene_done(&run->scene);
	boot_scene_start(&run->scene, kind);
}

void boot_run_examine_shown(struct boot_run *run)
{
	struct tee_request request = {.pieces = run->pieces,
				      .piece_count = run->piece_count};
	struct tobi_fault fault = {0};

	arena_done(&run->arena);
	run->arena = arena_init(LIMIT_APPRAISAL);
	run->list = (struct checklist){.arena = &run->arena};
	run->claims = (struct tee_claims){0};
	assert_int_equal(
	    boot_examine(&request, &run->shown, &run->list, &run->claims, &fault),
	    TOBI_OK);
}

const struct boot_claims *boot_run_examine(struct boot_run *run)
{
	run->shown = boot_scene_shown(&run->scene);
	run->pieces[0] = wr_view(&run->scene.log);
	if (run->piece_count == 0)
		run->piece_count = 1;
	boot_run_examine_shown(run);
	return run->claims.boot;
}

void boot_run_fails_alone(const struct boot_run *run, const char *code)
{
	bool failed = false;

	for (size_t i = 0; i < run->list.count; i++) {
		const struct check_record *record = &run->list.records[i];

		if (strcmp(record->check->code, code) == 0)
			failed = record->outcome == TOBI_FAILED;
		else if (record->outcome == TOBI_FAILED)
			fail_msg("%s: %s", record->check->code, record->found);
	}
	assert_true(failed);
	assert_null(run->claims.boot);
}

const struct boot_claims *boot_run_passes(struct boot_run *run)
{
	const struct boot_claims *boot = boot_run_examine(run);

	for (size_t i = 0; i < run->list.count; i++) {
		const struct check_record *record = &run->list.records[i];

		if (record->outcome == TOBI_FAILED)
			fail_msg("%s: %s", record->check->code, record->found);
	}
	assert_non_null(boot);
	return boot;
}

const struct boot_item *boot_run_only(const struct boot_claims *boot, enum boot_role role)
{
	const struct boot_item *found = NULL;

	for (size_t i = 0; i < boot->item_count; i++) {
		if (boot->items[i].role != role || boot->items[i].explained)
			continue;
		assert_null(found);
		found = &boot->items[i];
	}
	assert_non_null(found);
	return found;
}

void boot_run_is_of(const struct boot_item *item, struct tobi_bytes measured)
{
	uint8_t digest[BOOT_SCENE_DIGEST];

	boot_scene_hash(measured, digest);
	assert_int_equal(item->digest.size, sizeof(digest));
	assert_memory_equal(item->digest.ptr, digest, sizeof(digest));
}
