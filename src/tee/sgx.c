#include "tee/sgx.h"

#include <inttypes.h>

#include "base/fault.h"
#include "base/secret.h"
#include "tee/dcap_certificates.h"
#include "tee/dcap_tcb.h"
#include "tee/sgx_claims.h"
#include "tee/sgx_report.h"
#include "token/oe_evidence.h"

#define SDM "Intel SDM volume 3D, REPORT and ATTRIBUTES"

static const struct check check_format = {
    "SGX-FORMAT",
    "Intel's quoting enclave made the quote, of a report whose reserved bytes are zero",
    "Intel SGX ECDSA QuoteLibReference DCAP API, appendix A.4; " SDM,
    "Another maker's quote is not known here, nor what a newer processor may mean by "
    "those bytes: update this verifier."};
static const struct check check_attributes = {
    "SGX-ATTRIBUTES",
    "the enclave is initialised, and has no attribute that is not known here", SDM,
    "Build the enclave without it, or update this verifier."};
static const struct check check_report_data = {
    "SGX-REPORT-DATA", "the enclave made the quote for exactly these claims",
    "Tobichi protocols, section 14",
    "The evidence belongs to another request. Ask for it again with your own nonce."};

static const struct check *const checks[] = {&check_format,	 DCAP_CHECKS,
					     DCAP_TCB_CHECKS,	 &check_attributes,
					     &check_report_data, NULL};

enum {
	KNOWN_FLAGS = SGX_INITTED | SGX_DEBUG | SGX_MODE64BIT | SGX_PROVISION_KEY |
		      SGX_EINITTOKEN_KEY | SGX_CET | SGX_KSS | SGX_AEX_NOTIFY,
};

static bool recognise(struct tobi_bytes evidence)
{
	return dcap_quote_starts(oe_report_quote(evidence), false);
}

static const char *wrong_format(const struct dcap_quote *quote,
				const struct sgx_report *report)
{
	if (!dcap_quote_is_intel(quote))
		return "the quoting enclave's vendor is not Intel";
	return report->reserved_zero ? NULL : "reserved bytes are not zero";
}

static void examine_attributes(const struct sgx_report *report, struct checklist *list)
{
	const char *wrong = NULL;

	if (!(report->flags & SGX_INITTED))
		wrong = "it is not initialised";
	else if (report->flags & ~(uint64_t)KNOWN_FLAGS)
		wrong = "an attribute is not known here";
	check_record(list, &check_attributes, !wrong,
		     "known attributes, INITTED among them", wrong);
}

static void show_attributes(const struct sgx_report *report, struct arena *arena,
			    struct tee_claims *claims)
{
	uint64_t flags = report->flags;

	tee_fact(claims, arena, "attributes",
		 "%016" PRIx64 "%s%s%s%s%s%s%s, xfrm %" PRIx64, flags,
		 flags & SGX_DEBUG ? " DEBUG" : "",
		 flags & SGX_MODE64BIT ? " 64-bit" : " 32-bit",
		 flags & SGX_PROVISION_KEY ? " provision-key" : "",
		 flags & SGX_EINITTOKEN_KEY ? " launch-key" : "",
		 flags & SGX_CET ? " CET" : "", flags & SGX_KSS ? " KSS" : "",
		 flags & SGX_AEX_NOTIFY ? " AEX-notify" : "", report->xfrm);
}

static void show(const struct dcap_quote *quote, const struct sgx_report *report,
		 struct arena *arena, struct tee_claims *claims)
{
	tee_fact(claims, arena, "quote", "version %u, certification data of type %d",
		 quote->version, quote->certification);
	tee_fact_hex(claims, arena, "MRENCLAVE", report->mrenclave);
	tee_fact_hex(claims, arena, "MRSIGNER", report->mrsigner);
	tee_fact(claims, arena, "ISVPRODID", "%u", report->product);
	tee_fact(claims, arena, "ISVSVN", "%u", report->svn);
	show_attributes(report, arena, claims);
	tee_fact_hex(claims, arena, "MISCSELECT", report->miscselect);
	tee_fact_hex(claims, arena, "CPUSVN", report->cpusvn);
	tee_fact_hex(claims, arena, "REPORTDATA", report->report_data);
	if (report->flags & SGX_KSS) {
		tee_fact_hex(claims, arena, "CONFIGID", report->config_id);
		tee_fact(claims, arena, "CONFIGSVN", "%u", report->config_svn);
		tee_fact_hex(claims, arena, "ISVFAMILYID", report->family);
		tee_fact_hex(claims, arena, "ISVEXTPRODID", report->ext_product);
	}
	tee_fact_hex(claims, arena, "QEID",
		     (struct tobi_bytes){quote->user_data.ptr, 16});
}

static enum tobi_err take_claims(const struct dcap_quote *quote,
				 const struct sgx_report *report, struct arena *arena,
				 struct tee_claims *claims, struct tobi_fault *fault)
{
	struct sgx_claims *own = arena_alloc(arena, sizeof(*own));

	if (!own)
		return fault_set(fault, TOBI_E_MEMORY, "quote", "", "out of memory");
	*own = (struct sgx_claims){.flags = report->flags,
				   .xfrm = report->xfrm,
				   .kss = (report->flags & SGX_KSS) != 0,
				   .config_svn = report->config_svn,
				   .family = arena_copy(arena, report->family),
				   .ext_product = arena_copy(arena, report->ext_product)};
	*claims = (struct tee_claims){
	    .tier = "sgx",
	    .report_data = arena_copy(arena, report->report_data),
	    .image_id = arena_copy(arena, report->mrenclave),
	    .signers = {arena_copy(arena, report->mrsigner)},
	    .signer_count = 1,
	    .config_id = arena_copy(arena, report->config_id),
	    .has_product = true,
	    .product = report->product,
	    .svn = report->svn,
	    .timeless = true,
	    .debug = (report->flags & SGX_DEBUG) != 0,
	    .root_kind = "hardware",
	    .sgx = own,
	};
	claims->nonce = claims->report_data;
	show(quote, report, arena, claims);
	return TOBI_OK;
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	struct dcap_claims *dcap = NULL;
	struct dcap_quote quote;
	struct sgx_report report;
	const char *wrong;
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	err = dcap_quote_read(oe_report_quote(request->evidence), "quote", &quote, fault);
	if (!err && quote.body_kind != DCAP_SGX)
		err = fault_set(fault, TOBI_E_MALFORMED, "quote", "TEE type",
				"it is not of an SGX enclave");
	if (!err)
		err = sgx_report_read(quote.body, "quote", &report, fault);
	if (!err)
		err = take_claims(&quote, &report, list->arena, ret_claims, fault);
	if (err)
		return err;
	wrong = wrong_format(&quote, &report);
	check_record(list, &check_format, !wrong, "a quote of Intel's quoting enclave",
		     wrong);
	err = dcap_examine(request, &quote, list, ret_claims, &dcap, fault);
	if (!err && dcap->has_pck)
		err = dcap_tcb_evaluate(request, &quote, NULL, list, ret_claims, dcap,
					fault);
	if (err)
		return err;
	examine_attributes(&report, list);
	tee_check_report_data(request, list, &check_report_data, ret_claims->report_data);
	return TOBI_OK;
}

const struct tee_verifier tee_sgx = {
    .tier = "sgx",
    .name = "sgx-quote",
    .media_type = "application/vnd.tobichi.sgx-quote",
    .checks = checks,
    .recognise = recognise,
    .examine = examine,
    .takes = dcap_certificates_are,
};
