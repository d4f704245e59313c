#include "tee/tdx.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/secret.h"
#include "tee/boot.h"
#include "tee/dcap_certificates.h"
#include "tee/dcap_tcb.h"
#include "tee/event_log.h"
#include "tee/tdx_claims.h"
#include "tee/tdx_log.h"

#define QUOTE "Intel TDX DCAP Quoting Library API, appendix A"
#define MODULE "Intel TDX Module ABI, TDREPORT_STRUCT"

static const struct check check_format = {
    "TDX-FORMAT", "Intel's quoting enclave made the quote, of a TDX guest", QUOTE,
    "It is of something else, or of another maker, which is not known here."};
static const struct check check_seam = {
    "TDX-SEAM", "the module that guards the guest is signed by Intel", QUOTE "; " MODULE,
    "The host runs a module of somebody else, or one for tests. Do not use it."};
static const struct check check_attributes = {
    "TDX-ATTRIBUTES",
    "the guest has no attribute that opens it to the host, nor one that is not known "
    "here",
    MODULE " (TDATTRIBUTES)",
    "Start the guest without it; or update this verifier, if the attribute is new."};
static const struct check check_xfam = {
    "TDX-XFAM", "the guest's processor state is as the module demands it",
    MODULE " (XFAM)", "No guest can have such a value. Do not use it."};
static const struct check check_event_log = {
    "TDX-EVENT-LOG",
    "the event log that came with the quote is what the guest's registers were made of",
    "TCG PC Client Platform Firmware Profile, section 10; UEFI, CC_EVENT",
    "The log is older than the quote, or was changed, or something was measured after "
    "it. Take both at one time."};
static const struct check check_report_data = {
    "TDX-REPORT-DATA", "the guest made the quote for exactly these claims",
    "Tobichi protocols, section 14",
    "The evidence belongs to another request. Ask for it again with your own nonce."};

static const struct check *const checks[] = {
    &check_format,	DCAP_CHECKS, DCAP_TCB_CHECKS,  &check_seam,
    &check_attributes,	&check_xfam, &check_event_log, BOOT_CHECKS,
    &check_report_data, NULL,
};

static const uint8_t zeros[TDX_HASH_SIZE];

enum { XFAM_ALWAYS = 3 /* x87 and SSE */ };

/* A report that only its own platform can check is told apart, to say so. */
static bool recognise(struct tobi_bytes evidence)
{
	return dcap_quote_starts(evidence, true) || tdx_is_local_report(evidence);
}

static enum tobi_err read_quote(struct tobi_bytes evidence, struct dcap_quote *ret_quote,
				struct tobi_fault *fault)
{
	if (tdx_is_local_report(evidence))
		return fault_set(fault, TOBI_E_UNSUPPORTED, "evidence", "TDREPORT",
				 "this is a report for the platform's own use: ask for a "
				 "quote of it (/sys/kernel/config/tsm/report)");
	return dcap_quote_read(evidence, "quote", ret_quote, fault);
}

static bool is_zero(struct tobi_bytes bytes)
{
	return bytes.size <= sizeof(zeros) &&
	       bytes_equal(bytes, (struct tobi_bytes){zeros, bytes.size});
}

static void examine_seam(const struct tdx_report *td, const struct dcap_tcb *tcb,
			 struct checklist *list)
{
	const struct dcap_module *seam = &tcb->seam;
	const char *wrong = NULL;

	if (!bytes_equal(td->mr_signer_seam,
			 (struct tobi_bytes){seam->signer, sizeof(seam->signer)}))
		wrong = "MRSIGNERSEAM is another";
	for (size_t i = 0; i < td->seam_attributes.size && !wrong; i++) {
		uint8_t found = td->seam_attributes.ptr[i];

		/* None is defined, so that none may be set, whatever the mask leaves. */
		if (found || (found ^ seam->attributes[i]) & seam->attributes_mask[i])
			wrong = "SEAMATTRIBUTES is not 0";
	}
	check_record(list, &check_seam, !wrong, "the signer that Intel publishes", wrong);
}

