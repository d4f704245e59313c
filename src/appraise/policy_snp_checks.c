#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appraise/appraise.h"
#include "appraise/policy_snp.h"
#include "appraise/policy_section.h"
#include "base/endian.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/snp_chain.h"
#include "tee/snp_claims.h"

#define POLICY "Tobichi policy, "

static const struct check check_generation = {
    "POLICY-SNP-GENERATION", "the processor is of a generation that the policy accepts",
    POLICY "snp.generations, snp.refused-generations",
    "Run the guest on a generation that the policy names."};
static const struct check check_key = {
    "POLICY-SNP-KEY", "the report is signed with a key of the kind that the policy names",
    POLICY "snp.keys",
    "Have the host sign with the chip's key (VCEK), or accept a VLEK."};
static const struct check check_csp = {
    "POLICY-SNP-CSP", "the key is of a cloud's owner that the policy names",
    POLICY "snp.csp-ids", "Run the guest in the cloud that the policy names."};
static const struct check check_chip = {
    "POLICY-SNP-CHIP", "the chip is one that the policy names", POLICY "snp.chips",
    "Run the guest on a chip of the list, or add this one."};
static const struct check check_tcb = {
    "POLICY-SNP-TCB", "the firmware that the chip's key vouches for is new enough",
    POLICY "snp.min-tcb", "Update the host's firmware and microcode."};
static const struct check check_launch_tcb = {
    "POLICY-SNP-LAUNCH-TCB", "the firmware was new enough when the guest was launched",
    POLICY "snp.min-launch-tcb",
    "Update the host's firmware, and launch the guest again."};
static const struct check check_firmware = {
    "POLICY-SNP-FIRMWARE", "the version of the SNP firmware is new enough",
    POLICY "snp.min-firmware", "Update the host's firmware."};
static const struct check check_provisional = {
    "POLICY-SNP-PROVISIONAL", "the host cannot go back to older firmware",
    POLICY "snp.provisional-firmware",
    "Have the host commit its firmware (SNP_COMMIT); or allow provisional firmware."};
static const struct check check_vmpl = {
    "POLICY-SNP-VMPL",
    "the report was asked for at a privilege level that the policy accepts",
    POLICY "snp.max-vmpl",
    "Ask at VMPL 0; or raise max-vmpl, if what runs at the lower levels is measured."};
static const struct check check_migration = {
    "POLICY-SNP-MIGRATION", "no migration agent can move the guest elsewhere",
    POLICY "snp.migration", "Launch the guest without a migration agent."};
static const struct check check_abi = {
    "POLICY-SNP-ABI", "the guest runs on firmware of at least the policy's ABI only",
    POLICY "snp.min-abi", "Launch the guest with a policy of that ABI."};
static const struct check check_guest_policy = {
    "POLICY-SNP-GUEST-POLICY", "the guest was launched with the rules that are asked for",
    POLICY "snp.guest-policy", "Launch the guest with these flags in its policy."};
static const struct check check_platform = {
    "POLICY-SNP-PLATFORM", "the platform is set up as the policy asks",
    POLICY "snp.platform", "Change the host's firmware settings, or the policy."};
static const struct check check_mitigations = {
    "POLICY-SNP-MITIGATIONS",
    "the mitigations that the policy names are in force, and were at launch",
    POLICY "snp.mitigations", "Update the host's firmware, and launch the guest again."};
static const struct check check_id_key = {
    "POLICY-SNP-ID-KEY", "a key that the policy names has signed what the guest is",
    POLICY "snp.id-keys",
    "Launch the guest with the ID block of its publisher, or name the publisher's key."};
static const struct check check_author_key = {
    "POLICY-SNP-AUTHOR-KEY", "an author key that the policy names vouches for the ID key",
    POLICY "snp.author-keys",
    "Launch the guest with its author's ID authentication, or name the author's key."};
static const struct check check_family = {
    "POLICY-SNP-FAMILY-ID", "the guest is of the family that the policy names",
    POLICY "snp.family-id", "Launch the guest that is meant."};
static const struct check check_image = {
    "POLICY-SNP-IMAGE-ID", "the guest is the image that the policy names",
    POLICY "snp.image-id", "Launch the guest that is meant."};

static const struct check *const rows[] = {
    &check_generation,
    &check_key,
    &check_csp,
    &check_chip,
    &check_tcb,
    &check_launch_tcb,
    &check_firmware,
    &check_provisional,
    &check_vmpl,
    &check_migration,
    &check_abi,
    &check_guest_policy,
    &check_platform,
    &check_mitigations,
    &check_id_key,
    &check_author_key,
    &check_family,
    &check_image,
    NULL,
};

static const char none[] = "the policy names none";

void policy_snp_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.snp && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

