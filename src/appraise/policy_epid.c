#include "appraise/policy_epid.h"

#include <stdio.h>
#include <string.h>

#include "appraise/advisories.h"
#include "appraise/policy_section.h"
#include "base/fault.h"
#include "tee/epid_report.h"

#define POLICY "Tobichi policy, sgx-epid"

static const struct check check_status = {
    "POLICY-EPID-STATUS",
    "the platform was up to date when Intel looked, or the policy accepts what it lacked",
    POLICY ".status",
    "Name the status in the policy, if you know what it means and that it does not "
    "matter to you."};
static const struct check check_advisories = {
    "POLICY-EPID-ADVISORIES",
    "no security advisory applied to the platform but those that the policy names",
    POLICY ".advisories",
    "Read the advisories; name them in the policy, if the enclave's program is not hit "
    "by them."};
static const struct check check_nonce = {
    "POLICY-EPID-NONCE", "the service was asked with the nonce that the policy names",
    POLICY ".nonce", "Compare with the nonce that was given to the service."};

static const struct check *const rows[] = {&check_status, &check_advisories, &check_nonce,
					   NULL};

/* Those of a platform that counts for what it lacks; OK needs no naming, and of all the
 * others there is nothing to accept. */
static const char *const nameable[] = {"GROUP_OUT_OF_DATE", "CONFIGURATION_NEEDED",
				       "SW_HARDENING_NEEDED",
				       "CONFIGURATION_AND_SW_HARDENING_NEEDED"};

static bool in_list(const char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], text) == 0)
			return true;
	}
	return false;
}

static enum tobi_err take_texts(struct tobi_policy *policy, char **texts, unsigned count,
				const char ***ret_list, struct tobi_fault *fault)
{
	const char **list = arena_array(&policy->arena, count + 1u, sizeof(*list));

	if (!list)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < count; i++) {
		list[i] = arena_printf(&policy->arena, "%s", texts[i]);
		if (!list[i])
			return policy_no_memory(policy, fault);
	}
	*ret_list = list;
	return TOBI_OK;
}

enum tobi_err policy_epid_take(struct tobi_policy *policy,
			       const struct yaml_policy *whole, struct tobi_fault *fault)
{
	const struct yaml_epid *yaml = whole->epid;
	struct policy_epid *epid;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	/* It would look like a check, and be none. */
	if (!policy_names_tier(policy, "sgx-epid"))
		return fault_set(fault, TOBI_E_MALFORMED, policy->name, "sgx-epid",
				 "it belongs to the tier sgx-epid, which is not among "
				 "the tiers");
	epid = arena_alloc(&policy->arena, sizeof(*epid));
	if (!epid)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < yaml->status_count; i++) {
		if (!in_list(nameable, sizeof(nameable) / sizeof(nameable[0]),
			     yaml->status[i]))
			return fault_set(
			    fault, TOBI_E_MALFORMED, policy->name, "sgx-epid.status",
			    "what may be accepted beside OK is: GROUP_OUT_OF_DATE "
			    "CONFIGURATION_NEEDED SW_HARDENING_NEEDED "
			    "CONFIGURATION_AND_SW_HARDENING_NEEDED");
	}
	if (yaml->nonce && strlen(yaml->nonce) > EPID_NONCE_MAX)
		return fault_set(fault, TOBI_E_MALFORMED, policy->name, "sgx-epid.nonce",
				 "at most %d characters are allowed", EPID_NONCE_MAX);
	err =
	    take_texts(policy, yaml->status, yaml->status_count, &epid->statuses, fault);
	epid->status_count = yaml->status_count;
	if (!err)
		err = take_texts(policy, yaml->advisories, yaml->advisories_count,
				 &epid->advisories, fault);
	epid->advisory_count = yaml->advisories_count;
	if (!err && yaml->nonce) {
		epid->nonce = arena_printf(&policy->arena, "%s", yaml->nonce);
		err = epid->nonce ? TOBI_OK : policy_no_memory(policy, fault);
	}
	if (!err)
		policy->epid = epid;
	return err;
}

void policy_epid_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.epid && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

static void run_status(struct tobi_result *result, const struct policy_epid *asked)
{
	const char *status = result->claims.epid->status;
	bool fine = strcmp(status, "OK") == 0;
	bool named = in_list(asked->statuses, asked->status_count, status);
	const char *said;

	check_record(&result->list, &check_status, fine || named,
		     asked->status_count ? "OK, or one that the policy names" : "OK",
		     status);
	if (fine || !named)
		return;
	said = arena_printf(&result->arena,
			    "%s: Intel's service found the platform so, and the policy "
			    "allows that",
			    status);
	tee_warn(&result->claims,
		 said ? said
		      : "the platform was not up to date, and the policy allows "
			"that");
}

static void run_advisories(struct tobi_result *result, const struct policy_epid *asked)
{
	const struct epid_claims *claims = result->claims.epid;
	const struct advisory_names apply = {claims->advisories, claims->advisory_count};
	const struct advisory_names named = {asked->advisories, asked->advisory_count};

	advisories_run(result, &check_advisories, apply, named, false);
}

void policy_epid_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	static const struct policy_epid nothing;
	const struct policy_epid *asked = policy->epid ? policy->epid : &nothing;
	const struct epid_claims *claims = result->claims.epid;

	if (!claims)
		return;
	run_status(result, asked);
	run_advisories(result, asked);
	if (asked->nonce)
		check_record(&result->list, &check_nonce,
			     strcmp(asked->nonce, claims->nonce) == 0, asked->nonce,
			     claims->nonce[0] ? claims->nonce : "none");
	else
		check_waive(&result->list, &check_nonce, "the policy names none");
}