static uint64_t known_attributes(void)
{
	const struct tdx_attribute *attribute;
	uint64_t known = TDX_DEBUG;

	for (size_t i = 0; (attribute = tdx_attribute_at(i)); i++)
		known |= attribute->bit;
	return known;
}

static void examine_attributes(const struct tdx_report *td, struct checklist *list)
{
	const char *wrong = NULL;
	char found[32];

	if (td->attributes & TDX_UNTRUSTED & ~TDX_DEBUG)
		wrong = "a guest that its host may look into";
	else if (td->attributes & ~known_attributes())
		wrong = "an attribute that is not known here";
	check_record(list, &check_attributes, !wrong, "known attributes", wrong);
	snprintf(found, sizeof(found), "%" PRIx64, td->xfam);
	check_record(list, &check_xfam, (td->xfam & XFAM_ALWAYS) == XFAM_ALWAYS,
		     "x87 and SSE, as always", found);
}

static void show_attributes(const struct tdx_report *td, struct arena *arena,
			    struct tee_claims *claims)
{
	const struct tdx_attribute *attribute;
	char names[160] = "";
	size_t used = 0;

	if (td->attributes & TDX_DEBUG)
		used = (size_t)snprintf(names, sizeof(names), " DEBUG");
	for (size_t i = 0; (attribute = tdx_attribute_at(i)); i++) {
		if (td->attributes & attribute->bit)
			used += (size_t)snprintf(names + used, sizeof(names) - used,
						 " %s", attribute->name);
	}
	tee_fact(claims, arena, "TDATTRIBUTES", "%016" PRIx64 "%s", td->attributes,
		 names);
	tee_fact(claims, arena, "XFAM", "%016" PRIx64, td->xfam);
}

static void show(const struct dcap_quote *quote, const struct tdx_report *td,
		 struct arena *arena, struct tee_claims *claims)
{
	static const char *const rtmrs[TDX_RTMRS] = {"RTMR0", "RTMR1", "RTMR2", "RTMR3"};

	tee_fact(claims, arena, "quote", "version %u, TD %s", quote->version,
		 quote->body_kind == DCAP_TD15 ? "1.5" : "1.0");
	tee_fact_hex(claims, arena, "MRTD", td->mr_td);
	for (size_t i = 0; i < TDX_RTMRS; i++)
		tee_fact_hex(claims, arena, rtmrs[i], td->rtmrs[i]);
	tee_fact_hex(claims, arena, "MRCONFIGID", td->mr_config_id);
	tee_fact_hex(claims, arena, "MROWNER", td->mr_owner);
	tee_fact_hex(claims, arena, "MROWNERCONFIG", td->mr_owner_config);
	if (td->mr_service_td.size)
		tee_fact_hex(claims, arena, "MRSERVICETD", td->mr_service_td);
	show_attributes(td, arena, claims);
	tee_fact_hex(claims, arena, "REPORTDATA", td->report_data);
	tee_fact_hex(claims, arena, "MRSEAM", td->mr_seam);
	tee_fact_hex(claims, arena, "TEE_TCB_SVN", td->tee_tcb_svn);
	if (td->tee_tcb_svn_2.size)
		tee_fact_hex(claims, arena, "TEE_TCB_SVN_2", td->tee_tcb_svn_2);
	tee_fact_hex(claims, arena, "QEID",
		     (struct tobi_bytes){quote->user_data.ptr, 16});
}

/* A copy of a whole body, so that its spans stay. */
static enum tobi_err take_claims(const struct dcap_quote *quote, struct arena *arena,
				 struct tee_claims *claims, struct tdx_claims **ret_own,
				 struct tobi_fault *fault)
{
	struct tdx_claims *own = arena_alloc(arena, sizeof(*own));
	struct tobi_bytes body = arena_copy(arena, quote->body);
	const struct tdx_report *td;
	enum tobi_err err;

