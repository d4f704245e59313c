#include "appraise/policy_cca.h"

#include <string.h>

#include "appraise/policy_section.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/arm_facts.h"

#define POLICY "Tobichi policy, cca."

enum { CONFIG_MAX = 4096, MEC_PRIVATE = 1 };

static const struct check check_lifecycle = {
    "POLICY-CCA-LIFECYCLE", "the platform is in a state in which its keys are protected",
    POLICY "lifecycle; Arm RMM specification, section A7.2.3",
    "Use a platform that is locked for the field; others give away what they protect."};
static const struct check check_implementation = {
    "POLICY-CCA-IMPLEMENTATION", "the platform is of a model that the policy names",
    POLICY "implementation-ids", "Run the realm on hardware that the policy names."};
static const struct check check_instance = {
    "POLICY-CCA-INSTANCE", "the platform is one that the policy names",
    POLICY "instance-ids", "Check which machine was asked; name it if it is yours."};
static const struct check check_components = {
    "POLICY-CCA-COMPONENTS",
    "the platform runs the firmware that the policy names, and nothing else of it",
    POLICY "components",
    "Update the platform, or name the new measurements after review: RMM is the one that "
    "keeps the hypervisor out."};
static const struct check check_config = {
    "POLICY-CCA-CONFIG", "the platform is configured as the policy says",
    POLICY "platform-configs", "Configure the platform as agreed."};
static const struct check check_rems = {
    "POLICY-CCA-REMS", "the realm's extensible measurements are what the policy names",
    POLICY "rems",
    "The realm has measured something else since it started; name it after review."};
static const struct check check_hash = {
    "POLICY-CCA-HASH", "the realm is measured with a hash that the policy names",
    POLICY "hash-algorithms", "Start the realm with that hash algorithm."};
static const struct check check_mec = {
    "POLICY-CCA-MEC", "the realm's memory is encrypted with a key of its own",
    POLICY "mec", "Start the realm with a private MEC policy, on an RMM that tells."};
static const struct check check_realm_instance = {
    "POLICY-CCA-REALM-INSTANCE", "the realm is one that the policy names",
    POLICY "realm-instance-ids",
    "Each start of a realm has another id: name the one that runs now."};

static const struct check *const rows[] = {
    &check_lifecycle,	   &check_implementation,
    &check_instance,	   &check_components,
    &check_config,	   &check_rems,
    &check_hash,	   &check_mec,
    &check_realm_instance, NULL,
};

static enum tobi_err take_rems(struct tobi_policy *policy, const struct yaml_cca *yaml,
			       struct policy_cca *cca, struct tobi_fault *fault)
{
	for (unsigned i = 0; i < yaml->rems_count; i++) {
		const char *index = yaml->rems[i].index;
		struct policy_arm_list list = {
		    "cca", "rems.value", &yaml->rems[i].value, 1, 32, 64, 16};
		struct bytes_list value = {0};
		enum tobi_err err;

		if (strlen(index) != 1 || *index < '0' || *index >= '0' + CCA_REMS)
			return policy_wrong(policy, "cca.rems.index",
					    "0 to 3 are allowed", fault);
		if (cca->rems[*index - '0'].size)
			return policy_wrong(policy, "cca.rems.index",
					    "a REM is there twice", fault);
		err = policy_arm_take_hex(policy, &list, &value, fault);
		if (err)
			return err;
		cca->rems[*index - '0'] = value.items[0];
	}
	return TOBI_OK;
}

static enum tobi_err take_realm(struct tobi_policy *policy, const struct yaml_cca *yaml,
				struct policy_cca *cca, struct tobi_fault *fault)
{
	for (unsigned i = 0; i < yaml->hashes_count; i++) {
		if (!arm_hash_size(bytes_of_text(yaml->hashes[i])))
			return policy_wrong(policy, "cca.hash-algorithms",
					    "the algorithms are: sha-256 sha-384 sha-512",
					    fault);
	}
	if (yaml->mec && strcmp(yaml->mec, "private") != 0)
		return policy_wrong(policy, "cca.mec", "its one value is: private",
				    fault);
	cca->private_memory = yaml->mec != NULL;
	return policy_text_list(policy, yaml->hashes, yaml->hashes_count, &cca->hashes,
				fault);
}

