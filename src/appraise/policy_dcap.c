#include "appraise/policy_dcap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appraise/advisories.h"
#include "appraise/policy_section.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/dcap_tcb.h"

#define POLICY "Tobichi policy, sgx and tdx: "

static const struct check check_status = {
    "POLICY-DCAP-TCB-STATUS",
    "Intel calls the platform's firmware by a status that the policy accepts",
    POLICY "tcb-status",
    "Update the platform; or name the status, if you have read what it leaves open."};
static const struct check check_advisories = {
    "POLICY-DCAP-ADVISORIES",
    "no security advisory applies to the platform but those that the policy names",
    POLICY "advisories",
    "Read the advisories; name them in the policy, if what runs inside is not hit by "
    "them."};
static const struct check check_evaluation = {
    "POLICY-DCAP-EVALUATION", "Intel's judgement is not older than the policy allows",
    POLICY "min-tcb-evaluation", "Give newer collateral (`tobichi collateral fetch`)."};
static const struct check check_fmspc = {
    "POLICY-DCAP-FMSPC", "the platform's model is one that the policy accepts",
    POLICY "fmspc, fmspc-refused", "Run it on another model; or change the policy."};
static const struct check check_platform = {
    "POLICY-DCAP-PLATFORM", "the platform is one of those that the policy names",
    POLICY "platforms",
    "Run it on a platform of yours; or name its PPID, if this one is."};

static const struct check *const rows[] = {
    &check_status, &check_advisories, &check_evaluation,
    &check_fmspc,  &check_platform,   NULL,
};

enum { TEXT_ROOM = 512, EVALUATION_DIGITS = 9 };

/* ---- the rules ---- */

static enum tobi_err take_statuses(struct tobi_policy *policy,
				   const struct yaml_dcap *yaml, struct policy_dcap *out,
				   struct tobi_fault *fault)
{
	for (unsigned i = 0; i < yaml->tcb_status_count; i++) {
		enum dcap_status status;

		if (!dcap_status_find(yaml->tcb_status[i], &status))
			return policy_wrong(
			    policy, "tcb-status",
			    "it is none of Intel's: UpToDate, "
			    "SWHardeningNeeded, ConfigurationNeeded, "
			    "ConfigurationAndSWHardeningNeeded, OutOfDate, "
			    "OutOfDateConfigurationNeeded, TDRelaunchAdvised, "
			    "TDRelaunchAdvisedConfigurationNeeded",
			    fault);
		if (status == DCAP_REVOKED)
			return policy_wrong(policy, "tcb-status",
					    "Revoked is never accepted", fault);
		out->statuses |= UINT32_C(1) << status;
	}
	return TOBI_OK;
}

static enum tobi_err take_advisories(struct tobi_policy *policy,
				     const struct yaml_dcap *yaml,
				     struct policy_dcap *out, struct tobi_fault *fault)
{
	unsigned count = yaml->advisories_count;

	out->any_advisory = count == 1 && strcmp(yaml->advisories[0], "any") == 0;
	if (count == 0 || out->any_advisory)
		return TOBI_OK;
	out->advisories = arena_array(&policy->arena, count, sizeof(*out->advisories));
	if (!out->advisories)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < count; i++) {
		if (strncmp(yaml->advisories[i], "INTEL-", 6) != 0)
			return policy_wrong(
			    policy, "advisories",
			    "an advisory like INTEL-SA-00615 is needed, or "
			    "\"any\" alone",
			    fault);
		out->advisories[i] =
		    arena_printf(&policy->arena, "%s", yaml->advisories[i]);
		if (!out->advisories[i])
			return policy_no_memory(policy, fault);
	}
	out->advisory_count = count;
	return TOBI_OK;
}

static enum tobi_err take_evaluation(struct tobi_policy *policy, const char *text,
				     struct policy_dcap *out, struct tobi_fault *fault)
{
	size_t size = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return TOBI_OK;
	if (size == 0 || text[size] || size > EVALUATION_DIGITS ||
	    (text[0] == '0' && size > 1))
		return policy_wrong(
		    policy, "min-tcb-evaluation",
		    "a number in decimal digits is needed, without a leading "
		    "zero",
		    fault);
	for (size_t i = 0; i < size; i++)
		out->min_evaluation =
		    10 * out->min_evaluation + (uint64_t)(text[i] - '0');
	return TOBI_OK;
}

static enum tobi_err take_section(struct tobi_policy *policy,
				  const struct yaml_dcap *yaml, struct policy_dcap *out,
				  struct tobi_fault *fault)
{
	enum tobi_err err = take_statuses(policy, yaml, out, fault);

	if (!err)
		err = take_advisories(policy, yaml, out, fault);
	if (!err)
		err = take_evaluation(policy, yaml->min_tcb_evaluation, out, fault);
	if (!err)
		err = policy_hex_list(policy, "fmspc", yaml->fmspc, yaml->fmspc_count,
				      DCAP_FMSPC_SIZE, &out->fmspc, fault);
	if (!err)
		err = policy_hex_list(policy, "fmspc-refused", yaml->fmspc_refused,
				      yaml->fmspc_refused_count, DCAP_FMSPC_SIZE,
				      &out->fmspc_refused, fault);
	return err ? err
		   : policy_hex_list(policy, "platforms", yaml->platforms,
				     yaml->platforms_count, DCAP_PPID_SIZE,
				     &out->platforms, fault);
}

