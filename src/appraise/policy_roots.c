#include "appraise/policy_roots.h"

#include <stdbool.h>
#include <string.h>

#include "appraise/policy_section.h"
#include "appraise/policy_yaml.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "pki/chain.h"

static const char *const known_tiers[POLICY_TIERS_MAX] = {
    "sgx",	 "tdx",	      "snp",	    "cca",	 "nitro", "vm",
    "soft",	 "sev",	      "sgx-epid",   "nitro-tpm", "psa",	  "tpm",
    "azure-snp", "azure-tdx", "nvidia-gpu", "eat",	 "ear"};

/* Their roots may be bare public keys, as no certificate is there for each. */
static const char *const keyed_tiers[] = {"cca", "psa", "tpm",
					  "eat", "ear", POLICY_WRAPPERS};

enum tobi_err policy_check_tier(const char *policy, const char *field, const char *tier,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer names = wr_init(512);

	for (size_t i = 0; i < POLICY_TIERS_MAX; i++) {
		if (strcmp(known_tiers[i], tier) == 0)
			return TOBI_OK;
		wr_printf(&names, " %s", known_tiers[i]);
	}
	return fault_set(fault, TOBI_E_MALFORMED, policy, field,
			 "there is no such tier; there are:%.*s", (int)names.size,
			 (const char *)names.ptr);
}

static bool is_keyed(const char *tier)
{
	for (size_t i = 0; i < sizeof(keyed_tiers) / sizeof(keyed_tiers[0]); i++) {
		if (strcmp(keyed_tiers[i], tier) == 0)
			return true;
	}
	return false;
}

enum tobi_err policy_take_pem(struct tobi_policy *policy, const char *field,
			      const char *text, struct tobi_bytes *ret_pem,
			      struct tobi_fault *fault)
{
	struct tobi_bytes pem = {(const uint8_t *)text, strlen(text)};
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	struct writer der = wr_init(LIMIT_PEM);
	size_t count = 0;
	enum tobi_err err = chain_read_pem(pem, policy->name, &der, list,
					   LIMIT_COSE_CHAIN, &count, fault);

	wr_done(&der);
	if (!err && count == 0)
		err = fault_set(fault, TOBI_E_MALFORMED, policy->name, field,
				"there is no PEM certificate in it");
	if (err)
		return err;
	*ret_pem = arena_copy(&policy->arena, pem);
	return ret_pem->ptr ? TOBI_OK : policy_no_memory(policy, fault);
}

/* Keys, certificates or both, of a tier that may have keys. */
static enum tobi_err take_keys(struct tobi_policy *policy, struct policy_root *root,
			       const char *text, struct tobi_fault *fault)
{
	struct tobi_bytes pem = {(const uint8_t *)text, strlen(text)};
	enum tobi_err err = anchor_keys_read(pem, policy->name, &root->keys, fault);

	if (err || root->keys.count == 0)
		return err ? err
			   : policy_take_pem(policy, "roots", text, &root->anchors_pem,
					     fault);
	root->anchors_pem = arena_copy(&policy->arena, pem);
	return root->anchors_pem.ptr ? TOBI_OK : policy_no_memory(policy, fault);
}

/* Of the vendors' kinds a root is known by its key. */
enum tobi_err policy_pins_of(const struct tobi_policy *policy, struct tobi_bytes pem,
			     struct key_pins *ret_pins, struct tobi_fault *fault)
{
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	size_t count = 0;
	enum tobi_err err = chain_read_pem(pem, policy->name, &der, list,
					   LIMIT_COSE_CHAIN, &count, fault);

	for (size_t i = 0; i < count && !err; i++) {
		CLEANUP(X509_freep) X509 *certificate = NULL;

		err = chain_read_certificate(list[i], policy->name, &certificate, fault);
		if (!err)
			err = key_spki_sha256(X509_get0_pubkey(certificate),
					      ret_pins->keys[ret_pins->count++], fault);
	}
	return err;
}