enum tobi_err policy_cca_take(struct tobi_policy *policy, const struct yaml_policy *whole,
			      struct tobi_fault *fault)
{
	const struct yaml_cca *yaml = whole->cca;
	struct policy_arm_list configs = {
	    .section = "cca", .key = "platform-configs", .most = CONFIG_MAX, .step = 1};
	struct policy_arm_list instances = {.section = "cca",
					    .key = "realm-instance-ids",
					    .least = ARM_INSTANCE_SIZE,
					    .most = ARM_INSTANCE_SIZE,
					    .step = 1};
	struct policy_cca *cca;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	cca = arena_alloc(&policy->arena, sizeof(*cca));
	if (!cca)
		return policy_no_memory(policy, fault);
	configs.texts = yaml->configs;
	configs.count = yaml->configs_count;
	instances.texts = yaml->realm_instances;
	instances.count = yaml->realm_instances_count;
	err = policy_arm_take(policy, "cca", &yaml->arm, &cca->arm, fault);
	if (!err)
		err = policy_arm_take_hex(policy, &configs, &cca->configs, fault);
	if (!err)
		err =
		    policy_arm_take_hex(policy, &instances, &cca->realm_instances, fault);
	if (!err)
		err = take_rems(policy, yaml, cca, fault);
	if (!err)
		err = take_realm(policy, yaml, cca, fault);
	if (!err)
		policy->cca = cca;
	return err;
}

void policy_cca_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.cca && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

/* The first that differs is named. */
static void run_rems(struct tobi_result *result, const struct policy_cca *asked)
{
	const struct cca_claims *claims = result->claims.cca;
	bool any = false;

	for (size_t i = 0; i < CCA_REMS; i++) {
		struct tobi_bytes rem = asked->rems[i];

		if (!rem.size)
			continue;
		any = true;
		if (!bytes_equal(rem, claims->realm.rems[i])) {
			check_record(
			    &result->list, &check_rems, false,
			    arena_printf(&result->arena, "REM %zu: %s", i,
					 policy_hex(result, rem)),
			    arena_printf(&result->arena, "REM %zu: %s", i,
					 policy_hex(result, claims->realm.rems[i])));
			return;
		}
	}
	if (any)
		check_record(&result->list, &check_rems, true, "", "");
	else
		check_not_asked(&result->list, &check_rems, "the policy names none");
}

static void run_mec(struct tobi_result *result, const struct policy_cca *asked)
{
	const struct arm_claims *realm = &result->claims.cca->realm;
	bool is_private = realm->has[ARM_MEC] && realm->numbers[ARM_MEC] == MEC_PRIVATE;

	if (asked->private_memory)
		check_record(&result->list, &check_mec, is_private, "private",
			     realm->has[ARM_MEC] ? (is_private ? "private" : "shared")
						 : "the token does not say");
	else
		check_not_asked(&result->list, &check_mec, "the policy does not ask");
}

void policy_cca_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	static const struct policy_cca nothing = {.arm = POLICY_ARM_DEFAULT};
	static const struct policy_arm_rows arm = {
	    &check_lifecycle, &check_implementation, &check_instance, &check_components};
	const struct policy_cca *asked = policy->cca ? policy->cca : &nothing;
	const struct cca_claims *claims = result->claims.cca;

	if (!claims)
		return;
	policy_arm_run(result, &asked->arm, &arm, &claims->platform);
	policy_run_list(result, &check_config, &asked->configs,
			claims->platform.values[ARM_CONFIG], NULL);
	run_rems(result, asked);
	policy_run_list(
	    result, &check_hash, &asked->hashes, claims->realm.values[ARM_HASH],
	    tee_text(&result->arena, claims->realm.values[ARM_HASH], TEE_TEXT_MAX));
	run_mec(result, asked);
	policy_run_list(result, &check_realm_instance, &asked->realm_instances,
			claims->realm.values[ARM_INSTANCE], NULL);
}