static void run_generation(struct tobi_result *result, const struct policy_snp *policy)
{
	const struct snp_product *product = result->claims.snp->product;
	const char *name = product ? product->name : "one that is not known here";
	const struct tobi_bytes value = bytes_of_text(name);

	if (!policy->generations.count && !policy->refused_generations.count) {
		check_waive(&result->list, &check_generation, none);
		return;
	}
	check_record(
	    &result->list, &check_generation,
	    (!policy->generations.count || bytes_list_has(&policy->generations, value)) &&
		!bytes_list_has(&policy->refused_generations, value),
	    "a generation that the policy accepts", name);
}

/* By its certificate: a report without one has no kind of key. */
static void run_key(struct tobi_result *result, const struct policy_snp *policy)
{
	const struct snp_claims *snp = result->claims.snp;
	bool vlek = snp->has_leaf && snp->key == SNP_KEY_VLEK;
	bool vcek = snp->has_leaf && snp->key == SNP_KEY_VCEK;

	if (policy->has_keys)
		check_record(&result->list, &check_key,
			     (vlek && policy->vlek) || (vcek && policy->vcek),
			     policy->vlek ? "vlek" : "vcek",
			     vlek   ? "vlek"
			     : vcek ? "vcek"
				    : "no certificate");
	else
		check_waive(&result->list, &check_key, none);
	policy_run_list(result, &check_csp, &policy->csps, bytes_of_text(snp->csp),
			vlek ? snp->csp : "no key of a cloud's owner");
	policy_run_list(result, &check_chip, &policy->chips, result->claims.hardware,
			NULL);
}

static bool reaches(struct tobi_bytes tcb, const uint8_t *least)
{
	for (size_t i = 0; i < SNP_TCB_SIZE; i++) {
		if (tcb.ptr[i] < least[i])
			return false;
	}
	return true;
}

/* A generation of which the policy names no versions is none that it has thought of. */
static void run_least(struct tobi_result *result, const struct check *check,
		      const struct snp_least_list *list, struct tobi_bytes tcb)
{
	const struct snp_product *product = result->claims.snp->product;
	const struct snp_least_tcb *least = NULL;

	if (list->count == 0) {
		check_waive(&result->list, check, none);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].product == product)
			least = &list->items[i];
	}
	if (least)
		check_record(
		    &result->list, check, reaches(tcb, least->tcb),
		    policy_hex(result, (struct tobi_bytes){least->tcb, SNP_TCB_SIZE}),
		    policy_hex(result, tcb));
	else
		check_record(&result->list, check, false, "a generation of the list",
			     product ? product->name : "one that is not known here");
}

static uint32_t number_of(const uint8_t *version, size_t size)
{
	return (uint32_t)load_be(version, size);
}

static bool is_settled(const struct snp_report *report)
{
	const struct snp_firmware *current = &report->current,
				  *committed = &report->committed;

	return bytes_equal(report->current_tcb, report->committed_tcb) &&
	       current->major == committed->major && current->minor == committed->minor &&
	       current->build == committed->build;
}

static void run_firmware(struct tobi_result *result, const struct policy_snp *policy)
{
	const struct snp_report *report = &result->claims.snp->report;
	const struct snp_firmware *current = &report->current;
	const uint8_t version[3] = {current->major, current->minor, current->build};
	char expected[32], found[64];
	bool settled = is_settled(report);

	snprintf(expected, sizeof(expected), "at least %u.%u.%u", policy->firmware[0],
		 policy->firmware[1], policy->firmware[2]);
	snprintf(found, sizeof(found), "%u.%u.%u", version[0], version[1], version[2]);
	if (policy->has_firmware)
		check_record(&result->list, &check_firmware,
			     number_of(version, 3) >= number_of(policy->firmware, 3),
			     expected, found);
	else
		check_waive(&result->list, &check_firmware, none);
	check_record(&result->list, &check_provisional, settled || policy->provisional,
		     "what runs is committed",
		     settled ? "" : "what runs is not committed: older may follow");
}

static void run_guest(struct tobi_result *result, const struct policy_snp *policy)
{
	const struct snp_report *report = &result->claims.snp->report;
	const uint8_t abi[2] = {(uint8_t)(report->policy >> 8), (uint8_t)report->policy};
	bool moves = report->policy & SNP_POLICY_MIGRATE_MA;
	char expected[64], found[64];

	snprintf(expected, sizeof(expected), "at most %" PRIu32, policy->max_vmpl);
	snprintf(found, sizeof(found), "%" PRIu32, report->vmpl);
	if (report->vmpl > SNP_VMPL_MOST)
		check_waive(&result->list, &check_vmpl, "it is of no guest (SNP-VMPL)");
	else
		check_record(&result->list, &check_vmpl, report->vmpl <= policy->max_vmpl,
			     expected, found);
	check_record(&result->list, &check_migration, !moves || policy->migration,
		     "no migration", moves ? "migration is allowed" : "");
	snprintf(expected, sizeof(expected), "at least %u.%u", policy->abi[0],
		 policy->abi[1]);
	snprintf(found, sizeof(found), "%u.%u", abi[0], abi[1]);
	if (policy->has_abi)
		check_record(&result->list, &check_abi,
			     number_of(abi, 2) >= number_of(policy->abi, 2), expected,
			     found);
	else
		check_waive(&result->list, &check_abi, none);
}

