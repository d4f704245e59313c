#include "tests/tdx_run.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"
#include "tee/sgx.h"
#include "tee/tdx.h"

void tdx_run_init(struct tdx_run *run)
{
	*run = (struct tdx_run){.time = DCAP_NOW, .verifier = &tee_tdx};
	dcap_scene_make(&run->scene);
	tdx_run_kind(run, 4, DCAP_TD10);
}

void tdx_run_again(struct tdx_run *run)
{
	tdx_run_done(run);
	tdx_run_init(run);
}

void tdx_run_kind(struct tdx_run *run, unsigned version, enum dcap_body kind)
{
	dcap_scene_kind(&run->scene, version, kind);
	dcap_test_collateral_make(&run->scene, &run->collateral);
}

void tdx_run_move(struct tdx_run *run, int64_t now)
{
	const int64_t by = now - run->time;
	struct dcap_scene *scene = &run->scene;

	for (size_t i = 0; i < DCAP_ROLES; i++) {
		scene->certificates[i].not_before += by;
		scene->certificates[i].not_after += by;
	}
	scene->root_crl.this_update += by;
	scene->root_crl.next_update += by;
	scene->pck_crl.this_update += by;
	scene->pck_crl.next_update += by;
	run->collateral.tcb.document.issued += by;
	run->collateral.tcb.document.next_update += by;
	run->collateral.qe.document.issued += by;
	run->collateral.qe.document.next_update += by;
	run->time = now;
}

void tdx_run_put_collateral(const struct tdx_run *run, const char *folder)
{
	struct tobi_collateral *set = tobi_collateral_new();
	const struct collateral_item *item;
	char path[1024];

	assert_non_null(set);
	assert_true(mkdir(folder, 0755) == 0 || errno == EEXIST);
	dcap_test_put(&run->scene, &run->collateral, set);
	for (size_t i = 0; (item = collateral_at(set, i)); i++) {
		snprintf(path, sizeof(path), "%s/%zu", folder, i);
		assert_int_equal(file_write(path, 0644, item->data, path, NULL), 0);
		snprintf(path, sizeof(path), "%s/%zu.pem", folder, i);
		if (item->chain.size)
			assert_int_equal(file_write(path, 0644, item->chain, path, NULL),
					 0);
	}
	tobi_collateral_free(set);
}

void tdx_run_done(struct tdx_run *run)
{
	arena_done(&run->arena);
	run->arena = (struct arena){0};
}

int tdx_run_setup(void **state)
{
	static struct tdx_run run;

	tdx_run_init(&run);
	*state = &run;
	return 0;
}

int tdx_run_teardown(void **state)
{
	tdx_run_done(*state);
	return 0;
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

/* ---- as a whole ---- */

/* What it is of: MRTD, MRENCLAVE. */
static struct tobi_bytes image_of(const struct tdx_run *run)
{
	return run->scene.body_kind == DCAP_SGX
		   ? (struct tobi_bytes){run->scene.body + 64, 32}
		   : (struct tobi_bytes){run->scene.body + 136, 48};
}

void tdx_run_policy(const struct tdx_run *run, const char *lines, struct writer *out)
{
	const char *tier = run->scene.body_kind == DCAP_SGX ? "sgx" : "tdx";
	struct writer pem = wr_init(LIMIT_PEM);
	char image[97];

	hex_write(image_of(run), image, sizeof(image));
	wr_printf(out,
		  "version: 1\ntiers: [%s]\nimages: [%s]\nallow: [no-nonce]\n"
		  "identity:\n  mode: any-instance\n%s",
		  tier, image, run->no_roots ? lines : "");
	if (run->no_roots)
		return;
	wr_printf(out, "roots:\n- tier: %s\n  anchors: |\n    ", tier);
	dcap_scene_pem(&run->scene, DCAP_ROOT, &pem);
	for (size_t i = 0; i < pem.size; i++) {
		wr_u8(out, pem.ptr[i]);
		if (pem.ptr[i] == '\n' && i + 1 < pem.size)
			wr_printf(out, "    ");
	}
	wr_printf(out, "%s", lines);
	wr_done(&pem);
}

static enum tobi_err read_policy(const struct tdx_run *run, const char *lines,
				 struct tobi_policy **ret_policy)
{
	struct writer text = wr_init(LIMIT_POLICY);
	enum tobi_err err;

	tdx_run_policy(run, lines, &text);
	err = tobi_policy_parse(wr_view(&text), "test", ret_policy, NULL);
	wr_done(&text);
	return err;
}

struct tobi_result *tdx_run_verify(struct tdx_run *run, const char *lines)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer quote = wr_init(LIMIT_EVIDENCE);
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_verify_request request;

	assert_non_null(set);
	assert_int_equal(read_policy(run, lines, &policy), TOBI_OK);
	dcap_test_put(&run->scene, &run->collateral, set);
	dcap_scene_quote(&run->scene, &quote);
	request = (struct tobi_verify_request){.evidence = wr_view(&quote),
					       .time = run->time,
					       .collateral = set,
					       .pieces = run->pieces,
					       .piece_count = run->piece_count};
	assert_int_equal(tobi_verify(policy, &request, &result, &run->fault), TOBI_OK);
	tobi_collateral_free(set);
	tobi_policy_free(policy);
	wr_done(&quote);
	return result;
}

void tdx_run_accepted(struct tdx_run *run, const char *lines)
{
	struct tobi_result *result = tdx_run_verify(run, lines);

	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		fail_msg("%s", tobi_result_reason(result));
	tobi_result_free(result);
}

void tdx_run_refused(struct tdx_run *run, const char *lines, const char *code)
{
	struct tobi_result *result = tdx_run_verify(run, lines);
	bool failed = false;

	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (check->outcome == TOBI_FAILED && strcmp(check->code, code) != 0)
			fail_msg("%s as well: %s", check->code, check->found);
		failed |= check->outcome == TOBI_FAILED;
	}
	assert_true(failed);
	tobi_result_free(result);
}

void tdx_run_bad_policy(const struct tdx_run *run, const char *lines)
{
	struct tobi_policy *policy = NULL;

	if (!read_policy(run, lines, &policy)) {
		tobi_policy_free(policy);
		fail_msg("a policy: %s", lines);
	}
}
