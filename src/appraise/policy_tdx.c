#include "appraise/policy_tdx.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appraise/policy_boot.h"
#include "appraise/policy_dcap.h"
#include "appraise/policy_section.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/tdx_claims.h"

#define POLICY "Tobichi policy, tdx."

static const struct check check_attributes = {
    "POLICY-TDX-ATTRIBUTES", "the guest has no attribute but those that the policy names",
    POLICY "attributes; Intel TDX Module ABI, TDATTRIBUTES",
    "Start the guest without it; or name the attribute, if you know what it opens."};
static const struct check check_seam = {
    "POLICY-TDX-SEAM", "the TDX module is one of those that the policy names",
    POLICY "mr-seam", "Update the host's module; or name the new one after review."};
static const struct check check_rtmrs = {
    "POLICY-TDX-RTMRS", "the guest's registers have the values that the policy names",
    POLICY "rtmrs",
    "The guest started something else than was reviewed; name the new values after "
    "review."};
static const struct check check_config = {
    "POLICY-TDX-CONFIG", "the guest's configuration is the one that the policy names",
    POLICY "mr-config-id", "Start the guest with the configuration that was agreed."};
static const struct check check_owner = {
    "POLICY-TDX-OWNER", "the guest's owner is the one that the policy names",
    POLICY "mr-owner", "Start the guest for the owner that was agreed."};
static const struct check check_owner_config = {
    "POLICY-TDX-OWNER-CONFIG",
    "the owner's configuration of the guest is the one that the policy names",
    POLICY "mr-owner-config", "Start the guest with the configuration that was agreed."};
static const struct check check_service_td = {
    "POLICY-TDX-SERVICE-TD",
    "no service guest is bound to the guest, but one that the policy names",
    POLICY "mr-service-td",
    "A service guest may move the guest to another host: name it after review."};
static const struct check check_event_log = {
    "POLICY-TDX-EVENT-LOG", "the guest's event log came with the quote",
    POLICY "event-log", "Give the guest's event log (CCEL) beside its quote."};

static const struct check *const rows[] = {
    &check_attributes,	 &check_seam,	    &check_rtmrs,     &check_config, &check_owner,
    &check_owner_config, &check_service_td, &check_event_log, NULL,
};

static const char sept_ve[] = "no-sept-ve-disable";

enum { NAMES_ROOM = 256 };

/* ---- the rules ---- */

static enum tobi_err take_hash(struct tobi_policy *policy, const char *field, char *text,
			       struct tobi_bytes *ret_hash, struct tobi_fault *fault)
{
	struct bytes_list list = {0};
	enum tobi_err err = TOBI_OK;

	if (text)
		err =
		    policy_hex_list(policy, field, &text, 1, TDX_HASH_SIZE, &list, fault);
	if (!err && list.count)
		*ret_hash = list.items[0];
	return err;
}

static enum tobi_err take_rtmr(struct tobi_policy *policy, const struct yaml_pcr *yaml,
			       struct policy_tdx *tdx, struct tobi_fault *fault)
{
	size_t index = (size_t)(yaml->index[0] - '0');

	if (yaml->index[1] || index >= TDX_RTMRS)
		return policy_wrong(policy, "tdx.rtmrs.index", "0 to 3 are allowed",
				    fault);
	if (tdx->rtmrs[index].size)
		return policy_wrong(policy, "tdx.rtmrs.index",
				    "a register is there twice", fault);
	return take_hash(policy, "tdx.rtmrs.value", yaml->value, &tdx->rtmrs[index],
			 fault);
}

static enum tobi_err take_attribute(struct tobi_policy *policy, const char *name,
				    struct policy_tdx *tdx, struct tobi_fault *fault)
{
	const struct tdx_attribute *attribute;

	if (strcmp(name, sept_ve) == 0) {
		tdx->allow_sept_ve = true;
		return TOBI_OK;
	}
	for (size_t i = 0; (attribute = tdx_attribute_at(i)); i++) {
		if (strcmp(name, attribute->name) == 0) {
			tdx->attributes |= attribute->bit;
			return TOBI_OK;
		}
	}
	return policy_wrong(policy, "tdx.attributes",
			    "what may be named is: sept-ve-disable, no-sept-ve-disable, "
			    "migratable, pks, key-locker, perfmon, lass, icssd, tpa",
			    fault);
}