	if (!own || !body.ptr)
		return fault_set(fault, TOBI_E_MEMORY, "quote", "", "out of memory");
	err = tdx_report_read(body, "quote", &own->report, fault);
	if (err)
		return err;
	td = &own->report;
	*claims = (struct tee_claims){
	    .tier = "tdx",
	    .nonce = td->report_data,
	    .report_data = td->report_data,
	    .image_id = td->mr_td,
	    .config_id = td->mr_config_id,
	    .timeless = true,
	    .debug = (td->attributes & TDX_DEBUG) != 0,
	    .root_kind = "hardware",
	    .tdx = own,
	};
	/* Zeros stand for none. */
	if (!is_zero(td->mr_owner))
		claims->owner = td->mr_owner;
	show(quote, td, arena, claims);
	*ret_own = own;
	return TOBI_OK;
}

static const char *wrong_format(const struct dcap_quote *quote)
{
	return dcap_quote_is_intel(quote) ? NULL
					  : "the quoting enclave's vendor is not Intel";
}

/* Owed when there is one: without a log the registers' values are all there is, and the
 * policy's to compare. */
static enum tobi_err examine_log(const struct tee_request *request,
				 struct checklist *list, struct tee_claims *claims,
				 struct tdx_claims *own, struct tobi_fault *fault)
{
	struct boot_registers_shown shown = {
	    .kind = BOOT_RTMRS, .algorithm = TCG_SHA384, .instead = &check_event_log};
	struct boot_logs logs = {0};
	struct tobi_fault why = {0};
	char text[512];
	enum tobi_err err = tdx_table_check(request, &why);

	if (err) {
		tobi_fault_print(&why, text, sizeof(text));
		check_record(list, &check_event_log, false, "a table of this log", text);
	}
	for (size_t i = 0; i < TDX_RTMRS; i++)
		shown.values[i + 1] = own->report.rtmrs[i];
	/* What is wrong with them is boot_examine()'s to say. */
	own->event_log = boot_logs_find(request, &logs, NULL) || logs.found;
	err = boot_examine(request, &shown, list, claims, fault);
	if (!err && claims->boot)
		own->event_count = claims->boot->events;
	return err;
}

static enum tobi_err examine_platform(const struct tee_request *request,
				      const struct dcap_quote *quote,
				      const struct tdx_report *td, struct checklist *list,
				      struct tee_claims *claims, struct tobi_fault *fault)
{
	struct dcap_claims *dcap = NULL;
	enum tobi_err err = dcap_examine(request, quote, list, claims, &dcap, fault);

	if (err || !dcap->has_pck)
		return err;
	err = dcap_tcb_evaluate(request, quote, td, list, claims, dcap, fault);
	if (!err && dcap->tcb)
		examine_seam(td, dcap->tcb, list);
	return err;
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	struct tdx_claims *own = NULL;
	struct dcap_quote quote;
	const char *wrong;
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	err = read_quote(request->evidence, &quote, fault);
	if (!err && quote.body_kind == DCAP_SGX)
		err = fault_set(fault, TOBI_E_MALFORMED, "quote", "TEE type",
				"it is not of a TDX guest");
	if (!err)
		err = take_claims(&quote, list->arena, ret_claims, &own, fault);
	if (err)
		return err;
	wrong = wrong_format(&quote);
	check_record(list, &check_format, !wrong, "a quote of Intel's quoting enclave",
		     wrong);
	err = examine_platform(request, &quote, &own->report, list, ret_claims, fault);
	if (err)
		return err;
	examine_attributes(&own->report, list);
	tee_check_report_data(request, list, &check_report_data, ret_claims->report_data);
	return examine_log(request, list, ret_claims, own, fault);
}

bool tdx_takes(struct tobi_bytes piece)
{
	return dcap_certificates_are(piece) || boot_is_log(piece) ||
	       ccel_table_starts(piece);
}

const struct tee_verifier tee_tdx = {
    .tier = "tdx",
    .name = "tdx-quote",
    .media_type = "application/vnd.tobichi.tdx-quote",
    .checks = checks,
    .recognise = recognise,
    .examine = examine,
    .takes = tdx_takes,
};
