#include "tee/azure.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/secret.h"
#include "tee/azure_data.h"
#include "tee/azure_parts.h"
#include "tee/boot.h"
#include "tee/measure.h"
#include "tee/snp.h"
#include "tee/snp_claims.h"
#include "tee/tdx.h"
#include "tee/tdx_claims.h"
#include "tee/tpm_facts.h"
#include "tee/tpm_verify.h"

#define HCL "Azure, HwVmReport.h"
#define SPEC "Tobichi protocols, section 14.12"
#define TPM2 "TPM 2.0 Library, part 2"

static const struct check check_hcl = {
    "AZURE-HCL", "the paravisor's report is of a kind whose fields are known",
    HCL "; " SPEC,
    "Read it anew from the vTPM (NV index 0x01400001); if it stays so, update this "
    "verifier."};
static const struct check check_hash = {
    "AZURE-HASH", "the paravisor's data is bound by SHA-256", HCL ", HashType; " SPEC,
    "Update this verifier: no paravisor is known that uses another hash."};
static const struct check check_binding = {
    "AZURE-BINDING",
    "the hardware's report was made for exactly the paravisor's data, its keys among it",
    HCL "; " SPEC,
    "The data or the report was changed, or they are not of one machine. Do not use it."};
static const struct check check_vmpl = {
    "AZURE-VMPL",
    "the paravisor itself asked for the report, at the level that no guest reaches", SPEC,
    "Somebody else in the machine asked for it, who can name any key. Do not use it."};
static const struct check check_td_report = {
    "AZURE-TD-REPORT", "the quote is of the TD that the paravisor reports of", SPEC,
    "Have the quote made of this report, not of another machine's."};
static const struct check check_data = {
    "AZURE-DATA", "the paravisor's data can be read: its keys, how the machine is set up",
    SPEC, "Read it anew from the vTPM; if it stays so, update this verifier."};
static const struct check check_ak = {
    "AZURE-AK", "the paravisor names one attestation key for its virtual TPM, HCLAkPub",
    SPEC, "Without that key nothing says what the machine has started. Do not use it."};
static const struct check check_quote = {
    "AZURE-QUOTE", "the virtual TPM itself made the statement, and it is a quote",
    TPM2 ", section 10.12",
    "Give the TPM's quote with it: its message, signature and PCR values."};
static const struct check check_signature = {
    "AZURE-QUOTE-SIGNATURE", "the key that the paravisor names signed exactly this quote",
    TPM2 ", section 11.3.4",
    "The quote was changed, or is of another machine. Do not use it."};
static const struct check check_selection = {
    "AZURE-QUOTE-VALUES", "there is a value for each PCR that was quoted",
    TPM2 ", section 10.6.2", "Give the values of all PCRs that were quoted."};
static const struct check check_digest = {
    "AZURE-QUOTE-PCRS", "the PCR values are those that the virtual TPM quoted",
    TPM2 ", section 10.12.1",
    "The values were changed, or read at another time. Ask for the evidence again."};
static const struct check check_nonce = {
    "AZURE-NONCE", "the quote was made for exactly these claims", SPEC,
    "The evidence belongs to another request. Ask for it again with your own nonce."};

static const struct check *const snp_checks[] = {
    &check_hcl,	   &check_hash,	     &check_binding,
    &check_vmpl,   &check_data,	     &check_ak,
    &check_quote,  &check_signature, &check_selection,
    &check_digest, &check_nonce,     BOOT_CHECKS,
    NULL,
};
static const struct check *const tdx_checks[] = {
    &check_hcl,
    &check_hash,
    &check_binding,
    &check_td_report,
    &check_data,
    &check_ak,
    &check_quote,
    &check_signature,
    &check_selection,
    &check_digest,
    &check_nonce,
    BOOT_CHECKS,
    NULL,
};

static const struct tpm_quoted_rows quote_rows = {
    .type = &check_quote,
    .signature = &check_signature,
    .nonce = &check_nonce,
    .selection = &check_selection,
    .digest = &check_digest,
};

/* What differs between the two. */
struct kind {
	const struct tee_verifier *verifier, *hardware;
	enum azure_report report;
};

