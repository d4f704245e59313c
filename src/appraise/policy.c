#include "appraise/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/policy_eat.h"
#include "appraise/policy_guest.h"
#include "appraise/policy_reference.h"
#include "appraise/policy_roots.h"
#include "appraise/policy_section.h"
#include "appraise/policy_sev.h"
#include "appraise/policy_tpm.h"
#include "appraise/policy_yaml.h"
#include "base/cleanup.h"
#include "base/date.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "pki/chain.h"

enum {
	HASH_SIZE = 48,
	HEX_MAX = 64,
	PCR_SIZE = 32,
	DEFAULT_MAX_AGE = 3600,
	MAX_AGE = 30 * 24 * 3600,
	MAX_GRACE = 366 * 24 * 3600
};

/* Sizes in bytes of what is written in hexadecimal; 0 at the end. */
static const size_t one_hash[] = {HASH_SIZE, 0};
/* Each vendor has its own. */
static const size_t measurements[] = {32, 48, 64, 0};
static const size_t signers[] = {32, 48, 0};
static const size_t configurations[] = {32, 48, 64, 0};
static const size_t hardware_ids[] = {8, 16, 32, 33, 64, 0};

DEFINE_CLEANUP(struct tobi_policy *, tobi_policy_free)

static enum tobi_err take_hex(struct tobi_policy *policy, const char *field,
			      const char *text, const size_t *sizes,
			      struct tobi_bytes *ret_bytes, struct tobi_fault *fault)
{
	struct writer digits = wr_init(64);
	uint8_t value[HEX_MAX];

	for (size_t i = 0; sizes[i]; i++) {
		if (hex_read(text, value, sizes[i])) {
			wr_done(&digits);
			*ret_bytes = arena_copy(&policy->arena,
						(struct tobi_bytes){value, sizes[i]});
			return ret_bytes->ptr ? TOBI_OK : policy_no_memory(policy, fault);
		}
		wr_printf(&digits, "%s%zu", i ? " or " : "", 2 * sizes[i]);
	}
	fault_set(fault, TOBI_E_MALFORMED, policy->name, field,
		  "an entry is not %.*s hexadecimal digits", (int)digits.size,
		  (const char *)digits.ptr);
	wr_done(&digits);
	return TOBI_E_MALFORMED;
}

static enum tobi_err take_list(struct tobi_policy *policy, const char *field,
			       char **texts, unsigned count, const size_t *sizes,
			       struct bytes_list *ret_list, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (count == 0)
		return TOBI_OK;
	ret_list->items = arena_array(&policy->arena, count, sizeof(*ret_list->items));
	if (!ret_list->items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < count && !err; i++)
		err =
		    take_hex(policy, field, texts[i], sizes, &ret_list->items[i], fault);
	ret_list->count = count;
	return err;
}

static enum tobi_err take_tiers(struct tobi_policy *policy,
				const struct yaml_policy *yaml, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	policy->tiers =
	    arena_array(&policy->arena, yaml->tiers_count, sizeof(*policy->tiers));
	if (!policy->tiers)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < yaml->tiers_count && !err; i++) {
		err = policy_check_tier(policy->name, "tiers", yaml->tiers[i], fault);
		policy->tiers[i] = arena_printf(&policy->arena, "%s", yaml->tiers[i]);
		if (!err && !policy->tiers[i])
			err = policy_no_memory(policy, fault);
		policy->tier_count = i + 1;
	}
	return err;
}

static enum tobi_err take_allow(struct tobi_policy *policy,
				const struct yaml_policy *yaml, struct tobi_fault *fault)
{
	for (unsigned i = 0; i < yaml->allow_count; i++) {
		if (strcmp(yaml->allow[i], "debug") == 0)
			policy->allow_debug = true;
		else if (strcmp(yaml->allow[i], "no-nonce") == 0)
			policy->allow_no_nonce = true;
		else if (strcmp(yaml->allow[i], "user-launch") == 0)
			policy->allow_user_launch = true;
		else if (strcmp(yaml->allow[i], "unknown-config") == 0)
			policy->allow_unknown_config = true;
		else
			return fault_set(fault, TOBI_E_MALFORMED, policy->name, "allow",
					 "what may be allowed is: debug, no-nonce, "
					 "user-launch, unknown-config");
	}
	return TOBI_OK;
}

static enum tobi_err take_channel(struct tobi_policy *policy, const char *name,
				  struct tobi_fault *fault)
{
	if (!name || strcmp(name, "tobichi-atls/1") == 0)
		policy->channel = CHANNEL_ATLS;
	else if (strcmp(name, "ra-tls") == 0)
		policy->channel = CHANNEL_RATLS;
	else
		return fault_set(fault, TOBI_E_MALFORMED, policy->name, "channel",
				 "the channel is one of: tobichi-atls/1 ra-tls");
	return TOBI_OK;
}

