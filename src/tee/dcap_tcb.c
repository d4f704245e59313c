#include "tee/dcap_tcb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fault.h"
#include "base/secret.h"
#include "tee/dcap_collateral.h"

#define PCS "Intel PCS API v4, "
#define EVALUATION "Intel TDX DCAP Quoting Library API, section 4.1.2.4.17"

const struct check check_dcap_tcb_info = {
    "DCAP-TCB-INFO",
    "Intel has signed what it says of this model's firmware, and it is not out of date",
    PCS "Get TCB Info",
    "Give newer collateral (`tobichi collateral fetch`); check the time of "
    "verification."};
const struct check check_dcap_tcb_model = {
    "DCAP-TCB-MODEL", "what Intel says is of this platform's model, and of this kind",
    PCS "Get TCB Info", "Give the TCB information of the platform's own FMSPC."};
const struct check check_dcap_tcb_level = {
    "DCAP-TCB-LEVEL",
    "the platform's firmware is of a version that Intel lists, and has not revoked",
    EVALUATION, "Update the platform: its BIOS, microcode and TDX module."};
const struct check check_dcap_qe_identity = {
    "DCAP-QE-IDENTITY",
    "Intel has signed which quoting enclave is its own, and it is not out of date",
    PCS "Get Quoting Enclave Identity",
    "Give newer collateral (`tobichi collateral fetch`); check the time of "
    "verification."};
const struct check check_dcap_qe_match = {
    "DCAP-QE-MATCH", "the enclave that made the quote is Intel's quoting enclave",
    PCS "Get Quoting Enclave Identity",
    "Another enclave of that platform signed the quote. Do not use it."};
const struct check check_dcap_qe_level = {
    "DCAP-QE-LEVEL",
    "the quoting enclave is of a version that Intel lists, and has not revoked",
    EVALUATION, "Update the platform's quoting enclave."};

enum { TEXT_ROOM = 512, DATE_ROOM = 32, LIST_ROOM = 480, LEVELS = 3 };

static void failed(struct checklist *list, const struct check *check,
		   const char *expected, const struct tobi_fault *fault)
{
	char text[TEXT_ROOM];

	tobi_fault_print(fault, text, sizeof(text));
	check_record(list, check, false, expected, text);
}