/* PCR 4: boot loader, or what else the firmware starts (TCG PC Client, section 3.3.4). */
enum { PCR_BOOT = 4 };
enum { VERSION_MOST = 2, DATA_VERSION = 1, REPORT_DATA_SIZE = 64 };
/* TDREPORT_STRUCT: REPORTMACSTRUCT.REPORTDATA, and TDINFO. */
enum { TDREPORT_DATA = 128, TDREPORT_INFO = 512, TDREPORT_INFO_SIZE = 16 + 8 * 48 };

static bool is_zero(struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.ptr[i])
			return false;
	}
	return true;
}

/* The head is bound by nothing: it must say what it always says. False: of other hardware
 * nothing more can be read. */
static bool examine_hcl(const struct azure_hcl *hcl, const struct kind *kind,
			struct checklist *list)
{
	const char *wrong = NULL;

	if (hcl->version == 0 || hcl->version > VERSION_MOST)
		wrong = "another version than 1 and 2";
	else if (hcl->request != AZURE_REQUEST_VM || hcl->status)
		wrong = "it is of another request, or of one that failed";
	else if (!is_zero(hcl->reserved))
		wrong = "a reserved field is not zero";
	else if (hcl->data_version != DATA_VERSION)
		wrong = "another version of the data than 1";
	else if (hcl->report_type != kind->report)
		wrong = "it is of other hardware than the rest says";
	check_record(list, &check_hash, hcl->hash_type == AZURE_HASH_SHA256, "SHA-256",
		     hcl->hash_type == AZURE_HASH_SHA256 ? "" : "another hash");
	check_record(list, &check_hcl, !wrong, "what a paravisor's report always says",
		     wrong);
	return hcl->report_type == kind->report;
}

static void examine_binding(const struct azure_hcl *hcl, struct tobi_bytes report_data,
			    struct checklist *list)
{
	uint8_t expected[REPORT_DATA_SIZE] = {0};

	if (!hash_sha256(hcl->data, expected))
		check_record_equal(list, &check_binding,
				   (struct tobi_bytes){expected, sizeof(expected)},
				   report_data);
}

static void examine_vmpl(const struct snp_report *report, struct checklist *list)
{
	char found[32];

	snprintf(found, sizeof(found), "VMPL %" PRIu32, report->vmpl);
	check_record(list, &check_vmpl, report->vmpl == 0, "VMPL 0", found);
}

/* The report in front of the data has no signature that anybody else could check: the
 * quote stands for it, and must say the same. */
static void examine_td_report(const struct azure_hcl *hcl, const struct tdx_report *td,
			      struct checklist *list)
{
	const uint8_t *at = hcl->hardware.ptr;
	const struct tobi_bytes data = {at + TDREPORT_DATA, REPORT_DATA_SIZE};
	const struct tobi_bytes info = {at + TDREPORT_INFO, TDREPORT_INFO_SIZE};
	const struct tobi_bytes report = {at, TDREPORT_SIZE};
	const struct tobi_bytes rest = {at + TDREPORT_SIZE,
					hcl->hardware.size - TDREPORT_SIZE};
	const char *wrong = NULL;

	if (!tdx_is_local_report(report) || !is_zero(rest))
		wrong = "the paravisor's report is no TDREPORT";
	else if (!bytes_equal(data, td->report_data))
		wrong = "the quote was made for other data";
	else if (!tdx_report_is_of(td, info))
		wrong = "the quote is of another TD";
	check_record(list, &check_td_report, !wrong, "a quote of the same TD", wrong);
}

/* The hardware's own checks, under the keys of this tier's roots. */
static enum tobi_err examine_hardware(const struct tee_request *request,
				      const struct azure_parts *parts,
				      const struct azure_hcl *hcl,
				      const struct kind *kind, struct checklist *list,
				      struct tee_claims *claims, struct tobi_fault *fault)
{
	struct tee_request inner = *request;

	inner.evidence =
	    kind->report == AZURE_REPORT_SNP ? hcl->hardware : parts->td_quote;
	inner.claims_buffer = (struct tobi_bytes){0};
	inner.bound_elsewhere = "it is bound to the paravisor's data (AZURE-BINDING)";
	inner.pieces = parts->pieces;
	inner.endorsements = (struct tobi_bytes){0}; /* among the pieces */
	inner.piece_count = parts->piece_count;
	if (!inner.evidence.size)
		return fault_set(fault, TOBI_E_NOT_FOUND, "Azure evidence", "TD quote",
				 "the paravisor's report of TDX is for its own machine "
				 "alone: give the TD quote that the metadata service "
				 "makes of it (/acc/tdquote)");
	return kind->hardware->examine(&inner, list, claims, fault);
}