enum tobi_err policy_dcap_take(struct tobi_policy *policy, const struct yaml_policy *yaml,
			       struct tobi_fault *fault)
{
	static const struct yaml_dcap nothing;
	struct policy_dcap *both = arena_array(&policy->arena, 2, sizeof(*both));
	enum tobi_err err;

	if (!both)
		return policy_no_memory(policy, fault);
	both[0].statuses = both[1].statuses = UINT32_C(1) << DCAP_UP_TO_DATE;
	policy->dcap_sgx = &both[0];
	policy->dcap_tdx = &both[1];
	err = take_section(policy, yaml->sgx ? &yaml->sgx->dcap : &nothing, &both[0],
			   fault);
	return err ? err
		   : take_section(policy, yaml->tdx ? &yaml->tdx->dcap : &nothing,
				  &both[1], fault);
}

/* ---- the checks ---- */

void policy_dcap_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.dcap && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

/* Said even where there is no memory for the name. */
static void warn_of_status(struct tobi_result *result, enum dcap_status status)
{
	const char *text = arena_printf(&result->arena,
					"TCB %s: so Intel calls this platform, and the "
					"policy allows that",
					dcap_status_name(status));

	tee_warn(&result->claims,
		 text ? text : "TCB: it is not UpToDate, and the policy allows that");
}

static void run_status(struct tobi_result *result, const struct policy_dcap *asked,
		       const struct dcap_tcb *tcb)
{
	bool accepted = asked->statuses & UINT32_C(1) << tcb->status;
	struct writer names = wr_init(TEXT_ROOM);

	for (unsigned i = 0; i < DCAP_STATUSES; i++) {
		if (asked->statuses & UINT32_C(1) << i)
			wr_printf(&names, "%s%s", i ? " or " : "",
				  dcap_status_name((enum dcap_status)i));
	}
	wr_u8(&names, 0);
	check_record(&result->list, &check_status, accepted,
		     wr_err(&names) ? "" : (char *)names.ptr,
		     dcap_status_name(tcb->status));
	wr_done(&names);
	if (accepted && tcb->status != DCAP_UP_TO_DATE)
		warn_of_status(result, tcb->status);
}

static void run_advisories(struct tobi_result *result, const struct policy_dcap *asked,
			   const struct dcap_tcb *tcb)
{
	const struct advisory_names apply = {tcb->advisories, tcb->advisory_count};
	const struct advisory_names named = {asked->advisories, asked->advisory_count};

	advisories_run(result, &check_advisories, apply, named, asked->any_advisory);
}

static void run_evaluation(struct tobi_result *result, const struct policy_dcap *asked,
			   const struct dcap_tcb *tcb)
{
	char expected[48], found[16];

	snprintf(expected, sizeof(expected), "at least %" PRIu64, asked->min_evaluation);
	snprintf(found, sizeof(found), "%u", tcb->evaluation);
	check_record(&result->list, &check_evaluation,
		     tcb->evaluation >= asked->min_evaluation, expected, found);
}

static void run_platform(struct tobi_result *result, const struct policy_dcap *asked,
			 const struct dcap_claims *dcap)
{
	const struct tobi_bytes fmspc = {dcap->pck.fmspc, DCAP_FMSPC_SIZE};
	const struct tobi_bytes ppid = {dcap->pck.ppid, DCAP_PPID_SIZE};
	bool refused = bytes_list_has(&asked->fmspc_refused, fmspc);
	char text[2 * DCAP_PPID_SIZE + 1];

	hex_write(fmspc, text, sizeof(text));
	if (dcap->has_pck && (asked->fmspc.count || asked->fmspc_refused.count))
		check_record(&result->list, &check_fmspc,
			     !refused && (!asked->fmspc.count ||
					  bytes_list_has(&asked->fmspc, fmspc)),
			     refused ? "none that is refused" : "one in the policy",
			     text);
	hex_write(ppid, text, sizeof(text));
	if (dcap->has_pck && asked->platforms.count)
		check_record(&result->list, &check_platform,
			     bytes_list_has(&asked->platforms, ppid), "one in the policy",
			     text);
	if (!asked->fmspc.count && !asked->fmspc_refused.count)
		check_waive(&result->list, &check_fmspc, "the policy names none");
	if (!asked->platforms.count)
		check_waive(&result->list, &check_platform, "the policy names none");
}

void policy_dcap_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct dcap_claims *dcap = result->claims.dcap;
	const struct policy_dcap *asked;

	if (!dcap)
		return;
	asked = result->claims.tdx ? policy->dcap_tdx : policy->dcap_sgx;
	/* Of what could not be worked out nothing can be accepted: no record. */
	if (dcap->tcb && dcap->tcb->found) {
		run_status(result, asked, dcap->tcb);
		run_advisories(result, asked, dcap->tcb);
		run_evaluation(result, asked, dcap->tcb);
	}
	run_platform(result, asked, dcap);
}
