#include "appraise/policy_section.h"

#include <stdio.h>
#include <string.h>

#include "appraise/policy_cca.h"
#include "appraise/policy_boot.h"
#include "appraise/policy_azure.h"
#include "appraise/policy_dcap.h"
#include "appraise/policy_ear.h"
#include "appraise/policy_eat.h"
#include "appraise/policy_epid.h"
#include "appraise/policy_gpu.h"
#include "appraise/policy_guest.h"
#include "appraise/policy_nitro.h"
#include "appraise/policy_psa.h"
#include "appraise/policy_sev.h"
#include "appraise/policy_sgx.h"
#include "appraise/policy_snp.h"
#include "appraise/policy_tdx.h"
#include "appraise/policy_tpm.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

/* It is asked in appraise.c, for it is about other evidence than the rest. */
static void guest_no_rows(struct tobi_result *result)
{
	(void)result;
}
static void guest_no_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	(void)result, (void)policy;
}

const struct policy_section policy_sections[] = {
    /* First: the others ask which tiers are named. */
    {policy_guest_take, guest_no_rows, guest_no_run},
    {policy_epid_take, policy_epid_owe, policy_epid_run},
    {policy_dcap_take, policy_dcap_owe, policy_dcap_run},
    {policy_sgx_take, policy_sgx_owe, policy_sgx_run},
    {policy_tdx_take, policy_tdx_owe, policy_tdx_run},
    {policy_nitro_take, policy_nitro_owe, policy_nitro_run},
    {policy_snp_take, policy_snp_owe, policy_snp_run},
    {policy_sev_take, policy_sev_owe, policy_sev_run, "sev", policy_sev_names},
    {policy_tpm_take, policy_tpm_owe, policy_tpm_run, "tpm", policy_tpm_names},
    {policy_cca_take, policy_cca_owe, policy_cca_run},
    {policy_psa_take, policy_psa_owe, policy_psa_run, "psa", policy_psa_names},
    {policy_boot_take, policy_boot_owe, policy_boot_run, "tpm", policy_boot_names},
    {policy_ear_take, policy_ear_owe, policy_ear_run, "ear", policy_ear_names},
    {policy_eat_take, policy_eat_owe, policy_eat_run, "eat", policy_eat_names},
    {policy_azure_take, policy_azure_owe, policy_azure_run},
    {policy_gpu_take, policy_gpu_owe, policy_gpu_run, "nvidia-gpu", policy_gpu_names},
    {0},
};

bool policy_names_tier(const struct tobi_policy *policy, const char *tier)
{
	for (size_t i = 0; i < policy->tier_count; i++) {
		if (strcmp(policy->tiers[i], tier) == 0)
			return true;
	}
	for (size_t i = 0; policy->guest && i < policy->guest->tier_count; i++) {
		if (strcmp(policy->guest->tiers[i], tier) == 0)
			return true;
	}
	return false;
}

static bool tier_is_named(const struct tobi_policy *policy, const char *tier)
{
	for (size_t i = 0; policy_sections[i].take; i++) {
		const struct policy_section *section = &policy_sections[i];

		if (section->names && strcmp(section->tier, tier) == 0 &&
		    section->names(policy))
			return true;
	}
	return false;
}

bool policy_sections_name(const struct tobi_policy *policy)
{
	for (size_t i = 0; i < policy->tier_count; i++) {
		if (!tier_is_named(policy, policy->tiers[i]))
			return false;
	}
	return true;
}

enum tobi_err policy_wrong(const struct tobi_policy *policy, const char *field,
			   const char *what, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, policy->name, field, "%s", what);
}

enum tobi_err policy_no_memory(const struct tobi_policy *policy, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, policy->name, "",
			 "out of memory, or too large");
}

const char *policy_hex(struct tobi_result *result, struct tobi_bytes bytes)
{
	char *text = arena_alloc(&result->arena, 2 * bytes.size + 1);

	if (!text || bytes.size == 0)
		return "nothing";
	hex_write(bytes, text, 2 * bytes.size + 1);
	return text;
}

void policy_run_list(struct tobi_result *result, const struct check *check,
		     const struct bytes_list *list, struct tobi_bytes value,
		     const char *found)
{
	char several[48];
	const char *expected = several;

	if (list->count == 0) {
		check_waive(&result->list, check, "the policy names none");
		return;
	}
	if (list->count == 1)
		expected =
		    found ? "the one in the policy" : policy_hex(result, list->items[0]);
	else
		snprintf(several, sizeof(several), "one of the %zu in the policy",
			 list->count);
	check_record(&result->list, check, bytes_list_has(list, value), expected,
		     found ? found : policy_hex(result, value));
}

void policy_run_text(struct tobi_result *result, const struct check *check,
		     const struct bytes_list *allowed, const char *found)
{
	const char *expected = "one of those in the policy";

	if (!allowed->count) {
		check_waive(&result->list, check, "the policy names none");
		return;
	}
	if (allowed->count == 1)
		expected = arena_text(&result->arena, allowed->items[0]);
	check_record(&result->list, check,
		     found && bytes_list_has(allowed, bytes_of_text(found)), expected,
		     found ? found : "nothing");
}

enum tobi_err policy_text_list(struct tobi_policy *policy, char **texts, unsigned count,
			       struct bytes_list *ret_list, struct tobi_fault *fault)
{
	if (count == 0)
		return TOBI_OK;
	ret_list->items = arena_array(&policy->arena, count, sizeof(*ret_list->items));
	if (!ret_list->items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < count; i++) {
		ret_list->items[i] = arena_copy(&policy->arena, bytes_of_text(texts[i]));
		if (!ret_list->items[i].ptr)
			return policy_no_memory(policy, fault);
	}
	ret_list->count = count;
	return TOBI_OK;
}

enum tobi_err policy_hex_list(struct tobi_policy *policy, const char *field, char **texts,
			      unsigned count, size_t size, struct bytes_list *ret_list,
			      struct tobi_fault *fault)
{
	struct tobi_bytes *items;

	if (count == 0)
		return TOBI_OK;
	items = arena_array(&policy->arena, count, sizeof(*items));
	if (!items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < count; i++) {
		uint8_t *value = arena_alloc(&policy->arena, size);

		if (!value)
			return policy_no_memory(policy, fault);
		if (!hex_read(texts[i], value, size))
			return fault_set(fault, TOBI_E_MALFORMED, policy->name, field,
					 "an entry is not %zu hexadecimal digits",
					 2 * size);
		items[i] = (struct tobi_bytes){value, size};
	}
	*ret_list = (struct bytes_list){items, count};
	return TOBI_OK;
}
