#include "appraise/policy_psa.h"

#include <inttypes.h>
#include <string.h>

#include "appraise/policy_section.h"
#include "base/secret.h"
#include "tee/arm_facts.h"
#include "tee/psa_token.h"

#define POLICY "Tobichi policy, psa."

static const struct check check_profile = {
    "POLICY-PSA-PROFILE", "the token is of a profile that the policy takes",
    POLICY "profiles; RFC 9783 section 5",
    "Update the device's firmware; or name the profile after you have read what it "
    "means."};
static const struct check check_lifecycle = {
    "POLICY-PSA-LIFECYCLE", "the device is in a state in which its keys are protected",
    POLICY "lifecycle; RFC 9783 section 4.3.1",
    "Use a device that is locked for the field; others give away what they protect."};
static const struct check check_implementation = {
    "POLICY-PSA-IMPLEMENTATION", "the device is of a model that the policy names",
    POLICY "implementation-ids", "Check which device was asked."};
static const struct check check_instance = {
    "POLICY-PSA-INSTANCE", "the device is one that the policy names",
    POLICY "instance-ids", "Check which device was asked; name it if it is yours."};
static const struct check check_components = {
    "POLICY-PSA-COMPONENTS",
    "the device runs the firmware that the policy names, and nothing else of it",
    POLICY "components; " POLICY "no-measurements",
    "Update the device, or name the new measurements after review."};
static const struct check check_client = {
    "POLICY-PSA-CLIENT", "who asked for the token on the device is one that is named",
    POLICY "client-ids; RFC 9783 section 4.1.2",
    "Ask from the partition that was agreed: a negative number is outside the secure "
    "world."};
static const struct check check_certification = {
    "POLICY-PSA-CERTIFICATION", "the device has a PSA certificate that the policy names",
    POLICY "certification-references",
    "Compare with psacertified.org; the device says this of itself."};

static const struct check *const rows[] = {
    &check_profile,    &check_lifecycle, &check_implementation, &check_instance,
    &check_components, &check_client,	 &check_certification,	NULL,
};

static enum tobi_err take_clients(struct tobi_policy *policy, const struct yaml_psa *yaml,
				  struct policy_psa *psa, struct tobi_fault *fault)
{
	if (yaml->clients_count == 0)
		return TOBI_OK;
	psa->clients =
	    arena_array(&policy->arena, yaml->clients_count, sizeof(*psa->clients));
	if (!psa->clients)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < yaml->clients_count; i++) {
		const char *text = yaml->clients[i];
		bool negative = *text == '-';
		const char *digits = text + negative;
		size_t size = strspn(digits, "0123456789");
		int64_t number = 0;

		for (size_t j = 0; j < size && size <= 10; j++)
			number = 10 * number + (digits[j] - '0');
		if (size == 0 || size > 10 || digits[size] || digits[0] == '0' ||
		    number > (int64_t)INT32_MAX + negative)
			return policy_wrong(policy, "psa.client-ids",
					    "a number of 32 bits is needed, not 0, in "
					    "decimal digits",
					    fault);
		psa->clients[i] = negative ? -number : number;
	}
	psa->client_count = yaml->clients_count;
	return TOBI_OK;
}

enum tobi_err policy_psa_take(struct tobi_policy *policy, const struct yaml_policy *whole,
			      struct tobi_fault *fault)
{
	const struct yaml_psa *yaml = whole->psa;
	struct policy_psa *psa;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	psa = arena_alloc(&policy->arena, sizeof(*psa));
	if (!psa)
		return policy_no_memory(policy, fault);
	if (yaml->no_measurements && strcmp(yaml->no_measurements, "allowed") != 0)
		return policy_wrong(policy, "psa.no-measurements",
				    "its one value is: allowed", fault);
	psa->no_measurements = yaml->no_measurements != NULL;
	err = policy_arm_take(policy, "psa", &yaml->arm, &psa->arm, fault);
	if (!err)
		err = policy_text_list(policy, yaml->profiles, yaml->profiles_count,
				       &psa->profiles, fault);
	if (!err)
		err = policy_text_list(policy, yaml->certifications,
				       yaml->certifications_count, &psa->certifications,
				       fault);
	if (!err)
		err = take_clients(policy, yaml, psa, fault);
	if (!err)
		policy->psa = psa;
	return err;
}

void policy_psa_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.psa && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

/* The oldest may leave it out; its labels say what it is. */
static bool is_known(const struct arm_claims *claims)
{
	struct tobi_bytes profile = claims->values[ARM_PROFILE];

	return !claims->has[ARM_PROFILE] || bytes_equal_text(profile, PSA_PROFILE_TFM) ||
	       bytes_equal_text(profile, PSA_PROFILE_2) ||
	       bytes_equal_text(profile, PSA_PROFILE_1);
}

static void run_profile(struct tobi_result *result, const struct policy_psa *asked)
{
	const struct arm_claims *claims = result->claims.psa;
	struct tobi_bytes profile = claims->values[ARM_PROFILE];
	bool taken = asked->profiles.count ? bytes_list_has(&asked->profiles, profile)
					   : is_known(claims);

	check_record(&result->list, &check_profile, taken,
		     asked->profiles.count ? "one of those in the policy"
					   : "a profile that is known here",
		     claims->has[ARM_PROFILE]
			 ? tee_text(&result->arena, profile, TEE_TEXT_MAX)
			 : "none");
}

static void run_client(struct tobi_result *result, const struct policy_psa *asked)
{
	int64_t client = result->claims.psa->numbers[ARM_CLIENT];
	bool named = false;

	if (!asked->client_count) {
		check_not_asked(&result->list, &check_client, "the policy names none");
		return;
	}
	for (size_t i = 0; i < asked->client_count; i++)
		named |= asked->clients[i] == client;
	check_record(&result->list, &check_client, named, "one of those in the policy",
		     arena_printf(&result->arena, "%" PRId64, client));
}

/* What was not measured is nobody's: taken only where the policy says so aloud. */
static void run_measured(struct tobi_result *result, const struct policy_psa *asked)
{
	const struct arm_claims *claims = result->claims.psa;

	if (claims->has[ARM_NO_COMPONENTS])
		check_record(&result->list, &check_components, asked->no_measurements,
			     "measured components", "nothing was measured, it says");
}

void policy_psa_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	static const struct policy_psa nothing = {.arm = POLICY_ARM_DEFAULT};
	static const struct policy_arm_rows arm = {
	    &check_lifecycle, &check_implementation, &check_instance, &check_components};
	const struct policy_psa *asked = policy->psa ? policy->psa : &nothing;
	const struct arm_claims *claims = result->claims.psa;

	if (!claims)
		return;
	run_profile(result, asked);
	run_measured(result, asked);
	policy_arm_run(result, &asked->arm, &arm, claims);
	run_client(result, asked);
	policy_run_list(
	    result, &check_certification, &asked->certifications,
	    claims->values[ARM_CERTIFICATION],
	    tee_text(&result->arena, claims->values[ARM_CERTIFICATION], TEE_TEXT_MAX));
}

bool policy_psa_names(const struct tobi_policy *policy)
{
	return policy->psa &&
	       (policy->psa->arm.component_count || policy->psa->no_measurements);
}
