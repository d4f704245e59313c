/* The examination of a scene of tests/boot_scene.h. */
#ifndef TESTS_BOOT_RUN_H
#define TESTS_BOOT_RUN_H

#include "tests/boot_scene.h"
#include "tests/check.h"

struct boot_run {
	struct boot_scene scene;
	struct boot_registers_shown shown;
	struct tobi_bytes pieces[3];
	size_t piece_count;
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
};

/* Of each test: a whole start. */
int boot_run_setup(void **state);
int boot_run_teardown(void **state);
/* An empty log instead. */
void boot_run_begin(struct boot_run *run, enum boot_registers kind);
/* With the registers that the scene makes, and its log; what came out, or NULL. */
const struct boot_claims *boot_run_examine(struct boot_run *run);
/* The same with what the run has already. */
void boot_run_examine_shown(struct boot_run *run);
/* It came out that this row failed, no other did, and nothing is claimed. */
void boot_run_fails_alone(const struct boot_run *run, const char *code);
#define FAILS(code, run) boot_run_fails_alone((run), (code))
/* Examines it; nothing fails. */
const struct boot_claims *boot_run_passes(struct boot_run *run);
/* The one item of that role. */
const struct boot_item *boot_run_only(const struct boot_claims *boot,
				      enum boot_role role);
void boot_run_is_of(const struct boot_item *item, struct tobi_bytes measured);

#endif
