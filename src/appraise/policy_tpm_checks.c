#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appraise/policy_section.h"
#include "appraise/policy_tpm.h"
#include "base/secret.h"
#include "tee/gce_identity.h"
#include "tee/tpm_structs.h"

#define POLICY "Tobichi policy, tpm."

static const struct check check_bank = {
    "POLICY-TPM-BANK", "the quoted PCRs are of a bank whose hash is not broken",
    POLICY "banks; TCG PC Client Platform Firmware Profile, section 2.3",
    "Have the TPM quote its SHA-256 bank; or name sha1 under banks, if you know why."};
static const struct check check_quoted = {
    "POLICY-TPM-QUOTED", "the PCRs that the policy asks for are among those quoted",
    POLICY "quoted", "Have the TPM quote these PCRs, too."};
static const struct check check_digest = {
    "POLICY-TPM-DIGEST", "the digest of the quoted PCRs is one that the policy names",
    POLICY "pcr-digests",
    "Something else was started, or other PCRs were quoted than was reviewed."};
static const struct check check_resets = {
    "POLICY-TPM-RESETS", "the TPM was reset and restarted as often as the policy says",
    POLICY "resets, min-resets, restarts, min-restarts; TPM 2.0 Library, part 2, "
	   "section 10.11",
    "The machine was started again since, or the quote is of before: ask why."};
static const struct check check_clock = {
    "POLICY-TPM-CLOCK", "the TPM's clock is not behind, and was not set back",
    POLICY "min-clock, safe; TPM 2.0 Library, part 2, section 10.11",
    "The quote is of before, or the TPM lost power without being told."};
static const struct check check_firmware = {
    "POLICY-TPM-FIRMWARE", "the TPM's firmware is of a version that the policy accepts",
    POLICY "firmware, min-firmware", "Update the TPM, or name its version after review."};
static const struct check check_ak = {
    "POLICY-TPM-AK", "of the attestation key came what the policy asks for",
    POLICY "ak-certificate, ak-public",
    "Give the key's certificates, and its public area (TPMT_PUBLIC), with --with."};
static const struct check check_ek = {
    "POLICY-TPM-EK",
    "the attestation key was activated with an endorsement key that the policy names",
    POLICY "eks; Tobichi protocols, section 7.4",
    "Certify the attestation key with `tobichi platform ak-challenge`, which writes the "
    "endorsement key's hash into it; or name this TPM's."};
static const struct check check_key = {
    "POLICY-TPM-CERTIFIED-KEY",
    "the key that the TPM certifies is one that the policy names",
    POLICY "certified-keys", "Do not use that key: ask whose it is."};
static const struct check check_gce = {
    "POLICY-TPM-GCE", "the TPM is of an instance of Google's that the policy names",
    POLICY "gce-projects, gce-zones, gce-instances",
    "Check whom you have asked; name the instance if it is one of yours."};

const struct check *const policy_tpm_rows[] = {
    &check_bank,  &check_quoted,   &check_digest, &check_resets,
    &check_clock, &check_firmware, &check_ak,	  &check_ek,
    &check_key,	  &check_gce,	   NULL,
};

void policy_tpm_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.tpm && policy_tpm_rows[i]; i++)
		check_owe(&result->list, policy_tpm_rows[i]);
}

bool policy_tpm_asks_pcrs(const struct tobi_policy *policy)
{
	return policy->tpm && policy->tpm->bank_count;
}

/* What the evidence has of a bank: of a kind without a quote, its SHA-256 values. */
static struct tobi_bytes value_of(const struct tee_claims *claims, unsigned hash,
				  unsigned index)
{
	const struct tpm_bank *bank =
	    claims->tpm ? tpm_claims_bank(claims->tpm, hash) : NULL;

	if (bank)
		return bank->pcrs[index];
	return hash == TPM_ALG_SHA256 ? claims->pcrs[index] : (struct tobi_bytes){0};
}

