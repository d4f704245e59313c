#include "appraise/policy_ear.h"

#include <string.h>

#include "appraise/policy_section.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

#define POLICY "Tobichi policy, ear."

static const struct check check_profile = {
    "POLICY-EAR-PROFILE", "the result is of a profile that the policy names",
    POLICY "profiles",
    "Have the verifier write that profile, or name the one it writes."};
static const struct check check_verifier = {
    "POLICY-EAR-VERIFIER", "the result calls its verifier as the policy does",
    POLICY "verifiers; draft-ietf-rats-ear, section 3.1",
    "Ask a verifier that the policy names, or name this one if you trust it."};
static const struct check check_submods = {
    "POLICY-EAR-SUBMODS", "the result appraises every attester that the policy names",
    POLICY "submods", "Have all of them appraised, the CPU as well as its devices."};
static const struct check check_status = {
    "POLICY-EAR-STATUS", "no attester in the result has a status below the policy's",
    POLICY "min-status",
    "Repair what the verifier complains of: its claims say where; then ask again."};
static const struct check check_claims = {
    "POLICY-EAR-CLAIMS", "each claim that the policy asks for is there, and good enough",
    POLICY "claims; draft-ietf-rats-ar4si, section 2.3",
    "Repair what the verifier complains of, or have it look at what it left out."};
static const struct check check_policies = {
    "POLICY-EAR-POLICIES", "the verifier judged by a policy of its own that you name",
    POLICY "policies",
    "Have the verifier use the policy that was agreed; name another after review."};
static const struct check check_binding = {
    "POLICY-EAR-BINDING",
    "the result says whose it is, so that nobody else can show it as his",
    POLICY "keys; " POLICY "binding; draft-ietf-rats-ear, section 7",
    "Have the verifier name the attester's key (cnf, key attestation). A result without "
    "one counts for whoever shows it."};

const struct check *const policy_ear_rows[] = {
    &check_profile, &check_verifier, &check_submods, &check_status,
    &check_claims,  &check_policies, &check_binding, NULL,
};

/* "none" would ask for nothing, and look like a check. */
static enum tobi_err take_tier(struct tobi_policy *policy, const char *field,
			       const char *text, enum ear_tier *ret_tier,
			       struct tobi_fault *fault)
{
	if (!ear_tier_read(text, ret_tier) ||
	    (*ret_tier != EAR_AFFIRMING && *ret_tier != EAR_WARNING))
		return policy_wrong(policy, field, "it is one of: affirming warning",
				    fault);
	return TOBI_OK;
}

static enum tobi_err take_claim(struct tobi_policy *policy,
				const struct yaml_ear_claim *yaml, struct policy_ear *ear,
				struct tobi_fault *fault)
{
	size_t claim = 0;

	while (claim < AR4SI_CLAIMS && strcmp(ar4si_name(claim), yaml->claim) != 0)
		claim++;
	if (claim == AR4SI_CLAIMS)
		return policy_wrong(
		    policy, "ear.claims.claim",
		    "it is one of: instance-identity configuration executables "
		    "file-system hardware runtime-opaque storage-opaque sourced-data",
		    fault);
	if (ear->asks[claim])
		return policy_wrong(policy, "ear.claims.claim", "a claim is there twice",
				    fault);
	ear->asks[claim] = true;
	return take_tier(policy, "ear.claims.min", yaml->min, &ear->claims[claim], fault);
}

static enum tobi_err take_binding(struct tobi_policy *policy, const char *text,
				  struct policy_ear *ear, struct tobi_fault *fault)
{
	if (!text || strcmp(text, "key") == 0)
		return TOBI_OK;
	if (strcmp(text, "bearer") != 0)
		return policy_wrong(policy, "ear.binding", "it is one of: key bearer",
				    fault);
	if (ear->keys.count)
		return policy_wrong(policy, "ear.binding",
				    "with keys that are named, no bearer counts", fault);
	ear->bearer = true;
	return TOBI_OK;
}

enum tobi_err policy_ear_take(struct tobi_policy *policy, const struct yaml_policy *all,
			      struct tobi_fault *fault)
{
	struct policy_ear *ear = arena_alloc(&policy->arena, sizeof(*ear));
	const struct yaml_ear *yaml = all->ear;
	enum tobi_err err;