static void take_claims(const struct azure_data *data, const struct kind *kind,
			struct arena *arena, struct tee_claims *claims)
{
	struct azure_claims *own = arena_alloc(arena, sizeof(*own));

	claims->tier = kind->verifier->tier;
	/* It is the paravisor's; what the evidence is bound to is the quote's to say. */
	claims->report_data = claims->nonce = (struct tobi_bytes){0};
	tee_warn(claims,
		 "PARAVISOR: Microsoft's own firmware runs inside, above the guest, "
		 "and is trusted: the measurement is its, and it keeps the TPM");
	if (!own || !data->json)
		return;
	*own = data->claims;
	claims->azure = own;
	azure_data_facts(data, arena, claims);
	if (own->user_data.size)
		tee_fact_hex(claims, arena, "user data", own->user_data);
}

/* The text of a fault, for a record. */
static void record_fault(struct checklist *list, const struct check *check,
			 const char *expected, const struct tobi_fault *why)
{
	char text[512];

	tobi_fault_print(why, text, sizeof(text));
	check_record(list, check, false, expected, text);
}

/* A log is told from the virtual TPM's values. */
static enum tobi_err examine_log(const struct tee_request *request,
				 struct checklist *list, struct tee_claims *claims,
				 struct tobi_fault *fault)
{
	const struct tpm_bank *bank = tpm_claims_bank(claims->tpm, TPM_ALG_SHA256);
	struct boot_registers_shown shown = {.kind = BOOT_PCRS, .algorithm = TCG_SHA256};

	for (size_t i = 0; bank && i < TPM_PCRS; i++)
		shown.values[i] = bank->pcrs[i];
	return boot_examine(request, &shown, list, claims, fault);
}

/* The virtual TPM is another environment than the hardware: its key's name is its own. */
static void measure_tpm(EVP_PKEY *key, struct arena *arena, struct tee_claims *claims)
{
	struct tee_environment *environment = arena_alloc(arena, sizeof(*environment));
	uint8_t name[SHA256_SIZE];

	if (!environment || key_spki_sha256(key, name, NULL))
		return;
	*environment = tpm_environment(
	    arena_copy(arena, (struct tobi_bytes){name, sizeof(name)}), NULL, arena);
	tee_measure(claims, arena);
	tpm_measure(claims->tpm, environment, arena, claims);
	for (size_t i = 0; i < claims->measurement_count; i++) {
		struct tee_measurement *one = &claims->measurements[i];

		if (one->environment == environment && one->number == PCR_BOOT)
			one->image = true;
	}
}

static enum tobi_err examine_quote(const struct tee_request *request,
				   const struct azure_parts *parts, EVP_PKEY *key,
				   struct checklist *list, struct tee_claims *claims,
				   struct tobi_fault *fault)
{
	struct tpm_quoted quoted = {.attest = parts->message,
				    .signature = parts->signature,
				    .key = key,
				    .banks = parts->values.banks,
				    .bank_count = parts->values.bank_count};
	uint8_t extra[SHA256_SIZE];
	enum tobi_err err;

	if (!parts->message.size || !parts->signature.size) {
		check_record(list, &check_quote, false, "a quote and its signature",
			     "none came with it");
		return TOBI_OK;
	}
	if (!request->claims_buffer.size)
		check_waive(list, &check_nonce, "it came without claims");
	else if (hash_sha256(request->claims_buffer, extra))
		return fault_set(fault, TOBI_E_CRYPTO, "Azure evidence", "",
				 "cannot hash");
	else
		quoted.expected_extra = (struct tobi_bytes){extra, sizeof(extra)};
	err = tpm_quoted_verify(&quoted, &quote_rows, list, claims, fault);
	if (err)
		return err;
	claims->nonce = claims->tpm->extra;
	tpm_facts_quote(claims->tpm, list->arena, claims);
	measure_tpm(key, list->arena, claims);
	return examine_log(request, list, claims, fault);
}