static enum tobi_err take_hashes(struct tobi_policy *policy, const struct yaml_tdx *yaml,
				 struct policy_tdx *tdx, struct tobi_fault *fault)
{
	enum tobi_err err =
	    policy_hex_list(policy, "tdx.mr-seam", yaml->mr_seam, yaml->mr_seam_count,
			    TDX_HASH_SIZE, &tdx->mr_seam, fault);

	if (!err)
		err = policy_hex_list(policy, "tdx.mr-service-td", yaml->mr_service_td,
				      yaml->mr_service_td_count, TDX_HASH_SIZE,
				      &tdx->service_td, fault);
	if (!err)
		err = take_hash(policy, "tdx.mr-config-id", yaml->mr_config_id,
				&tdx->config_id, fault);
	if (!err)
		err =
		    take_hash(policy, "tdx.mr-owner", yaml->mr_owner, &tdx->owner, fault);
	return err ? err
		   : take_hash(policy, "tdx.mr-owner-config", yaml->mr_owner_config,
			       &tdx->owner_config, fault);
}

enum tobi_err policy_tdx_take(struct tobi_policy *policy, const struct yaml_policy *yaml,
			      struct tobi_fault *fault)
{
	struct policy_tdx *tdx = arena_alloc(&policy->arena, sizeof(*tdx));
	enum tobi_err err;

	if (!tdx)
		return fault_set(fault, TOBI_E_MEMORY, policy->name, "tdx",
				 "out of memory");
	tdx->attributes = TDX_SEPT_VE_DISABLE;
	policy->tdx = tdx;
	if (!yaml->tdx)
		return TOBI_OK;
	/* It would look like a check, and be none. */
	if (!policy_names_tier(policy, "tdx") &&
	    !policy_names_tier(policy, "azure-tdx") && !policy_names_tier(policy, "tpm"))
		return policy_wrong(policy, "tdx",
				    "it belongs to the tiers tdx, azure-tdx and tpm, "
				    "which are not among the tiers",
				    fault);
	if (yaml->tdx->event_log && strcmp(yaml->tdx->event_log, "required") != 0)
		return policy_wrong(
		    policy, "tdx.event-log",
		    "required is all that it may be; leave it out otherwise", fault);
	tdx->event_log = yaml->tdx->event_log != NULL;
	err = take_hashes(policy, yaml->tdx, tdx, fault);
	for (unsigned i = 0; i < yaml->tdx->rtmrs_count && !err; i++)
		err = take_rtmr(policy, &yaml->tdx->rtmrs[i], tdx, fault);
	for (unsigned i = 0; i < yaml->tdx->attributes_count && !err; i++)
		err = take_attribute(policy, yaml->tdx->attributes[i], tdx, fault);
	return err;
}

/* ---- the checks ---- */

void policy_tdx_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.tdx && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

/* Debugging has a row of its own, POLICY-DEBUG. */
static void run_attributes(struct tobi_result *result, const struct policy_tdx *asked)
{
	uint64_t has = result->claims.tdx->report.attributes;
	uint64_t others = has & ~asked->attributes & ~TDX_DEBUG;
	bool no_sept = !(has & TDX_SEPT_VE_DISABLE) && !asked->allow_sept_ve;
	const struct tdx_attribute *attribute;
	char names[NAMES_ROOM] = "";
	size_t used = 0;

	if (no_sept)
		used = (size_t)snprintf(names, sizeof(names), "%s ", sept_ve);
	for (size_t i = 0; (attribute = tdx_attribute_at(i)); i++) {
		if (!(others & attribute->bit))
			continue;
		others &= ~attribute->bit;
		no_sept = true;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s ",
					 attribute->name);
	}
	if (others)
		snprintf(names + used, sizeof(names) - used, "%" PRIx64, others);
	check_record(&result->list, &check_attributes, !others && !no_sept,
		     "those that the policy names", names);
}

