#include <stdlib.h>
#include <string.h>

#include "appraise/appraise.h"
#include "appraise/unwrap.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/verify_many.h"

static const char object[] = "evidence";

enum { CODES_MAX = 4096 };

DEFINE_CLEANUP(struct tobi_result *, tobi_result_free)

static enum tobi_err no_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
}

enum tobi_err verify_row_add(struct verify_job *job, const char *file,
			     enum verify_state state, const char *reason,
			     struct tobi_fault *fault)
{
	struct verify_row *rows =
	    reallocarray(job->rows, job->count + 1, sizeof(*job->rows));
	struct verify_row *row;

	if (!rows)
		return no_memory(fault);
	job->rows = rows;
	row = &rows[job->count++];
	*row = (struct verify_row){
	    .file = strdup(file), .state = state, .reason = strdup(reason)};
	return row->file && row->reason ? TOBI_OK : no_memory(fault);
}

static char *failed_codes(const struct tobi_result *result)
{
	CLEANUP(wr_done) struct writer codes = wr_init(CODES_MAX);

	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (check->outcome == TOBI_FAILED || check->outcome == TOBI_NOT_RUN)
			wr_printf(&codes, "%s%s", codes.size ? " " : "", check->code);
	}
	return codes.size ? strndup((char *)codes.ptr, codes.size) : NULL;
}

static enum tobi_err add_result(struct verify_job *job, const char *file,
				const struct tobi_result *result,
				struct tobi_fault *fault)
{
	bool accepted = tobi_result_verdict(result) == TOBI_ACCEPT;
	const char *tier = tobi_result_tier(result);
	enum tobi_err err =
	    verify_row_add(job, file, accepted ? VERIFY_ACCEPTED : VERIFY_REFUSED,
			   tobi_result_reason(result), fault);
	struct verify_row *row;

	if (err)
		return err;
	row = &job->rows[job->count - 1];
	if (result->kind)
		row->kind = strdup(result->kind);
	if (tier[0])
		row->tier = strdup(tier);
	if (!accepted)
		row->failed = failed_codes(result);
	return (result->kind && !row->kind) || (tier[0] && !row->tier) ? no_memory(fault)
								       : TOBI_OK;
}

/* What other files are, when a folder is a unit. */
struct unit {
	struct writer files[LIMIT_PIECES];
	struct tobi_bytes pieces[LIMIT_PIECES];
	size_t count;
	struct tobi_collateral *collateral;
};

static void unit_done(struct unit *unit)
{
	for (size_t i = 0; i < unit->count; i++)
		wr_done(&unit->files[i]);
	tobi_collateral_free(unit->collateral);
}

/* What fails here is the evidence's own, and no reason to stop. */
static enum tobi_err appraise(const struct verify_common *common,
			      const struct tobi_collateral *collateral,
			      const struct unit *unit, const char *path,
			      struct verify_job *job, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer file = wr_init(LIMIT_EVIDENCE_TEXT);
	CLEANUP(wr_done) struct writer decoded = wr_init(LIMIT_EVIDENCE);
	CLEANUP(tobi_result_freep) struct tobi_result *result = NULL;
	struct tobi_verify_request request = {.nonce = common->nonce,
					      .secret = common->secret,
					      .time = common->time,
					      .collateral = collateral};
	struct unwrapped unwrapped = {0};
	struct tobi_fault why = {0};
	char text[512];
	enum tobi_err err = file_read(path, LIMIT_EVIDENCE_TEXT, object, &file, &why);

	if (!err)
		err = unwrap_evidence(wr_view(&file), unwrap_is_evidence, &decoded,
				      &unwrapped, &why);
	if (!err) {
		request.evidence = unwrapped.bytes;
		request.pieces = unit ? unit->pieces : NULL;
		request.piece_count = unit ? unit->count : 0;
		err = tobi_verify(common->policy, &request, &result, &why);
	}
	if (!err)
		return add_result(job, path, result, fault);
	tobi_fault_print(&why, text, sizeof(text));
	return verify_row_add(job, path, VERIFY_UNREADABLE, text, fault);
}

/* ---- a folder ---- */

/* Documents of the folder beside those of all: copies, so that no thread changes what
 * another reads. */