static enum tobi_err examine_tpm(const struct tee_request *request,
				 const struct azure_parts *parts,
				 const struct azure_hcl *hcl, const struct kind *kind,
				 struct checklist *list, struct tee_claims *claims,
				 struct tobi_fault *fault)
{
	CLEANUP(azure_data_done) struct azure_data data = {0};
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct tobi_fault why = {0};
	enum tobi_err err = azure_data_read(hcl->data, list->arena, &data, &why);

	if (err == TOBI_E_MEMORY)
		return fault_set(fault, err, "Azure evidence", "", "out of memory");
	take_claims(&data, kind, list->arena, claims);
	if (err) {
		record_fault(list, &check_data, "keys and a configuration", &why);
		return TOBI_OK;
	}
	check_record(list, &check_data, true, "", "");
	if (azure_data_key(&data, &key, &why)) {
		record_fault(list, &check_ak, "one RSA key of that name", &why);
		return TOBI_OK;
	}
	check_record(list, &check_ak, true, "", "");
	return examine_quote(request, parts, key, list, claims, fault);
}

static void owe(const struct kind *kind, struct checklist *list)
{
	const struct check *const *checks = kind->verifier->checks;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	checks = kind->hardware->checks;
	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
}

static enum tobi_err examine(const struct tee_request *request, const struct kind *kind,
			     struct checklist *list, struct tee_claims *ret_claims,
			     struct tobi_fault *fault)
{
	struct azure_parts *parts = arena_alloc(list->arena, sizeof(*parts));
	struct azure_hcl hcl;
	enum tobi_err err;

	owe(kind, list);
	ret_claims->tier = kind->verifier->tier;
	if (!parts)
		return fault_set(fault, TOBI_E_MEMORY, "Azure evidence", "",
				 "out of memory");
	err = azure_parts_read(request, list->arena, parts, fault);
	if (!err)
		err = azure_hcl_read(parts->hcl, &hcl, fault);
	if (err || !examine_hcl(&hcl, kind, list))
		return err;
	err = examine_hardware(request, parts, &hcl, kind, list, ret_claims, fault);
	ret_claims->tier = kind->verifier->tier;
	if (err || !ret_claims->report_data.size)
		return err;
	examine_binding(&hcl, ret_claims->report_data, list);
	if (ret_claims->snp)
		examine_vmpl(&ret_claims->snp->report, list);
	if (ret_claims->tdx)
		examine_td_report(&hcl, &ret_claims->tdx->report, list);
	return examine_tpm(request, parts, &hcl, kind, list, ret_claims, fault);
}

static const struct kind azure_snp = {&tee_azure_snp, &tee_snp, AZURE_REPORT_SNP};
static const struct kind azure_tdx = {&tee_azure_tdx, &tee_tdx, AZURE_REPORT_TDX};

static enum tobi_err examine_snp(const struct tee_request *request,
				 struct checklist *list, struct tee_claims *ret_claims,
				 struct tobi_fault *fault)
{
	return examine(request, &azure_snp, list, ret_claims, fault);
}

static enum tobi_err examine_tdx(const struct tee_request *request,
				 struct checklist *list, struct tee_claims *ret_claims,
				 struct tobi_fault *fault)
{
	return examine(request, &azure_tdx, list, ret_claims, fault);
}

static bool recognise_snp(struct tobi_bytes evidence)
{
	return azure_parts_recognise(evidence, AZURE_REPORT_SNP);
}

static bool recognise_tdx(struct tobi_bytes evidence)
{
	return azure_parts_recognise(evidence, AZURE_REPORT_TDX);
}

const struct tee_verifier tee_azure_snp = {
    .tier = "azure-snp",
    .name = "azure-snp",
    .media_type = "application/vnd.tobichi.azure-snp",
    .checks = snp_checks,
    .recognise = recognise_snp,
    .examine = examine_snp,
    .takes = tee_takes_any,
};
const struct tee_verifier tee_azure_tdx = {
    .tier = "azure-tdx",
    .name = "azure-tdx",
    .media_type = "application/vnd.tobichi.azure-tdx",
    .checks = tdx_checks,
    .recognise = recognise_tdx,
    .examine = examine_tdx,
    .takes = tee_takes_any,
};