const char *policy_tpm_wrong_pcr(struct tobi_result *result, const struct policy_tpm *tpm,
				 const char **ret_expected)
{
	for (size_t i = 0; i < tpm->bank_count; i++) {
		for (unsigned j = 0; j < TPM_PCRS; j++) {
			struct tobi_bytes expected = tpm->banks[i].pcrs[j];
			struct tobi_bytes found =
			    value_of(&result->claims, tpm->banks[i].hash, j);
			const char *text;

			if (!expected.size || bytes_equal(expected, found))
				continue;
			*ret_expected = arena_printf(&result->arena, "PCR %u: %s", j,
						     policy_hex(result, expected));
			text = arena_printf(&result->arena, "PCR %u: %s", j,
					    policy_hex(result, found));
			return text ? text : "another value";
		}
	}
	return NULL;
}

static void run_banks(struct tobi_result *result, const struct policy_tpm *policy)
{
	const struct tpm_claims *tpm = result->claims.tpm;
	uint32_t quoted = 0;
	bool strong = false;
	char expected[96], found[96];

	for (size_t i = 0; i < tpm->bank_count; i++) {
		bool counts = tpm->banks[i].hash != TPM_ALG_SHA1 || policy->weak;

		strong |= counts;
		if (counts)
			quoted |= tpm->selected[i];
	}
	check_record(&result->list, &check_bank, strong, "a bank of SHA-256 or better",
		     strong ? "" : "the bank of SHA-1 alone");
	if (policy->quoted) {
		snprintf(expected, sizeof(expected), "PCRs of the mask %06" PRIx32,
			 policy->quoted);
		snprintf(found, sizeof(found), "%06" PRIx32, quoted);
		check_record(&result->list, &check_quoted,
			     (quoted & policy->quoted) == policy->quoted, expected,
			     found);
	} else {
		check_waive(&result->list, &check_quoted, "the policy names none");
	}
	policy_run_list(result, &check_digest, &policy->digests, tpm->digest, NULL);
}

static bool is_in(const struct policy_tpm_number *exact,
		  const struct policy_tpm_number *least, uint64_t value)
{
	return (!exact->asked || value == exact->value) &&
	       (!least->asked || value >= least->value);
}

static const char *range(struct tobi_result *result, const char *what,
			 const struct policy_tpm_number *exact,
			 const struct policy_tpm_number *least)
{
	const char *text = arena_printf(&result->arena, "%s: %s %" PRIu64, what,
					exact->asked ? "exactly" : "at least",
					exact->asked ? exact->value : least->value);

	return text ? text : what;
}

static void run_resets(struct tobi_result *result, const struct policy_tpm *policy)
{
	const struct tpm_claims *tpm = result->claims.tpm;
	bool resets = is_in(&policy->resets, &policy->min_resets, tpm->resets);
	bool restarts = is_in(&policy->restarts, &policy->min_restarts, tpm->restarts);
	char found[96];

	if (!policy->resets.asked && !policy->min_resets.asked &&
	    !policy->restarts.asked && !policy->min_restarts.asked) {
		check_waive(&result->list, &check_resets, "the policy does not ask");
		return;
	}
	snprintf(found, sizeof(found), "%" PRIu32 " resets, %" PRIu32 " restarts",
		 tpm->resets, tpm->restarts);
	check_record(
	    &result->list, &check_resets, resets && restarts,
	    resets ? range(result, "restarts", &policy->restarts, &policy->min_restarts)
		   : range(result, "resets", &policy->resets, &policy->min_resets),
	    found);
}