	if (!ear)
		return policy_no_memory(policy, fault);
	ear->min_status = EAR_AFFIRMING;
	policy->ear = ear;
	if (!yaml)
		return TOBI_OK;
	if (!policy_names_tier(policy, "ear"))
		return policy_wrong(
		    policy, "ear", "it belongs to the tier ear, which is not among tiers",
		    fault);
	err = policy_text_list(policy, yaml->profiles, yaml->profiles_count,
			       &ear->profiles, fault);
	if (!err)
		err = policy_text_list(policy, yaml->verifiers, yaml->verifiers_count,
				       &ear->verifiers, fault);
	if (!err)
		err = policy_text_list(policy, yaml->submods, yaml->submods_count,
				       &ear->submods, fault);
	if (!err)
		err = policy_text_list(policy, yaml->policies, yaml->policies_count,
				       &ear->policies, fault);
	if (!err)
		err = policy_hex_list(policy, "ear.keys", yaml->keys, yaml->keys_count,
				      SHA256_SIZE, &ear->keys, fault);
	if (!err && yaml->min_status)
		err = take_tier(policy, "ear.min-status", yaml->min_status,
				&ear->min_status, fault);
	for (unsigned i = 0; i < yaml->claims_count && !err; i++)
		err = take_claim(policy, &yaml->claims[i], ear, fault);
	return err ? err : take_binding(policy, yaml->binding, ear, fault);
}

bool policy_ear_names(const struct tobi_policy *policy)
{
	return policy->ear->policies.count > 0;
}

void policy_ear_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.ear && policy_ear_rows[i]; i++)
		check_owe(&result->list, policy_ear_rows[i]);
}

static const struct ear_appraisal *find(const struct ear *ear, struct tobi_bytes name)
{
	for (size_t i = 0; i < ear->appraisal_count; i++) {
		if (bytes_equal_text(name, ear->appraisals[i].name))
			return &ear->appraisals[i];
	}
	return NULL;
}

static void run_submods(struct tobi_result *result, const struct policy_ear *policy)
{
	const struct ear *ear = result->claims.ear;

	if (policy->submods.count == 0) {
		check_not_asked(&result->list, &check_submods, "the policy names none");
		return;
	}
	for (size_t i = 0; i < policy->submods.count; i++) {
		if (!find(ear, policy->submods.items[i])) {
			check_record(&result->list, &check_submods, false,
				     arena_text(&result->arena, policy->submods.items[i]),
				     "the result does not speak of it");
			return;
		}
	}
	check_record(&result->list, &check_submods, true, "", "");
}

/* "None" is no status to rely on. The worst is named. */
static void run_status(struct tobi_result *result, const struct policy_ear *policy)
{
	const struct ear *ear = result->claims.ear;
	const char *expected =
	    policy->min_status == EAR_AFFIRMING ? "affirming" : "affirming or warning";

	for (size_t i = 0; i < ear->appraisal_count; i++) {
		const struct ear_appraisal *appraisal = &ear->appraisals[i];

		if (appraisal->status != EAR_NONE &&
		    appraisal->status <= policy->min_status)
			continue;
		check_record(&result->list, &check_status, false, expected,
			     arena_printf(&result->arena, "%s: %s", appraisal->name,
					  ear_tier_name(appraisal->status)));
		return;
	}
	check_record(&result->list, &check_status, true, expected, "");
	for (size_t i = 0; i < ear->appraisal_count; i++) {
		if (ear->appraisals[i].status == EAR_WARNING) {
			tee_warn(&result->claims,
				 "WARNING: the verifier warns of this attester, and the "
				 "policy allows that (ear.min-status)");
			return;
		}
	}
}

