#include "tee/snp.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/secret.h"
#include "pki/signature.h"
#include "tee/snp_chain.h"
#include "tee/snp_facts.h"
#include "tee/snp_id_block.h"
#include "tee/snp_material.h"

#define ABI "AMD 56860 (SEV-SNP firmware ABI), "
#define KDS "AMD 57230 (VCEK certificate and KDS), "

enum { ALGORITHM_P384 = 1 };

static const struct check check_version = {
    "SNP-VERSION", "the report is of a version whose fields are known: 2, 3 or 5",
    ABI "ATTESTATION_REPORT, VERSION; Tobichi protocols, section 14.3",
    "Update this verifier."};
static const struct check check_reserved = {
    "SNP-RESERVED", "all that must be zero in that version is zero",
    ABI "ATTESTATION_REPORT",
    "Update this verifier: the report says more than it knows."};
static const struct check check_algorithm = {
    "SNP-ALGORITHM", "the report is signed with ECDSA, P-384 and SHA-384",
    ABI "ATTESTATION_REPORT, SIGNATURE_ALGO", "Update this verifier."};
static const struct check check_signing_key = {
    "SNP-SIGNING-KEY", "a VCEK or a VLEK has signed the report",
    ABI "ATTESTATION_REPORT, KEY_INFO",
    "Have the host's owner turn off MASK_CHIP_KEY (SNP_CONFIG)."};
static const struct check check_product = {
    "SNP-PRODUCT", "the CPU is of a known product, and the certificate is of the same",
    ABI "ATTESTATION_REPORT, CPUID_FAM_ID; " KDS "section 3.1",
    "Give the certificate of this chip; for a newer product update this verifier."};
static const struct check check_signature = {
    "SNP-SIGNATURE", "the certificate's key signed exactly this report",
    ABI "ATTESTATION_REPORT, SIGNATURE",
    "The report was changed, or the certificate is of another chip or TCB. Do not use "
    "it."};
static const struct check check_tcb = {
    "SNP-TCB", "the certificate is of the firmware versions that the report states",
    ABI "ATTESTATION_REPORT, REPORTED_TCB; " KDS "section 3.1",
    "Fetch the certificate for the reported TCB: the host's owner has changed it."};
static const struct check check_order = {
    "SNP-TCB-ORDER", "no stated TCB or firmware version is above the one that runs",
    ABI "chapter on TCB versions; ATTESTATION_REPORT, COMMITTED_BUILD",
    "The platform was rolled back. Do not use it."};
static const struct check check_chip = {
    "SNP-CHIP", "the certificate is of the chip that the report names",
    ABI "ATTESTATION_REPORT, CHIP_ID; " KDS "section 3.1, hwID",
    "Give the certificate of this chip."};
static const struct check check_guest_policy = {
    "SNP-GUEST-POLICY", "the guest's policy is one that this verifier understands",
    ABI "GUEST_POLICY",
    "Update this verifier: the policy has bits that it does not know."};
static const struct check check_platform = {
    "SNP-PLATFORM", "the platform's flags are ones that this verifier understands",
    ABI "PLATFORM_INFO",
    "Update this verifier: the report has flags that it does not know."};
static const struct check check_vmpl = {
    "SNP-VMPL", "the guest asked for the report, not the host",
    ABI "ATTESTATION_REPORT, VMPL",
    "Ask for the report inside the guest: in one for the host the report data is the "
    "host's."};
static const struct check check_report_data = {
    "SNP-REPORT-DATA", "the report was made for exactly these claims",
    ABI "ATTESTATION_REPORT, REPORT_DATA; Tobichi protocols, section 14",
    "The evidence belongs to another session. Ask for it again."};

static const struct check *const checks[] = {
    &check_version,
    &check_reserved,
    &check_algorithm,
    &check_signing_key,
    &check_product,
    &snp_check_certificate,
    &snp_check_leaf_kind,
    &snp_check_chain,
    &snp_check_issuer,
    &snp_check_crl,
    &snp_check_revoked,
    &check_signature,
    &check_tcb,
    &check_order,
    &check_chip,
    &check_guest_policy,
    &check_platform,
    &check_vmpl,
    &check_report_data,
    &snp_check_id_block,
    &snp_check_author_key,
    NULL,
};

static bool known_version(uint32_t version)
{
	/* Of version 4 no table is public, and no report was seen. */
	return version == 2 || version == 3 || version == 5;
}

static bool record_number(struct checklist *list, const struct check *check, bool passed,
			  const char *expected, const char *name, uint64_t value)
{
	char found[64];

	snprintf(found, sizeof(found), "%s 0x%" PRIx64, name, value);
	return check_record(list, check, passed, expected, found);
}