static void run_hash(struct tobi_result *result, const struct check *check,
		     struct tobi_bytes expected, struct tobi_bytes found)
{
	if (expected.size)
		check_record_equal(&result->list, check, expected, found);
	else
		check_waive(&result->list, check, "the policy names none");
}

/* The first that differs is named. */
static void run_rtmrs(struct tobi_result *result, const struct policy_tdx *asked)
{
	const struct tdx_report *td = &result->claims.tdx->report;
	char expected[128] = "", found[128] = "";
	bool any = false, equal = true;

	for (unsigned i = 0; i < TDX_RTMRS && equal; i++) {
		if (!asked->rtmrs[i].size)
			continue;
		any = true;
		equal = bytes_equal(asked->rtmrs[i], td->rtmrs[i]);
		if (!equal) {
			snprintf(expected, sizeof(expected), "RTMR%u: %s", i,
				 policy_hex(result, asked->rtmrs[i]));
			snprintf(found, sizeof(found), "RTMR%u: %s", i,
				 policy_hex(result, td->rtmrs[i]));
		}
	}
	if (any)
		check_record(&result->list, &check_rtmrs, equal, expected, found);
	else
		check_waive(&result->list, &check_rtmrs, "the policy names none");
}

/* Zeros, or a report of TD 1.0, say that there is none. */
static void run_service_td(struct tobi_result *result, const struct policy_tdx *asked)
{
	static const uint8_t zeros[TDX_HASH_SIZE];
	struct tobi_bytes found = result->claims.tdx->report.mr_service_td;
	bool none =
	    !found.size || bytes_equal(found, (struct tobi_bytes){zeros, TDX_HASH_SIZE});

	check_record(&result->list, &check_service_td,
		     asked->service_td.count ? bytes_list_has(&asked->service_td, found)
					     : none,
		     asked->service_td.count ? "one in the policy" : "none",
		     none ? "none" : policy_hex(result, found));
}

bool policy_tdx_names_start(const struct tobi_policy *policy)
{
	const struct policy_tdx *tdx = policy->tdx;

	return tdx->rtmrs[1].size || tdx->rtmrs[2].size || policy->reference ||
	       policy_boot_names(policy);
}

/* Of a guest under a paravisor, or with a TPM, other registers say what it started. */
static void warn_of_start(struct tobi_result *result, const struct tobi_policy *policy)
{
	const char *tier = result->claims.tier;

	if (!tier || strcmp(tier, "tdx") != 0 || policy_tdx_names_start(policy))
		return;
	result->start_unknown = true;
	tee_warn(&result->claims,
		 "FIRMWARE ONLY: images names the guest's firmware (MRTD); whoever "
		 "launches the guest chooses the kernel that it starts, and the policy "
		 "allows that (tdx.rtmrs)");
}

void policy_tdx_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct tdx_claims *claims = result->claims.tdx;
	const struct policy_tdx *asked = policy->tdx;

	if (!claims)
		return;
	warn_of_start(result, policy);
	run_attributes(result, asked);
	if (asked->mr_seam.count)
		check_record(&result->list, &check_seam,
			     bytes_list_has(&asked->mr_seam, claims->report.mr_seam),
			     "one in the policy",
			     policy_hex(result, claims->report.mr_seam));
	else
		check_waive(&result->list, &check_seam, "the policy names none");
	run_rtmrs(result, asked);
	run_hash(result, &check_config, asked->config_id, claims->report.mr_config_id);
	run_hash(result, &check_owner, asked->owner, claims->report.mr_owner);
	run_hash(result, &check_owner_config, asked->owner_config,
		 claims->report.mr_owner_config);
	run_service_td(result, asked);
	if (asked->event_log)
		check_record(&result->list, &check_event_log, claims->event_log,
			     "an event log beside the quote",
			     claims->event_log ? "" : "none");
	else
		check_waive(&result->list, &check_event_log, "the policy does not ask");
}