static enum tobi_err take_identity(struct tobi_policy *policy,
				   const struct yaml_identity *yaml,
				   struct tobi_fault *fault)
{
	static const char *const modes[] = {"any-instance", "hardware", "config-id",
					    "owner", "ca"};
	size_t mode = 0;

	while (mode < 5 && strcmp(modes[mode], yaml->mode) != 0)
		mode++;
	if (mode == 5)
		return policy_wrong(
		    policy, "identity",
		    "the mode is one of: any-instance hardware config-id owner ca",
		    fault);
	policy->identity = (enum policy_identity)mode;
	/* A value that the mode does not use would look like a check, and be none. */
	if ((yaml->hardware_count > 0) != (policy->identity == IDENTITY_HARDWARE))
		return policy_wrong(policy, "identity.hardware",
				    "it belongs to the mode hardware, which needs it",
				    fault);
	if ((yaml->owner != NULL) != (policy->identity == IDENTITY_OWNER))
		return policy_wrong(policy, "identity.owner",
				    "it belongs to the mode owner, which needs it",
				    fault);
	if ((yaml->ca != NULL) != (policy->identity == IDENTITY_CA))
		return policy_wrong(policy, "identity.ca",
				    "it belongs to the mode ca, which needs it", fault);
	if (yaml->name && policy->identity != IDENTITY_CA)
		return policy_wrong(policy, "identity.name", "it belongs to the mode ca",
				    fault);
	if (policy->identity == IDENTITY_CONFIG_ID && !policy->config_id.size)
		return policy_wrong(policy, "config-id", "the identity's mode needs it",
				    fault);
	if (yaml->name) {
		policy->host_name = arena_printf(&policy->arena, "%s", yaml->name);
		if (!policy->host_name)
			return policy_no_memory(policy, fault);
	}
	if (yaml->owner)
		return take_hex(policy, "identity.owner", yaml->owner, one_hash,
				&policy->owner, fault);
	if (yaml->ca)
		return policy_take_pem(policy, "identity.ca", yaml->ca, &policy->ca_pem,
				       fault);
	return take_list(policy, "identity.hardware", yaml->hardware,
			 yaml->hardware_count, hardware_ids, &policy->hardware, fault);
}

/* Decimal digits without a sign or a leading zero; the standard value where it is absent.
 */
static enum tobi_err take_number(struct tobi_policy *policy, const char *field,
				 const char *text, uint64_t least, uint64_t most,
				 uint64_t *value, struct tobi_fault *fault)
{
	uint64_t number = 0;
	size_t size = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return TOBI_OK;
	if (size == 0 || text[size] || size > 9 || (text[0] == '0' && size > 1))
		return policy_wrong(
		    policy, field,
		    "a number in decimal digits is needed, without a leading zero",
		    fault);
	for (size_t i = 0; i < size; i++)
		number = 10 * number + (uint64_t)(text[i] - '0');
	if (number < least || number > most)
		return fault_set(fault, TOBI_E_MALFORMED, policy->name, field,
				 "%llu to %llu are allowed", (unsigned long long)least,
				 (unsigned long long)most);
	*value = number;
	return TOBI_OK;
}

static enum tobi_err take_numbers(struct tobi_policy *policy,
				  const struct yaml_policy *yaml,
				  struct tobi_fault *fault)
{
	uint64_t max_age = DEFAULT_MAX_AGE;
	enum tobi_err err = TOBI_OK;

	if (strcmp(yaml->version, "1") != 0)
		return policy_wrong(policy, "version", "only version 1 is known here",
				    fault);
	policy->has_product = yaml->product != NULL;
	err = take_number(policy, "product", yaml->product, 0, UINT16_MAX,
			  &policy->product, fault);
	if (!err)
		err = take_number(policy, "min-svn", yaml->min_svn, 0, UINT16_MAX,
				  &policy->min_svn, fault);
	if (!err)
		err = take_number(policy, "max-age", yaml->max_age, 1, MAX_AGE, &max_age,
				  fault);
	policy->max_age = (int64_t)max_age;
	return err;
}

static enum tobi_err take_collateral(struct tobi_policy *policy,
				     const struct yaml_collateral *yaml,
				     struct tobi_fault *fault)
{
	uint64_t grace = 0;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	err = take_number(policy, "collateral.grace", yaml->grace, 0, MAX_GRACE, &grace,
			  fault);
	policy->grace = (int64_t)grace;
	if (!err)
		err = take_list(policy, "collateral.signers", yaml->signers,
				yaml->signers_count, one_hash, &policy->bundle_signers,
				fault);
	if (err || !yaml->baseline)
		return err;
	return date_read(yaml->baseline, &policy->baseline)
		   ? TOBI_OK
		   : policy_wrong(policy, "collateral.baseline",
				  "a time like 2026-05-17T12:00:00Z is needed", fault);
}