static void examine_key_info(const struct snp_report *report, struct checklist *list)
{
	enum snp_key key = snp_report_key(report);
	const char *found = key == SNP_KEY_VCEK	  ? "VCEK"
			    : key == SNP_KEY_VLEK ? "VLEK"
			    : key == SNP_KEY_NONE ? "it is not signed"
						  : "a key of another kind";
	bool known = key == SNP_KEY_VCEK || key == SNP_KEY_VLEK;

	if (snp_report_masked(report))
		found = "the host has masked the chip's key: it is not signed";
	check_record(list, &check_signing_key, known && !snp_report_masked(report),
		     "VCEK or VLEK", found);
}

/* False: its fields are not known. */
static bool examine_form(const struct snp_report *report, struct checklist *list)
{
	char version[32];

	snprintf(version, sizeof(version), "%" PRIu32, report->version);
	if (!check_record(list, &check_version, known_version(report->version),
			  "2, 3 or 5", version))
		return false;
	check_record(list, &check_reserved, !report->not_zero, "zeros",
		     report->not_zero ? report->not_zero : "");
	record_number(list, &check_algorithm, report->algorithm == ALGORITHM_P384, "1",
		      "algorithm", report->algorithm);
	examine_key_info(report, list);
	record_number(list, &check_guest_policy,
		      report->policy & SNP_POLICY_ONE &&
			  !(report->policy & ~SNP_POLICY_KNOWN),
		      "bit 17, and known bits only", "policy", report->policy);
	record_number(list, &check_platform, !(report->platform & ~SNP_PLATFORM_KNOWN),
		      "known bits only", "flags", report->platform);
	record_number(list, &check_vmpl, report->vmpl <= SNP_VMPL_MOST, "0 to 3", "VMPL",
		      report->vmpl);
	return true;
}

static bool within(struct tobi_bytes tcb, struct tobi_bytes current)
{
	for (size_t i = 0; i < SNP_TCB_SIZE; i++) {
		if (tcb.ptr[i] > current.ptr[i])
			return false;
	}
	return true;
}

static uint32_t number_of(const struct snp_firmware *firmware)
{
	return (uint32_t)firmware->major << 16 | (uint32_t)firmware->minor << 8 |
	       firmware->build;
}

static void examine_order(const struct snp_report *report, struct checklist *list)
{
	const char *above = NULL;

	if (!within(report->committed_tcb, report->current_tcb))
		above = "the committed one is above it";
	else if (!within(report->reported_tcb, report->current_tcb))
		above = "the reported one is above it";
	else if (!within(report->launch_tcb, report->current_tcb))
		above = "that of the launch is above it";
	else if (number_of(&report->committed) > number_of(&report->current))
		above = "the committed firmware version is above it";
	check_record(list, &check_order, !above, "none above what runs", above);
}

/* The product that is of the report, by what a newer CPU says of itself; its certificate
 * must agree. */
static void examine_product(const struct snp_report *report,
			    const struct snp_chain *chain, struct checklist *list)
{
	const struct snp_product *product =
	    snp_product_of_cpu(report->family, report->model);
	char found[128];

	if (!snp_report_has_cpu(report)) {
		if (chain)
			check_record(list, &check_product, true, "",
				     chain->leaf.product->name);
		return;
	}
	snprintf(found, sizeof(found), "%s (family %u, model %u)%s",
		 product ? product->name : "a CPU that is not known here", report->family,
		 report->model,
		 product && product->supported ? "" : ": newer than this build");
	if (!product || !product->supported)
		check_record(list, &check_product, false, "Milan, Genoa or Turin", found);
	else if (chain)
		check_record(list, &check_product, product == chain->leaf.product,
			     chain->leaf.product->name, found);
}

static void examine_chip(const struct snp_report *report, const struct snp_leaf *leaf,
			 struct checklist *list)
{
	const struct tobi_bytes chip = {leaf->chip, sizeof(leaf->chip)};

	if (leaf->kind == SNP_KEY_VLEK)
		check_waive(list, &check_chip, "a VLEK is of no one chip");
	else if (snp_is_zero(report->chip_id))
		check_waive(list, &check_chip,
			    "the host hides the chip's id: the key is the "
			    "certificate's");
	else
		check_record_equal(list, &check_chip, chip, report->chip_id);
}

static void examine_signed(const struct snp_report *report, const struct snp_chain *chain,
			   struct checklist *list)
{
	uint8_t raw[96];
	bool good = chain->key && snp_signature_read(report->signature, raw) &&
		    ec_signature_holds(chain->key, report->signed_part,
				       (struct tobi_bytes){raw, sizeof(raw)});

	check_record(list, &check_signature, good, "a signature of the certificate's key",
		     good ? "" : "the signature does not verify");
	check_record_equal(list, &check_tcb,
			   (struct tobi_bytes){chain->leaf.tcb, SNP_TCB_SIZE},
			   report->reported_tcb);
	examine_chip(report, &chain->leaf, list);
}

/* Who signed the ID block, by their keys' digests. */
static void take_signers(const struct snp_report *report, struct tee_claims *claims)
{
	if (!snp_is_zero(report->id_key_digest))
		claims->signers[claims->signer_count++] = report->id_key_digest;
	if (snp_report_author_key(report))
		claims->signers[claims->signer_count++] = report->author_key_digest;
}