/* Other tiers have nothing to be wrapped. */
static enum tobi_err take_wrapper(struct tobi_policy *policy,
				  const struct yaml_root *yaml, struct policy_root *root,
				  struct tobi_fault *fault)
{
	if (yaml->wrapper && strcmp(yaml->wrapper, "required") != 0)
		return policy_wrong(policy, "roots.wrapper", "its one value is: required",
				    fault);
	if (yaml->wrapper && strcmp(yaml->tier, POLICY_WRAPPERS) != 0)
		return policy_wrong(policy, "roots.wrapper",
				    "it belongs to the tier cmw: who may sign a wrapper",
				    fault);
	root->required = yaml->wrapper != NULL;
	return TOBI_OK;
}

static enum tobi_err take_root(struct tobi_policy *policy, const struct yaml_root *yaml,
			       struct policy_root *root, struct tobi_fault *fault)
{
	/* No tiers: whose wrappers count, whom NVIDIA's reference values must go back to.
	 */
	bool is_other = strcmp(yaml->tier, POLICY_WRAPPERS) == 0 ||
			strcmp(yaml->tier, "nvidia-rim") == 0;
	enum tobi_err err =
	    is_other ? TOBI_OK
		     : policy_check_tier(policy->name, "roots", yaml->tier, fault);

	if (!err && policy_root_of(policy, yaml->tier))
		err = fault_set(fault, TOBI_E_MALFORMED, policy->name, "roots",
				"the tier %s is there twice", yaml->tier);
	if (err)
		return err;
	root->tier = arena_printf(&policy->arena, "%s", yaml->tier);
	if (!root->tier)
		return policy_no_memory(policy, fault);
	err = is_keyed(yaml->tier) ? take_keys(policy, root, yaml->anchors, fault)
				   : policy_take_pem(policy, "roots", yaml->anchors,
						     &root->anchors_pem, fault);
	if (!err)
		err = take_wrapper(policy, yaml, root, fault);
	if (!err)
		err = policy_pins_of(policy, root->anchors_pem, &root->pins, fault);
	/* Keys alone have no chain to remember. */
	if (!err && root->pins.count)
		err = chain_cache_trust(policy->chains, root->anchors_pem, policy->name,
					fault);
	return err;
}

enum tobi_err policy_roots_take(struct tobi_policy *policy,
				const struct yaml_policy *yaml, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (yaml->roots_count == 0)
		return TOBI_OK;
	policy->roots =
	    arena_array(&policy->arena, yaml->roots_count, sizeof(*policy->roots));
	if (!policy->roots)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < yaml->roots_count && !err; i++) {
		struct policy_root root = {0};

		err = take_root(policy, &yaml->roots[i], &root, fault);
		policy->roots[i] = root;
		policy->root_count = i + 1;
	}
	return err;
}

void policy_roots_done(struct tobi_policy *policy)
{
	for (size_t i = 0; i < policy->root_count; i++)
		anchor_keys_done(&policy->roots[i].keys);
}

const struct policy_root *policy_root_of(const struct tobi_policy *policy,
					 const char *tier)
{
	for (size_t i = 0; i < policy->root_count; i++) {
		if (strcmp(policy->roots[i].tier, tier) == 0)
			return &policy->roots[i];
	}
	return NULL;
}

bool policy_wants_wrapper(const struct tobi_policy *policy)
{
	const struct policy_root *root = policy_root_of(policy, POLICY_WRAPPERS);

	return root && root->required;
}

struct tobi_bytes policy_anchors(const struct tobi_policy *policy, const char *tier)
{
	const struct policy_root *root = policy_root_of(policy, tier);

	return root ? root->anchors_pem : (struct tobi_bytes){0};
}

struct key_pins policy_pins(const struct tobi_policy *policy, const char *tier)
{
	const struct policy_root *root = policy_root_of(policy, tier);

	return root ? root->pins : vendor_root_pins(tier);
}