static void write_date(int64_t when, char out[static DATE_ROOM])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	out[0] = 0;
	if (gmtime_r(&seconds, &tm))
		strftime(out, DATE_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* What is worked on. */
struct evaluation {
	const struct tee_request *request;
	const struct tdx_report *td;
	struct checklist *list;
	struct tee_claims *claims;
	const struct dcap_pck *pck;
	struct dcap_tcb *out;
	struct dcap_document *tcb, *qe;	       /* owned; NULL where there is none */
	const struct dcap_svn_level *qe_level; /* NULL where there is none */
	struct dcap_match match;
	bool level_found;
};

static void evaluation_done(struct evaluation *evaluation)
{
	dcap_document_unref(evaluation->tcb);
	dcap_document_unref(evaluation->qe);
}

/* Memory is our trouble; all else is the document's, and so the check's. */
static enum tobi_err find_document(struct evaluation *evaluation,
				   enum collateral_kind kind, const char *name,
				   const struct check *check,
				   struct dcap_document **ret_document,
				   struct tobi_fault *fault)
{
	struct tobi_fault why = {0};
	char found[TEXT_ROOM], issued[DATE_ROOM], until[DATE_ROOM];
	const struct dcap_document *document;
	enum tobi_err err =
	    dcap_document_find(evaluation->request, kind, name, ret_document, &why);

	if (err == TOBI_E_MEMORY)
		return fault_set(fault, err, "collateral", "", "%s", why.message);
	if (err) {
		failed(evaluation->list, check,
		       "a document that Intel has signed and that is not out of date",
		       &why);
		return TOBI_OK;
	}
	document = *ret_document;
	write_date(document->issued, issued);
	write_date(document->next_update, until);
	snprintf(found, sizeof(found), "issued at %s, until %s", issued, until);
	check_record(evaluation->list, check, true, "", found);
	dcap_note_grace(evaluation->claims, evaluation->request, evaluation->list->arena,
			"what Intel says of versions", document->next_update);
	dcap_note_grace(evaluation->claims, evaluation->request, evaluation->list->arena,
			"the root's list of revoked certificates",
			document->crl_next_update);
	return TOBI_OK;
}

static const char *wrong_model(const struct evaluation *evaluation)
{
	const struct dcap_tcb_info *info = &evaluation->tcb->tcb;

	if (info->tdx != (evaluation->td != NULL))
		return info->tdx ? "it is of TDX, the quote of SGX"
				 : "it is of SGX, the quote of TDX";
	if (memcmp(info->fmspc, evaluation->pck->fmspc, sizeof(info->fmspc)) != 0)
		return "another FMSPC";
	if (memcmp(info->pce_id, evaluation->pck->pce_id, sizeof(info->pce_id)) != 0)
		return "another PCE-ID";
	return NULL;
}

static void record_level(struct evaluation *evaluation, const char *why)
{
	const struct dcap_tcb *out = evaluation->out;
	enum dcap_status both =
	    out->has_module ? dcap_converge(out->platform, out->module) : out->platform;
	char text[TEXT_ROOM];

	evaluation->level_found = !why && both != DCAP_REVOKED;
	if (!why) {
		snprintf(text, sizeof(text), "the platform is %s%s%s",
			 dcap_status_name(out->platform),
			 out->has_module ? ", the TDX module " : "",
			 out->has_module ? dcap_status_name(out->module) : "");
		why = text;
	}
	check_record(evaluation->list, &check_dcap_tcb_level, evaluation->level_found,
		     "a level that is not revoked", why);
}

static void evaluate_platform(struct evaluation *evaluation)
{
	struct dcap_match *match = &evaluation->match;
	struct dcap_tcb *out = evaluation->out;
	const char *why = wrong_model(evaluation);

	check_record(evaluation->list, &check_dcap_tcb_model, !why,
		     "the platform's FMSPC and PCE-ID", why);
	if (why)
		return;
	why =
	    dcap_tcb_match(&evaluation->tcb->tcb, evaluation->pck, evaluation->td, match);
	if (match->module) {
		out->seam = *match->module;
		out->seam.levels = (struct dcap_svn_levels){0};
	}
	if (!why) {
		out->platform = match->level->advice.status;
		out->has_module = match->module_level != NULL;
		if (out->has_module)
			out->module = match->module_level->advice.status;
	}
	record_level(evaluation, why);
}

static enum tobi_err evaluate_qe(struct evaluation *evaluation,
				 const struct dcap_quote *quote, struct tobi_fault *fault)
{
	const struct dcap_qe_identity *identity = &evaluation->qe->qe;
	const struct dcap_svn_level *level;
	struct sgx_report report;
	const char *differs;
	enum tobi_err err =
	    sgx_report_read(quote->qe_report, "QE report", &report, fault);

	if (err)
		return err;
	differs = identity->tdx != (evaluation->td != NULL)
		      ? "the identity is of the other kind of quoting enclave"
		      : dcap_qe_differs(identity, &report);
	check_record(evaluation->list, &check_dcap_qe_match, !differs,
		     "the identity that Intel publishes", differs);
	level = dcap_svn_match(&identity->levels, report.svn);
	if (!differs && level && level->advice.status != DCAP_REVOKED)
		evaluation->qe_level = level;
	if (level)
		evaluation->out->qe = level->advice.status;
	check_record(evaluation->list, &check_dcap_qe_level,
		     level && level->advice.status != DCAP_REVOKED,
		     "a level that is not revoked",
		     level ? dcap_status_name(level->advice.status)
			   : "its version is below every level");
	return TOBI_OK;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, each once, in the arena: the documents may go away. */
static enum tobi_err join_advisories(struct evaluation *evaluation,
				     const struct dcap_advice *const *advices,
				     struct tobi_fault *fault)
{
	struct arena *arena = evaluation->list->arena;
	const char **ids =
	    arena_array(arena, (size_t)LEVELS * DCAP_ADVISORIES_MAX, sizeof(*ids));
	size_t count = 0, kept = 0;

	for (size_t i = 0; ids && i < LEVELS; i++) {
		for (size_t k = 0; advices[i] && k < advices[i]->advisory_count; k++)
			ids[count++] = advices[i]->advisories[k];
	}
	if (ids)
		qsort(ids, count, sizeof(*ids), compare_texts);
	for (size_t i = 0; ids && i < count; i++) {
		if (kept && strcmp(ids[kept - 1], ids[i]) == 0)
			continue;
		ids[kept] = arena_printf(arena, "%s", ids[i]);
		if (!ids[kept++])
			ids = NULL;
	}
	if (!ids)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "advisoryIDs",
				 "out of memory");
	evaluation->out->advisories = ids;
	evaluation->out->advisory_count = kept;
	return TOBI_OK;
}

static enum tobi_err conclude(struct evaluation *evaluation, struct tobi_fault *fault)
{
	const struct dcap_match *match = &evaluation->match;
	const struct dcap_tcb_info *info = &evaluation->tcb->tcb;
	struct dcap_tcb *out = evaluation->out;
	const struct dcap_advice *const advices[LEVELS] = {
	    &match->level->advice, &evaluation->qe_level->advice,
	    match->module_level ? &match->module_level->advice : NULL};
	uint32_t of_qe = evaluation->qe->qe.evaluation;
	int64_t qe_until = evaluation->qe->next_update;

	out->found = true;
	out->status = out->platform;
	if (out->has_module)
		out->status = dcap_converge(out->status, out->module);
	if (evaluation->td)
		out->status =
		    dcap_relaunch(info, evaluation->td, match, out->status, out->qe);
	out->status = dcap_converge(out->status, out->qe);
	out->date = INT64_MAX;
	for (size_t i = 0; i < LEVELS; i++) {
		if (advices[i] && advices[i]->date < out->date)
			out->date = advices[i]->date;
	}
	out->evaluation = info->evaluation < of_qe ? info->evaluation : of_qe;
	out->next_update = evaluation->tcb->next_update;
	if (qe_until < out->next_update)
		out->next_update = qe_until;
	return join_advisories(evaluation, advices, fault);
}

static void show_advisories(const struct dcap_tcb *tcb, struct arena *arena,
			    struct tee_claims *claims)
{
	char text[LIST_ROOM + LIMIT_NAME] = "none";
	size_t used = 0;

	for (size_t i = 0; i < tcb->advisory_count; i++) {
		if (used > LIST_ROOM - LIMIT_NAME) {
			snprintf(text + used, sizeof(text) - used, " and %zu more",
				 tcb->advisory_count - i);
			break;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
					 i ? " " : "", tcb->advisories[i]);
	}
	tee_fact(claims, arena, "advisories", "%s", text);
}

static void show(const struct evaluation *evaluation)
{
	const struct dcap_tcb *tcb = evaluation->out;
	struct arena *arena = evaluation->list->arena;
	struct tee_claims *claims = evaluation->claims;
	char date[DATE_ROOM];

	tee_fact(claims, arena, "TCB status", "%s", dcap_status_name(tcb->status));
	tee_fact(claims, arena, "status of the platform", "%s",
		 dcap_status_name(tcb->platform));
	if (tcb->has_module)
		tee_fact(claims, arena, "status of the TDX module", "%s",
			 dcap_status_name(tcb->module));
	tee_fact(claims, arena, "status of the QE", "%s", dcap_status_name(tcb->qe));
	show_advisories(tcb, arena, claims);
	write_date(tcb->date, date);
	tee_fact(claims, arena, "TCB date", "%s", date);
	tee_fact(claims, arena, "TCB evaluation data number", "%u", tcb->evaluation);
	write_date(tcb->next_update, date);
	tee_fact(claims, arena, "collateral until", "%s", date);
}

static enum tobi_err find_documents(struct evaluation *evaluation,
				    struct tobi_fault *fault)
{
	const uint8_t *fmspc = evaluation->pck->fmspc;
	bool tdx = evaluation->td != NULL;
	char name[2 * DCAP_FMSPC_SIZE + 1];
	enum tobi_err err;

	for (size_t i = 0; i < DCAP_FMSPC_SIZE; i++)
		snprintf(name + 2 * i, 3, "%02X", fmspc[i]);
	err = find_document(evaluation,
			    tdx ? COLLATERAL_TDX_TCB_INFO : COLLATERAL_SGX_TCB_INFO, name,
			    &check_dcap_tcb_info, &evaluation->tcb, fault);
	return err ? err
		   : find_document(evaluation,
				   tdx ? COLLATERAL_TDX_QE_IDENTITY
				       : COLLATERAL_SGX_QE_IDENTITY,
				   "", &check_dcap_qe_identity, &evaluation->qe, fault);
}

enum tobi_err dcap_tcb_evaluate(const struct tee_request *request,
				const struct dcap_quote *quote,
				const struct tdx_report *td, struct checklist *list,
				struct tee_claims *claims, struct dcap_claims *dcap,
				struct tobi_fault *fault)
{
	CLEANUP(evaluation_done)
	struct evaluation evaluation = {.request = request,
					.td = td,
					.list = list,
					.claims = claims,
					.pck = &dcap->pck};
	enum tobi_err err;

	evaluation.out = arena_alloc(list->arena, sizeof(*evaluation.out));
	if (!evaluation.out)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "", "out of memory");
	err = find_documents(&evaluation, fault);
	if (!err && evaluation.qe)
		err = evaluate_qe(&evaluation, quote, fault);
	if (err || !evaluation.tcb)
		return err;
	evaluate_platform(&evaluation);
	if (evaluation.level_found && evaluation.qe && evaluation.qe_level) {
		err = conclude(&evaluation, fault);
		if (!err)
			show(&evaluation);
	}
	if (!err && (evaluation.out->found || evaluation.match.module))
		dcap->tcb = evaluation.out;
	return err;
}