static enum tobi_err add_document(struct unit *unit, const struct tobi_collateral *common,
				  struct tobi_bytes bytes, const char *path,
				  bool *ret_added, struct tobi_fault *fault)
{
	struct tobi_fault why = {0};
	enum tobi_err err = TOBI_OK;

	if (!unit->collateral) {
		unit->collateral = tobi_collateral_new();
		if (!unit->collateral)
			return no_memory(fault);
		for (size_t i = 0; i < collateral_count(common) && !err; i++)
			err = collateral_put(unit->collateral, collateral_at(common, i),
					     fault);
		if (err)
			return err;
	}
	err = tobi_collateral_add(unit->collateral, bytes, path, &why);
	*ret_added = !err;
	return err == TOBI_E_MEMORY ? fault_set(fault, err, object, "", "%s", why.message)
				    : TOBI_OK;
}

static bool is_among(const struct verify_names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->paths[i], path) == 0)
			return true;
	}
	return false;
}

/* Some documents are pieces, too (a chip's certificate): they are both while there is
 * room, and the others go first. */
static enum tobi_err take_others(const struct tobi_collateral *common,
				 const struct verify_names *files,
				 const struct verify_names *evidence, bool documents,
				 struct unit *unit, struct verify_job *job,
				 struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < files->count && !err; i++) {
		const char *path = files->paths[i];
		struct writer file = wr_init(LIMIT_EVIDENCE);
		bool added = false, kept = false;

		if (is_among(evidence, path))
			continue;
		if (file_read(path, LIMIT_EVIDENCE, object, &file, NULL)) {
			wr_done(&file);
			continue;
		}
		err = add_document(unit, common, wr_view(&file), path, &added, fault);
		if (!err && added == documents && evidence->count == 1 &&
		    unit->count < LIMIT_PIECES) {
			unit->pieces[unit->count] = wr_view(&file);
			unit->files[unit->count++] = file;
			kept = true;
		} else if (!err && !added && !documents && evidence->count > 1) {
			err = verify_row_add(
			    job, path, VERIFY_UNREADABLE,
			    "neither evidence nor a vendor's document, in a folder "
			    "with several pieces of evidence",
			    fault);
		}
		if (!kept)
			wr_done(&file);
	}
	return err;
}

static enum tobi_err find_evidence(const struct verify_names *files,
				   struct verify_names *ret_evidence,
				   struct tobi_fault *fault)
{
	bool sev = false;

	ret_evidence->paths = calloc(files->count + 1, sizeof(*ret_evidence->paths));
	if (!ret_evidence->paths)
		return no_memory(fault);
	for (size_t i = 0; i < files->count; i++) {
		CLEANUP(wr_done) struct writer file = wr_init(LIMIT_EVIDENCE_TEXT);

		if (file_read(files->paths[i], LIMIT_EVIDENCE_TEXT, object, &file,
			      NULL) ||
		    !verify_is_evidence(wr_view(&file)) ||
		    (sev && verify_is_sev(wr_view(&file))))
			continue;
		sev |= verify_is_sev(wr_view(&file));
		ret_evidence->paths[ret_evidence->count] = strdup(files->paths[i]);
		if (!ret_evidence->paths[ret_evidence->count++])
			return no_memory(fault);
	}
	return TOBI_OK;
}

static enum tobi_err run_folder(const struct verify_common *common,
				const struct tobi_collateral *collateral,
				struct verify_job *job, struct tobi_fault *fault)
{
	CLEANUP(verify_names_done) struct verify_names files = {0}, evidence = {0};
	CLEANUP(unit_done) struct unit unit = {0};
	struct tobi_fault why = {0};
	enum tobi_err err = verify_list_files(common, job->path, &files, &why);

	if (err && err != TOBI_E_MEMORY)
		return verify_row_add(job, job->path, VERIFY_UNREADABLE, why.message,
				      fault);
	if (err)
		return no_memory(fault);
	err = find_evidence(&files, &evidence, fault);
	if (!err && evidence.count == 0)
		return verify_row_add(job, job->path, VERIFY_UNREADABLE,
				      "no file of this folder is evidence", fault);
	if (!err)
		err =
		    take_others(collateral, &files, &evidence, false, &unit, job, fault);
	if (!err)
		err = take_others(collateral, &files, &evidence, true, &unit, job, fault);
	for (size_t i = 0; i < evidence.count && !err; i++)
		err = appraise(common, unit.collateral ? unit.collateral : collateral,
			       &unit, evidence.paths[i], job, fault);
	return err;
}

enum tobi_err verify_job_run(const struct verify_common *common,
			     const struct tobi_collateral *collateral,
			     struct verify_job *job, struct tobi_fault *fault)
{
	/* It is known what it is not. */
	if (job->count)
		return TOBI_OK;
	return job->is_folder ? run_folder(common, collateral, job, fault)
			      : appraise(common, collateral, NULL, job->path, job, fault);
}