static enum tobi_err check_complete(struct tobi_policy *policy, struct tobi_fault *fault)
{
	if (policy->images.count == 0 && policy->signers.count == 0 &&
	    !policy->reference && !policy_sections_name(policy))
		return policy_wrong(policy, "images",
				    "name at least one image or one signer, or "
				    "reference-values that speak of them, or what stands "
				    "for an image in the section of each tier: "
				    "tobichi-policy(5)",
				    fault);
	for (size_t i = 0; i < policy->tier_count; i++) {
		if (strcmp(policy->tiers[i], "soft") == 0 &&
		    !policy_anchors(policy, "soft").size)
			return policy_wrong(
			    policy, "roots",
			    "the tier soft needs an anchor: the CA of the "
			    "platform that you "
			    "trust",
			    fault);
	}
	return TOBI_OK;
}

static enum tobi_err take_all(struct tobi_policy *policy, const struct yaml_policy *yaml,
			      struct tobi_fault *fault)
{
	enum tobi_err err = take_numbers(policy, yaml, fault);

	if (!err)
		err = take_tiers(policy, yaml, fault);
	if (!err)
		err = take_list(policy, "images", yaml->images, yaml->images_count,
				measurements, &policy->images, fault);
	if (!err)
		err = take_list(policy, "signers", yaml->signers, yaml->signers_count,
				signers, &policy->signers, fault);
	if (!err)
		err = take_list(policy, "agents", yaml->agents, yaml->agents_count,
				one_hash, &policy->agents, fault);
	if (!err && yaml->config_id)
		err = take_hex(policy, "config-id", yaml->config_id, configurations,
			       &policy->config_id, fault);
	if (!err)
		err = take_channel(policy, yaml->channel, fault);
	if (!err)
		err = take_allow(policy, yaml, fault);
	if (!err)
		err = policy_roots_take(policy, yaml, fault);
	if (!err)
		err = take_collateral(policy, yaml->collateral, fault);
	if (!err)
		err = policy_reference_take(policy, yaml, fault);
	for (size_t i = 0; policy_sections[i].take && !err; i++)
		err = policy_sections[i].take(policy, yaml, fault);
	if (!err)
		err = policy_guest_settle(policy, fault);
	if (!err)
		err = take_identity(policy, &yaml->identity, fault);
	return err ? err : check_complete(policy, fault);
}

enum tobi_err tobi_policy_parse(struct tobi_bytes text, const char *name,
				struct tobi_policy **ret_policy, struct tobi_fault *fault)
{
	CLEANUP(policy_yaml_freep) struct yaml_policy *yaml = NULL;
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	enum tobi_err err;

	if (!text.ptr || !name || !ret_policy)
		return fault_set(fault, TOBI_E_ARGUMENT, "policy", "",
				 "a text and a name for it are needed");
	err = policy_yaml_load(text, name, &yaml, fault);
	if (err)
		return err;
	policy = calloc(1, sizeof(*policy));
	if (!policy)
		return fault_set(fault, TOBI_E_MEMORY, name, "",
				 "out of memory, or too large");
	policy->arena = arena_init(LIMIT_APPRAISAL);
	policy->name = arena_printf(&policy->arena, "%s", yaml->name ? yaml->name : name);
	policy->chains = chain_cache_new();
	policy->memo = memo_new();
	if (!policy->name || !policy->chains || !policy->memo)
		return fault_set(fault, TOBI_E_MEMORY, name, "",
				 "out of memory, or too large");
	err = take_all(policy, yaml, fault);
	if (err)
		return err;
	*ret_policy = TAKE(policy);
	return TOBI_OK;
}

void tobi_policy_free(struct tobi_policy *policy)
{
	if (!policy)
		return;
	chain_cache_free(policy->chains);
	memo_free(policy->memo);
	policy_roots_done(policy);
	policy_reference_done(policy);
	arena_done(&policy->arena);
	free(policy);
}

struct tee_request policy_request(const struct tobi_policy *policy, const char *tier,
				  int64_t time)
{
	const struct policy_root *root = policy_root_of(policy, tier);

	return (struct tee_request){
	    .anchors_pem = policy_anchors(policy, tier),
	    .tpm_anchors_pem = policy->tpm_anchors_pem,
	    .tpm_pins = policy->tpm ? &policy->tpm->pins : NULL,
	    .tpm_required = policy->asks_for_tpm,
	    .time = time,
	    .chains = policy->chains,
	    .pins = policy_pins(policy, tier),
	    .reference_pins = policy_pins(policy, "nvidia-rim"),
	    .keys = root ? &root->keys : NULL,
	    .find_keys = policy_reference_has_keys(policy) ? policy_reference_keys : NULL,
	    .find_keys_context = policy->reference,
	    .grace = policy->grace,
	    .baseline = policy->baseline,
	    .collateral_is_named = policy->bundle_signers.count > 0,
	    .memo = policy->memo,
	    .images = policy->images.items,
	    .image_count = policy->images.count,
	    .unproven = policy->eat->unproven.items,
	    .unproven_count = policy->eat->unproven.count,
	    .platform_only = policy->sev && policy->sev->platform_only};
}
