#include "appraise/policy_eat.h"

#include <string.h>

#include "appraise/policy_section.h"
#include "base/fault.h"
#include "base/secret.h"
#include "token/eat.h"

#define POLICY "Tobichi policy, eat."

static const struct check check_profile = {
    "POLICY-EAT-PROFILE",
    "the token is of a profile that the policy names, or of the standard one",
    POLICY "profiles; RFC 9711 section 6.2",
    "Read that profile: what a claim means is there. Then name it in the policy."};
static const struct check check_issuer = {
    "POLICY-EAT-ISSUER", "the token calls its issuer as the policy does",
    POLICY "issuers; RFC 8392 section 3.1.1",
    "Ask the issuer that the policy names, or name this one after review."};
static const struct check check_software = {
    "POLICY-EAT-SOFTWARE", "the attester runs software that the policy names",
    POLICY "sw-names; RFC 9711 section 4.2.6",
    "Something else runs than was reviewed; name it after review."};
static const struct check check_model = {
    "POLICY-EAT-MODEL", "the hardware is of a maker and a model that the policy names",
    POLICY "hw-models; " POLICY "oem-ids; RFC 9711 section 4.2.3",
    "Use hardware that the policy names, or name this model after review."};
static const struct check check_submods = {
    "POLICY-EAT-SUBMODS", "each submodule that the policy names is there, and proven",
    POLICY "submods; RFC 9711 section 4.2.18",
    "Have the attester report on all of its parts."};

const struct check *const policy_eat_rows[] = {
    &check_profile, &check_issuer, &check_software, &check_model, &check_submods, NULL,
};

enum tobi_err policy_eat_take(struct tobi_policy *policy, const struct yaml_policy *all,
			      struct tobi_fault *fault)
{
	struct policy_eat *eat = arena_alloc(&policy->arena, sizeof(*eat));
	const struct yaml_eat *yaml = all->eat;
	enum tobi_err err = TOBI_OK;

	if (!eat)
		return policy_no_memory(policy, fault);
	policy->eat = eat;
	if (!yaml)
		return TOBI_OK;
	if (!policy_names_tier(policy, "eat"))
		return policy_wrong(
		    policy, "eat", "it belongs to the tier eat, which is not among tiers",
		    fault);
	{
		const struct {
			char **texts;
			unsigned count;
			struct bytes_list *list;
		} lists[] = {
		    {yaml->profiles, yaml->profiles_count, &eat->profiles},
		    {yaml->issuers, yaml->issuers_count, &eat->issuers},
		    {yaml->sw_names, yaml->sw_names_count, &eat->sw_names},
		    {yaml->hw_models, yaml->hw_models_count, &eat->hw_models},
		    {yaml->oem_ids, yaml->oem_ids_count, &eat->oem_ids},
		    {yaml->submods, yaml->submods_count, &eat->submods},
		    {yaml->unproven, yaml->unproven_count, &eat->unproven},
		};

		for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && !err; i++)
			err = policy_text_list(policy, lists[i].texts, lists[i].count,
					       lists[i].list, fault);
	}
	return err;
}

bool policy_eat_names(const struct tobi_policy *policy)
{
	return policy->eat->sw_names.count || policy->eat->hw_models.count;
}

void policy_eat_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.eat && policy_eat_rows[i]; i++)
		check_owe(&result->list, policy_eat_rows[i]);
}

/* Whether the list asks, and has it. */
static bool is_missing(const struct bytes_list *allowed, const char *found)
{
	return allowed->count &&
	       !(found && bytes_list_has(allowed, bytes_of_text(found)));
}

static void run_profile(struct tobi_result *result, const struct policy_eat *policy)
{
	const char *found = result->claims.eat->profile;

	if (policy->profiles.count)
		policy_run_text(result, &check_profile, &policy->profiles, found);
	else
		check_record(&result->list, &check_profile,
			     found && strcmp(found, EAT_PROFILE_CONSTRAINED) == 0,
			     EAT_PROFILE_CONSTRAINED, found ? found : "none");
}

static void run_model(struct tobi_result *result, const struct policy_eat *policy)
{
	const struct eat *eat = result->claims.eat;

	if (!policy->hw_models.count && !policy->oem_ids.count)
		check_not_asked(&result->list, &check_model, "the policy names none");
	else
		check_record(&result->list, &check_model,
			     !is_missing(&policy->hw_models, eat->hwmodel) &&
				 !is_missing(&policy->oem_ids, eat->oemid),
			     "a maker and a model in the policy",
			     arena_printf(&result->arena, "maker %s, model %s",
					  eat->oemid ? eat->oemid : "not said",
					  eat->hwmodel ? eat->hwmodel : "not said"));
}

static bool is_proven(const struct eat *eat, struct tobi_bytes path)
{
	for (size_t i = 0; i < eat->submod_count; i++) {
		if (bytes_equal_text(path, eat->submods[i].path))
			return eat->submods[i].proven;
	}
	return false;
}

static void run_submods(struct tobi_result *result, const struct policy_eat *policy)
{
	if (policy->submods.count == 0) {
		check_not_asked(&result->list, &check_submods, "the policy names none");
		return;
	}
	for (size_t i = 0; i < policy->submods.count; i++) {
		if (is_proven(result->claims.eat, policy->submods.items[i]))
			continue;
		check_record(&result->list, &check_submods, false,
			     arena_text(&result->arena, policy->submods.items[i]),
			     "it is not there, or not proven");
		return;
	}
	check_record(&result->list, &check_submods, true, "", "");
}

void policy_eat_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct eat *eat = result->claims.eat;

	if (!eat)
		return;
	run_profile(result, policy->eat);
	policy_run_text(result, &check_issuer, &policy->eat->issuers, eat->issuer);
	policy_run_text(result, &check_software, &policy->eat->sw_names, eat->swname);
	run_model(result, policy->eat);
	run_submods(result, policy->eat);
}
