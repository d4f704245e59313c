#include "appraise/policy_guest.h"

#include <string.h>

#include "appraise/policy_boot.h"
#include "appraise/policy_section.h"
#include "appraise/policy_tpm.h"
#include "appraise/policy_yaml.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

/* Those whose evidence is bound to claims, and measures a guest; or, of a TPM, what a
 * machine has started. */
static const char *const around[] = {"snp",	  "tdx",       "cca", "nitro",
				     "azure-snp", "azure-tdx", "tpm"};
/* Of these, the section tpm is about the guest's TPM. */
static const char *const quoted[] = {"tpm", "azure-snp", "azure-tdx"};

enum { MEASUREMENT_MAX = 64 };

static const char *find_tier(const char *name)
{
	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		if (strcmp(around[i], name) == 0)
			return around[i];
	}
	return NULL;
}

static enum tobi_err take_tiers(struct tobi_policy *policy, const struct yaml_guest *yaml,
				struct policy_guest *guest, struct tobi_fault *fault)
{
	guest->tiers =
	    arena_array(&policy->arena, yaml->tiers_count + 1u, sizeof(*guest->tiers));
	if (!guest->tiers)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < yaml->tiers_count; i++) {
		guest->tiers[i] = find_tier(yaml->tiers[i]);
		if (!guest->tiers[i])
			return policy_wrong(policy, "guest.tiers",
					    "a guest is of one of these: snp tdx cca "
					    "nitro azure-snp azure-tdx tpm",
					    fault);
	}
	guest->tier_count = yaml->tiers_count;
	return guest->tier_count
		   ? TOBI_OK
		   : policy_wrong(policy, "guest.tiers", "it needs one at least", fault);
}

/* 32, 48 or 64 bytes. */
static enum tobi_err take_image(struct tobi_policy *policy, const char *text,
				struct tobi_bytes *ret_image, struct tobi_fault *fault)
{
	uint8_t bytes[MEASUREMENT_MAX];

	for (size_t size = 32; size <= MEASUREMENT_MAX; size += 16) {
		if (!hex_read(text, bytes, size))
			continue;
		*ret_image = arena_copy(&policy->arena, (struct tobi_bytes){bytes, size});
		return ret_image->ptr ? TOBI_OK : policy_no_memory(policy, fault);
	}
	return policy_wrong(policy, "guest.images",
			    "an entry is not 64 or 96 or 128 hexadecimal digits", fault);
}

static enum tobi_err take_images(struct tobi_policy *policy,
				 const struct yaml_guest *yaml,
				 struct policy_guest *guest, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	guest->images.items = arena_array(&policy->arena, yaml->images_count + 1u,
					  sizeof(*guest->images.items));
	if (!guest->images.items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < yaml->images_count && !err; i++)
		err = take_image(policy, yaml->images[i], &guest->images.items[i], fault);
	guest->images.count = yaml->images_count;
	return err;
}

enum tobi_err policy_guest_take(struct tobi_policy *policy,
				const struct yaml_policy *yaml, struct tobi_fault *fault)
{
	struct policy_guest *guest;
	enum tobi_err err;

	if (!yaml->guest)
		return TOBI_OK;
	/* Other evidence has no guest around it that would be asked. */
	if (policy->tier_count != 1 || strcmp(policy->tiers[0], "soft") != 0)
		return policy_wrong(policy, "guest",
				    "only an enclave of tier soft has a guest around it: "
				    "tiers must be [soft]",
				    fault);
	guest = arena_alloc(&policy->arena, sizeof(*guest));
	if (!guest)
		return policy_no_memory(policy, fault);
	err = take_tiers(policy, yaml->guest, guest, fault);
	if (!err)
		err = take_images(policy, yaml->guest, guest, fault);
	if (!err)
		policy->guest = guest;
	return err;
}

static bool names_only_tpms(const struct policy_guest *guest)
{
	for (size_t i = 0; i < guest->tier_count; i++) {
		if (strcmp(guest->tiers[i], "tpm") != 0)
			return false;
	}
	return true;
}

static bool has_quotes(const struct policy_guest *guest)
{
	for (size_t i = 0; i < guest->tier_count; i++) {
		for (size_t j = 0; j < sizeof(quoted) / sizeof(quoted[0]); j++) {
			if (strcmp(guest->tiers[i], quoted[j]) == 0)
				return true;
		}
	}
	return false;
}

static void take_over_tpm(struct tobi_policy *policy, struct policy_guest *guest)
{
	guest->tpm = policy->tpm;
	bytes_copy(guest->pcrs, sizeof(guest->pcrs), policy->pcrs, sizeof(policy->pcrs));
	policy->tpm = NULL;
	policy->asks_for_tpm = false;
	for (size_t i = 0; i < TEE_PCRS; i++)
		policy->pcrs[i] = (struct tobi_bytes){0};
}

enum tobi_err policy_guest_settle(struct tobi_policy *policy, struct tobi_fault *fault)
{
	bool named = policy_boot_names(policy);
	struct policy_guest *guest = policy->guest;

	if (!guest)
		return TOBI_OK;
	guest->boot = policy->boot;
	policy->boot = NULL;
	if (has_quotes(guest)) {
		named |= policy_tpm_names(policy);
		take_over_tpm(policy, guest);
	}
	/* A TPM measures nothing but what is started. */
	return guest->images.count || (named && names_only_tpms(guest))
		   ? TOBI_OK
		   : policy_wrong(
			 policy, "guest.images",
			 "it needs one at least: what the guest was launched "
			 "with; or, of a TPM, boot or tpm.pcrs that name what it "
			 "starts",
			 fault);
}

struct tobi_policy policy_guest_view(const struct tobi_policy *policy)
{
	struct tobi_policy view = *policy;

	view.tiers = policy->guest->tiers;
	view.tier_count = policy->guest->tier_count;
	view.images = policy->guest->images;
	/* The rest is about the enclave. */
	view.guest = NULL;
	view.signers = view.agents = (struct bytes_list){0};
	view.has_product = false;
	view.min_svn = 0;
	view.config_id = (struct tobi_bytes){0};
	view.identity = IDENTITY_ANY_INSTANCE;
	view.boot = policy->guest->boot;
	view.tpm = policy->guest->tpm;
	view.asks_for_tpm = view.tpm != NULL;
	bytes_copy(view.pcrs, sizeof(view.pcrs), policy->guest->pcrs,
		   sizeof(policy->guest->pcrs));
	view.gpu = NULL; /* devices are bound to the enclave's evidence */
	return view;
}