static void run_bits(struct tobi_result *result, const struct check *check, uint64_t set,
		     uint64_t clear, uint64_t value)
{
	char expected[80], found[32];

	if (!(set | clear)) {
		check_waive(&result->list, check, none);
		return;
	}
	snprintf(expected, sizeof(expected), "set: 0x%" PRIx64 ", clear: 0x%" PRIx64, set,
		 clear);
	snprintf(found, sizeof(found), "0x%" PRIx64, value);
	check_record(&result->list, check, (value & set) == set && !(value & clear),
		     expected, found);
}

static void run_mitigations(struct tobi_result *result, const struct policy_snp *policy)
{
	const struct snp_report *report = &result->claims.snp->report;

	if (policy->mitigations && !snp_report_has_mitigations(report)) {
		check_record(&result->list, &check_mitigations, false,
			     "a report of version 5", "an older one, that does not say");
		return;
	}
	run_bits(result, &check_mitigations, policy->mitigations, 0,
		 snp_report_has_mitigations(report)
		     ? load_u64le(report->launch_mitigations.ptr) &
			   load_u64le(report->current_mitigations.ptr)
		     : 0);
}

/* Family, image and SVN are what the host puts into the ID block, unless it must be
 * signed by somebody whom the policy names. */
static bool rests_on_nobody(const struct tobi_policy *policy)
{
	const struct policy_snp *snp = &policy->snp;

	return (snp->family_id.size || snp->image_id.size || policy->min_svn) &&
	       !snp->id_keys.count && !snp->author_keys.count && !policy->signers.count;
}

static void run_id(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct policy_snp *snp = &policy->snp;
	const struct snp_report *report = &result->claims.snp->report;
	/* Zeros are no key's. */
	struct tobi_bytes id = snp_is_zero(report->id_key_digest) ? (struct tobi_bytes){0}
								  : report->id_key_digest;
	struct tobi_bytes author = snp_report_author_key(report)
				       ? report->author_key_digest
				       : (struct tobi_bytes){0};

	if (rests_on_nobody(policy))
		check_record(
		    &result->list, &check_id_key, false,
		    "a key in snp.id-keys, snp.author-keys or signers",
		    "family-id, image-id and min-svn are the host's word without one");
	policy_run_list(result, &check_id_key, &snp->id_keys, id, NULL);
	policy_run_list(result, &check_author_key, &snp->author_keys, author, NULL);
	if (snp->family_id.size)
		check_record_equal(&result->list, &check_family, snp->family_id,
				   report->family_id);
	else
		check_waive(&result->list, &check_family, none);
	if (snp->image_id.size)
		check_record_equal(&result->list, &check_image, snp->image_id,
				   report->image_id);
	else
		check_waive(&result->list, &check_image, none);
}

/* What the policy lets pass. */
static void warn(struct tobi_result *result, const struct policy_snp *policy)
{
	const struct snp_report *report = &result->claims.snp->report;

	if (policy->without_crl && !result->claims.snp->has_crl)
		tee_warn(&result->claims,
			 "NO LIST OF REVOKED KEYS: AMD may have withdrawn what vouches "
			 "for this platform, and the policy allows that");
	if (policy->provisional && !is_settled(report))
		tee_warn(&result->claims,
			 "PROVISIONAL FIRMWARE: the host can go back to older firmware, "
			 "and the policy allows that");
	if (policy->migration && report->policy & SNP_POLICY_MIGRATE_MA)
		tee_warn(&result->claims,
			 "MIGRATION: whoever runs the migration agent can have this "
			 "guest's memory, and the policy allows that");
	if (report->vmpl > 0 && report->vmpl <= policy->max_vmpl)
		tee_warn(&result->claims,
			 "VMPL: not the most privileged program in the guest asked for "
			 "the report, and the policy allows that");
}

void policy_snp_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct policy_snp *snp = &policy->snp;
	const struct snp_report *report;

	if (!result->claims.snp)
		return;
	report = &result->claims.snp->report;
	warn(result, snp);
	run_generation(result, snp);
	run_key(result, snp);
	run_least(result, &check_tcb, &snp->tcb, report->reported_tcb);
	run_least(result, &check_launch_tcb, &snp->launch_tcb, report->launch_tcb);
	run_firmware(result, snp);
	run_guest(result, snp);
	run_bits(result, &check_guest_policy, snp->policy_set, snp->policy_clear,
		 report->policy);
	run_bits(result, &check_platform, snp->platform_set, snp->platform_clear,
		 report->platform);
	run_mitigations(result, snp);
	run_id(result, policy);
	if (!snp->without_crl)
		return;
	check_waive(&result->list, &snp_check_crl,
		    "the policy asks for none (crl: not-required)");
	check_waive(&result->list, &snp_check_revoked,
		    "the policy asks for no list (crl: not-required)");
}