/* A VCEK's certificate says which chip it is; a VLEK's does not, and the firmware may. */
static struct tobi_bytes hardware_of(const struct snp_claims *snp,
				     const struct snp_chain *chain, struct arena *arena)
{
	const struct snp_report *report = &snp->report;
	size_t size = snp->product ? snp->product->chip_size : SNP_CHIP_SIZE;

	if (chain && chain->leaf.kind == SNP_KEY_VCEK)
		return arena_copy(arena, (struct tobi_bytes){chain->leaf.chip, size});
	return snp_is_zero(report->chip_id)
		   ? (struct tobi_bytes){0}
		   : (struct tobi_bytes){report->chip_id.ptr, size};
}

static void take_claims(const struct tee_request *request, const struct snp_chain *chain,
			struct snp_claims *snp, struct arena *arena,
			struct tee_claims *claims)
{
	const struct snp_report *report = &snp->report;
	const char *csp = chain ? arena_printf(arena, "%s", chain->leaf.csp) : "";

	snp->has_leaf = chain != NULL;
	snp->has_crl = chain && chain->has_crl;
	snp->key = chain ? chain->leaf.kind : SNP_KEY_NONE;
	snp->csp = csp ? csp : "";
	snp->product = chain ? chain->leaf.product
			     : snp_product_of_cpu(report->family, report->model);
	*claims = (struct tee_claims){
	    .tier = tee_snp.tier,
	    .nonce = report->report_data,
	    .report_data = report->report_data,
	    .image_id = report->measurement,
	    .config_id = report->host_data,
	    .hardware = hardware_of(snp, chain, arena),
	    .svn = report->guest_svn,
	    .timeless = true,
	    .debug = report->policy & SNP_POLICY_DEBUG,
	    .root_kind = "hardware",
	    .snp = snp,
	};
	take_signers(report, claims);
	if (chain && chain->has_crl && request->time >= chain->crl_end)
		claims->in_grace = "AMD's list of revoked certificates";
	snp_facts_add(claims, arena, snp);
}

static void chain_done(struct snp_chain **chain)
{
	if (*chain)
		memo_unref(&(*chain)->head);
}

/* What does not even start as a table is something else, and no table's mistake. */
static enum tobi_err read_rest(struct tobi_bytes rest, struct snp_table *table,
			       struct tobi_fault *fault)
{
	enum tobi_err err = rest.size ? snp_table_parse(rest, table, fault) : TOBI_OK;

	if (!err || err == TOBI_E_LIMIT || snp_table_recognise(rest))
		return err;
	return fault_at(fault, TOBI_E_TRAILING, "SNP report", "", SNP_REPORT_SIZE,
			"%zu trailing byte%s the report; only a table of certificates "
			"may follow it",
			rest.size, rest.size == 1 ? " follows" : "s follow");
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	CLEANUP(chain_done) struct snp_chain *chain = NULL;
	struct snp_claims *snp = arena_alloc(list->arena, sizeof(*snp));
	struct snp_table *table = arena_alloc(list->arena, sizeof(*table));
	struct tobi_bytes report = request->evidence, rest = {0};
	struct snp_chain_request chain_request;
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	if (report.size > SNP_REPORT_SIZE) {
		rest = (struct tobi_bytes){report.ptr + SNP_REPORT_SIZE,
					   report.size - SNP_REPORT_SIZE};
		report.size = SNP_REPORT_SIZE;
	}
	report = arena_copy(list->arena, report);
	if (!snp || !table || !report.ptr)
		return fault_set(fault, TOBI_E_MEMORY, "SNP report", "", "out of memory");
	err = snp_report_parse(report, &snp->report, fault);
	if (!err)
		err = read_rest(rest, table, fault);
	ret_claims->tier = tee_snp.tier;
	if (err || !examine_form(&snp->report, list))
		return err;
	chain_request = (struct snp_chain_request){request, &snp->report, table};
	err = snp_chain_find(&chain_request, list, &chain, fault);
	if (err)
		return err;
	examine_product(&snp->report, chain, list);
	if (chain)
		examine_signed(&snp->report, chain, list);
	examine_order(&snp->report, list);
	tee_check_report_data(request, list, &check_report_data, snp->report.report_data);
	snp_id_block_examine(request, &snp->report, list);
	take_claims(request, chain, snp, list->arena, ret_claims);
	return TOBI_OK;
}

static bool takes(struct tobi_bytes piece)
{
	return snp_id_block_is(piece) || snp_material_is(piece);
}

const struct tee_verifier tee_snp = {
    .tier = "snp",
    .name = "snp-report",
    .media_type = "application/vnd.tobichi.snp-report",
    .checks = checks,
    .recognise = snp_report_recognise,
    .examine = examine,
    .takes = takes,
};