static void run_clock(struct tobi_result *result, const struct policy_tpm *policy)
{
	const struct tpm_claims *tpm = result->claims.tpm;
	char found[96];

	if (!policy->min_clock.asked && !policy->safe) {
		check_waive(&result->list, &check_clock, "the policy does not ask");
		return;
	}
	snprintf(found, sizeof(found), "%" PRIu64 " ms, %s", tpm->clock,
		 tpm->safe ? "safe" : "perhaps set back");
	check_record(
	    &result->list, &check_clock,
	    (!policy->min_clock.asked || tpm->clock >= policy->min_clock.value) &&
		(!policy->safe || tpm->safe),
	    "a clock that the policy accepts", found);
}

static void run_firmware(struct tobi_result *result, const struct policy_tpm *policy)
{
	uint64_t firmware = result->claims.tpm->firmware;
	uint8_t bytes[sizeof(firmware)];
	char expected[64], found[32];

	if (!policy->min_firmware.asked && !policy->firmware.count) {
		check_waive(&result->list, &check_firmware, "the policy names none");
		return;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(firmware >> (56 - 8 * i));
	snprintf(found, sizeof(found), "%016" PRIx64, firmware);
	snprintf(expected, sizeof(expected), "at least %016" PRIx64,
		 policy->min_firmware.value);
	if (policy->min_firmware.asked &&
	    !check_record(&result->list, &check_firmware,
			  firmware >= policy->min_firmware.value, expected, found))
		return;
	if (policy->firmware.count)
		policy_run_list(result, &check_firmware, &policy->firmware,
				(struct tobi_bytes){bytes, sizeof(bytes)}, found);
}

static void run_keys(struct tobi_result *result, const struct policy_tpm *policy)
{
	const struct tpm_claims *tpm = result->claims.tpm;

	if (policy->needs_certificate || policy->needs_public)
		check_record(&result->list, &check_ak,
			     (!policy->needs_certificate || tpm->certified) &&
				 (!policy->needs_public || tpm->has_ak),
			     policy->needs_certificate
				 ? policy->needs_public
				       ? "a certificate and the public area"
				       : "a certificate"
				 : "the public area",
			     tpm->certified ? "a certificate alone"
			     : tpm->has_ak  ? "the public area alone"
					    : "neither");
	else
		check_waive(&result->list, &check_ak, "the policy does not ask");
	policy_run_list(result, &check_ek, &policy->eks, tpm->ek, NULL);
	policy_run_list(result, &check_key, &policy->certified_keys, tpm->certified_key,
			NULL);
}

static bool has_text(const struct bytes_list *list, const char *text)
{
	return bytes_list_has(list, bytes_of_text(text));
}

/* By name or by number; none named: any. */
static bool is_one(const struct bytes_list *list, const char *name, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return list->count == 0 || has_text(list, name) || has_text(list, text);
}

static void run_gce(struct tobi_result *result, const struct policy_tpm *policy)
{
	const struct gce_identity *gce = result->claims.tpm->gce;
	const char *found = "no identity of Google's";
	bool good;

	if (!policy->projects.count && !policy->zones.count && !policy->instances.count) {
		check_waive(&result->list, &check_gce, "the policy names none");
		return;
	}
	/* Of a host that is no production host the identity is nobody's word. */
	good = gce && gce->is_production &&
	       is_one(&policy->projects, gce->project, gce->project_number) &&
	       (!policy->zones.count || has_text(&policy->zones, gce->zone)) &&
	       is_one(&policy->instances, gce->instance, gce->instance_id);
	if (gce)
		found = arena_printf(&result->arena, "%s in %s, %s%s", gce->instance,
				     gce->project, gce->zone,
				     gce->is_production ? "" : ", not in production");
	check_record(&result->list, &check_gce, good, "an instance that the policy names",
		     found);
}

void policy_tpm_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	static const struct policy_tpm nothing = {0};
	const struct policy_tpm *tpm = policy->tpm ? policy->tpm : &nothing;

	if (!result->claims.tpm)
		return;
	run_banks(result, tpm);
	run_resets(result, tpm);
	run_clock(result, tpm);
	run_firmware(result, tpm);
	run_keys(result, tpm);
	run_gce(result, tpm);
}