static void run_claims(struct tobi_result *result, const struct policy_ear *policy)
{
	const struct ear *ear = result->claims.ear;
	bool asked = false;

	for (size_t claim = 0; claim < AR4SI_CLAIMS; claim++) {
		if (!policy->asks[claim])
			continue;
		asked = true;
		for (size_t i = 0; i < ear->appraisal_count; i++) {
			const struct ear_appraisal *appraisal = &ear->appraisals[i];
			bool has = appraisal->vector.has[claim];
			enum ear_tier tier =
			    has ? ear_tier_of(appraisal->vector.values[claim]) : EAR_NONE;

			if (tier != EAR_NONE && tier <= policy->claims[claim])
				continue;
			check_record(
			    &result->list, &check_claims, false,
			    arena_printf(&result->arena, "%s: %s", ar4si_name(claim),
					 ear_tier_name(policy->claims[claim])),
			    arena_printf(&result->arena, "%s: %s", appraisal->name,
					 has ? ear_tier_name(tier) : "no such claim"));
			return;
		}
	}
	if (asked)
		check_record(&result->list, &check_claims, true, "", "");
	else
		check_not_asked(&result->list, &check_claims, "the policy names none");
}

static bool has_policy(const struct ear_appraisal *appraisal,
		       const struct bytes_list *allowed)
{
	for (size_t i = 0; i < appraisal->policy_count; i++) {
		if (bytes_list_has(allowed, bytes_of_text(appraisal->policies[i])))
			return true;
	}
	return false;
}

static void run_policies(struct tobi_result *result, const struct policy_ear *policy)
{
	const struct ear *ear = result->claims.ear;

	if (policy->policies.count == 0) {
		check_not_asked(&result->list, &check_policies, "the policy names none");
		return;
	}
	for (size_t i = 0; i < ear->appraisal_count; i++) {
		const struct ear_appraisal *appraisal = &ear->appraisals[i];

		if (has_policy(appraisal, &policy->policies))
			continue;
		check_record(&result->list, &check_policies, false,
			     policy->policies.count == 1
				 ? arena_text(&result->arena, policy->policies.items[0])
				 : "one of those in the policy",
			     arena_printf(&result->arena, "%s: %s", appraisal->name,
					  appraisal->policy_count ? appraisal->policies[0]
								  : "no policy"));
		return;
	}
	check_record(&result->list, &check_policies, true, "", "");
}

static bool is_shown(const struct ear *ear, struct tobi_bytes key)
{
	for (size_t i = 0; i < ear->shown_count; i++) {
		if (bytes_equal(key, (struct tobi_bytes){ear->shown[i], SHA256_SIZE}))
			return true;
	}
	return ear->shown_count == 0;
}

/* Where the policy names keys and the caller gives one, it is both. */
static bool is_bound_to(const struct ear *ear, const struct policy_ear *policy)
{
	for (size_t i = 0; i < ear->key_count; i++) {
		struct tobi_bytes key = {ear->keys[i].spki, SHA256_SIZE};

		if ((!policy->keys.count || bytes_list_has(&policy->keys, key)) &&
		    is_shown(ear, key))
			return true;
	}
	return false;
}

static void run_binding(struct tobi_result *result, const struct policy_ear *policy)
{
	const struct ear *ear = result->claims.ear;
	bool asked = policy->keys.count || ear->shown_count;
	const char *key;

	if (policy->bearer) {
		check_not_asked(&result->list, &check_binding,
				"the policy takes whoever shows it (bearer)");
		tee_warn(&result->claims,
			 "BEARER: this result counts for whoever shows it, a thief as "
			 "well, and the policy allows that (ear.binding)");
		return;
	}
	if (ear->key_count == 0) {
		check_record(&result->list, &check_binding, false,
			     "a key of the attester", "the result names none");
		return;
	}
	key = arena_printf(
	    &result->arena, "%s %s%s", ear->keys[0].where,
	    policy_hex(result, (struct tobi_bytes){ear->keys[0].spki, SHA256_SIZE}),
	    asked ? ""
		  : "; that whoever shows the result holds that key is yours to check");
	check_record(&result->list, &check_binding, !asked || is_bound_to(ear, policy),
		     asked ? "a key that you named or gave" : "a key of the attester",
		     key);
}

void policy_ear_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct ear *ear = result->claims.ear;

	if (!ear)
		return;
	policy_run_text(result, &check_profile, &policy->ear->profiles, ear->profile);
	policy_run_text(result, &check_verifier, &policy->ear->verifiers, ear->developer);
	run_submods(result, policy->ear);
	run_status(result, policy->ear);
	run_claims(result, policy->ear);
	run_policies(result, policy->ear);
	run_binding(result, policy->ear);
}
