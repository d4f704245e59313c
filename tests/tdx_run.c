#include "tests/tdx_run.h"

#include "tee/tdx.h"

void tdx_run_init(struct tdx_run *run)
{
	*run = (struct tdx_run){.time = DCAP_NOW, .verifier = &tee_tdx};
	dcap_scene_make(&run->scene);
	tdx_run_kind(run, 4, DCAP_TD10);
}

void tdx_run_kind(struct tdx_run *run, unsigned version, enum dcap_body kind)
{
	dcap_scene_kind(&run->scene, version, kind);
	dcap_test_collateral_make(&run->scene, &run->collateral);
}

void tdx_run_done(struct tdx_run *run)
{
	arena_done(&run->arena);
	run->arena = (struct arena){0};
}

enum tobi_err tdx_run_examine(struct tdx_run *run)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer quote = wr_init(LIMIT_EVIDENCE);
	struct tee_request request;
	enum tobi_err err;

	assert_non_null(set);
	tdx_run_done(run);
	run->arena = arena_init(LIMIT_APPRAISAL);
	run->list = (struct checklist){.arena = &run->arena};
	run->claims = (struct tee_claims){0};
	dcap_test_put(&run->scene, &run->collateral, set);
	dcap_scene_quote(&run->scene, &quote);
	request = (struct tee_request){.evidence = wr_view(&quote),
				       .collateral = set,
				       .pins = dcap_scene_pins(),
				       .time = run->time,
				       .grace = run->grace,
				       .baseline = run->baseline,
				       .memo = run->memo,
				       .pieces = run->pieces,
				       .piece_count = run->piece_count,
				       .claims_buffer = run->claims_buffer,
				       .endorsements = run->endorsements};
	err = run->verifier->examine(&request, &run->list, &run->claims, &run->fault);
	/* What came out must not need what went in. */
	tobi_collateral_free(set);
	wr_done(&quote);
	return err;
}

static const struct check_record *find(const struct tdx_run *run, const char *code)
{
	for (size_t i = 0; i < run->list.count; i++) {
		if (strcmp(run->list.records[i].check->code, code) == 0)
			return &run->list.records[i];
	}
	return NULL;
}

enum tobi_outcome tdx_run_outcome(const struct tdx_run *run, const char *code)
{
	const struct check_record *record = find(run, code);

	return record ? record->outcome : TOBI_NOT_RUN;
}

const char *tdx_run_found(const struct tdx_run *run, const char *code)
{
	const struct check_record *record = find(run, code);

	assert_non_null(record);
	return record->found;
}

void tdx_run_passes(struct tdx_run *run)
{
	assert_int_equal(tdx_run_examine(run), TOBI_OK);
	for (size_t i = 0; i < run->list.count; i++) {
		const struct check_record *record = &run->list.records[i];

		if (record->outcome != TOBI_PASSED && record->outcome != TOBI_NOT_ASKED)
			fail_msg("%s: %s", record->check->code, record->found);
	}
}

void tdx_run_fails_alone(struct tdx_run *run, const char *code)
{
	assert_int_equal(tdx_run_examine(run), TOBI_OK);
	assert_int_equal(tdx_run_outcome(run, code), TOBI_FAILED);
	for (size_t i = 0; i < run->list.count; i++) {
		const struct check_record *record = &run->list.records[i];

		if (record->outcome == TOBI_FAILED &&
		    strcmp(record->check->code, code) != 0)
			fail_msg("%s as well: %s", record->check->code, record->found);
	}
}
