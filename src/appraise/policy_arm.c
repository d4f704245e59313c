#include "appraise/policy_arm.h"

#include <stdio.h>
#include <string.h>

#include "appraise/policy_section.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/arm_facts.h"

static enum tobi_err wrong(const struct tobi_policy *policy, const char *section,
			   const char *key, const char *what, struct tobi_fault *fault)
{
	char field[64];

	snprintf(field, sizeof(field), "%s.%s", section, key);
	return fault_set(fault, TOBI_E_MALFORMED, policy->name, field, "%s", what);
}

/* ---- lists ---- */

static enum tobi_err take_hex(struct tobi_policy *policy,
			      const struct policy_arm_list *list, const char *text,
			      struct tobi_bytes *ret_bytes, struct tobi_fault *fault)
{
	size_t size = strlen(text) / 2;
	uint8_t *value;
	char what[96];

	snprintf(what, sizeof(what), "%zu%s%.0zu hexadecimal digits are needed",
		 2 * list->least, list->most > list->least ? " to " : "",
		 list->most > list->least ? 2 * list->most : 0);
	if (size < list->least || size > list->most || (size - list->least) % list->step)
		return wrong(policy, list->section, list->key, what, fault);
	value = arena_alloc(&policy->arena, size + 1);
	if (!value)
		return policy_no_memory(policy, fault);
	if (!hex_read(text, value, size))
		return wrong(policy, list->section, list->key, what, fault);
	*ret_bytes = (struct tobi_bytes){value, size};
	return TOBI_OK;
}

static struct tobi_bytes *new_items(struct tobi_policy *policy, unsigned count)
{
	return arena_array(&policy->arena, count, sizeof(struct tobi_bytes));
}

enum tobi_err policy_arm_take_hex(struct tobi_policy *policy,
				  const struct policy_arm_list *list,
				  struct bytes_list *ret_list, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (list->count == 0)
		return TOBI_OK;
	ret_list->items = new_items(policy, list->count);
	if (!ret_list->items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < list->count && !err; i++)
		err = take_hex(policy, list, list->texts[i], &ret_list->items[i], fault);
	ret_list->count = list->count;
	return err;
}

/* ---- the section ---- */

static enum tobi_err take_lifecycles(struct tobi_policy *policy, const char *section,
				     const struct yaml_arm *yaml, struct policy_arm *arm,
				     struct tobi_fault *fault)
{
	arm->lifecycles = yaml->lifecycle_count ? 0 : 1u << ARM_SECURED;
	for (unsigned i = 0; i < yaml->lifecycle_count; i++) {
		int state = arm_lifecycle_find(yaml->lifecycle[i]);

		if (state < 0)
			return wrong(policy, section, "lifecycle",
				     "the states are: unknown assembly provisioning "
				     "secured non-rot-debug recoverable-debug "
				     "decommissioned",
				     fault);
		arm->lifecycles |= 1u << state;
	}
	return TOBI_OK;
}

static enum tobi_err take_member(struct tobi_policy *policy, const char *section,
				 const char *key, char *text,
				 struct tobi_bytes *ret_bytes, struct tobi_fault *fault)
{
	const struct policy_arm_list list = {section, key, NULL, 0, 32, 64, 16};

	return text ? take_hex(policy, &list, text, ret_bytes, fault) : TOBI_OK;
}

static enum tobi_err take_component(struct tobi_policy *policy, const char *section,
				    const struct yaml_component *yaml,
				    struct policy_component *component,
				    struct tobi_fault *fault)
{
	enum tobi_err err;

	/* Whoever may have made anything is no rule. */
	if (!yaml->value && !yaml->signer)
		return wrong(policy, section, "components",
			     "a component needs a value or a signer", fault);
	err = take_member(policy, section, "components.value", yaml->value,
			  &component->value, fault);
	if (!err)
		err = take_member(policy, section, "components.signer", yaml->signer,
				  &component->signer, fault);
	if (err)
		return err;
	if (yaml->type)
		component->type = arena_copy(&policy->arena, bytes_of_text(yaml->type));
	if (yaml->version)
		component->version =
		    arena_copy(&policy->arena, bytes_of_text(yaml->version));
	return (yaml->type && !component->type.ptr) ||
		       (yaml->version && !component->version.ptr)
		   ? policy_no_memory(policy, fault)
		   : TOBI_OK;
}

static enum tobi_err take_components(struct tobi_policy *policy, const char *section,
				     const struct yaml_arm *yaml, struct policy_arm *arm,
				     struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (yaml->components_count == 0)
		return TOBI_OK;
	arm->components =
	    arena_array(&policy->arena, yaml->components_count, sizeof(*arm->components));
	if (!arm->components)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < yaml->components_count && !err; i++)
		err = take_component(policy, section, &yaml->components[i],
				     &arm->components[i], fault);
	arm->component_count = yaml->components_count;
	return err;
}

enum tobi_err policy_arm_take(struct tobi_policy *policy, const char *section,
			      const struct yaml_arm *yaml, struct policy_arm *ret_arm,
			      struct tobi_fault *fault)
{
	const struct policy_arm_list implementations = {section,
							"implementation-ids",
							yaml->implementations,
							yaml->implementations_count,
							ARM_IMPLEMENTATION_SIZE,
							ARM_IMPLEMENTATION_SIZE,
							1};
	const struct policy_arm_list instances = {section,
						  "instance-ids",
						  yaml->instances,
						  yaml->instances_count,
						  ARM_INSTANCE_SIZE,
						  ARM_INSTANCE_SIZE,
						  1};
	enum tobi_err err;

	/* It would look like a check, and be none. */
	if (!policy_names_tier(policy, section))
		return fault_set(fault, TOBI_E_MALFORMED, policy->name, section,
				 "it belongs to the tier %s, which is not among the "
				 "tiers",
				 section);
	err = take_lifecycles(policy, section, yaml, ret_arm, fault);
	if (!err)
		err = policy_arm_take_hex(policy, &implementations,
					  &ret_arm->implementations, fault);
	if (!err)
		err = policy_arm_take_hex(policy, &instances, &ret_arm->instances, fault);
	return err ? err : take_components(policy, section, yaml, ret_arm, fault);
}

/* ---- the checks ---- */

static void run_lifecycle(struct tobi_result *result, const struct policy_arm *arm,
			  const struct check *check, const struct arm_claims *claims)
{
	int64_t lifecycle = claims->numbers[ARM_LIFECYCLE];
	int state = claims->has[ARM_LIFECYCLE] ? arm_lifecycle_of(lifecycle) : -1;
	bool allowed = state >= 0 && arm->lifecycles >> state & 1;
	bool secured_only = arm->lifecycles == 1u << ARM_SECURED;

	check_record(&result->list, check, allowed,
		     secured_only ? "secured" : "a state that the policy names",
		     arena_printf(&result->arena, "%s (0x%04llx)",
				  arm_lifecycle_name(lifecycle),
				  (unsigned long long)lifecycle));
}

static bool is_equal(struct tobi_bytes asked, struct tobi_bytes found)
{
	return !asked.ptr || bytes_equal(asked, found);
}

static bool is_allowed(const struct policy_arm *arm, const struct arm_component *found)
{
	for (size_t i = 0; i < arm->component_count; i++) {
		const struct policy_component *asked = &arm->components[i];

		if (is_equal(asked->type, found->type) &&
		    is_equal(asked->value, found->value) &&
		    is_equal(asked->signer, found->signer) &&
		    is_equal(asked->version, found->version))
			return true;
	}
	return false;
}

static bool has_type(const struct arm_claims *claims, struct tobi_bytes type)
{
	for (size_t i = 0; i < claims->component_count; i++) {
		if (bytes_equal(claims->components[i].type, type))
			return true;
	}
	return false;
}

static const char *component_text(struct tobi_result *result,
				  const struct arm_component *component)
{
	const char *text = arena_printf(
	    &result->arena, "%s: %s, signer %s",
	    tee_text(&result->arena, component->type, TEE_TEXT_MAX),
	    policy_hex(result, component->value), policy_hex(result, component->signer));

	return text ? text : "another component";
}

/* Each that is there must be one of the policy's; and each type of the policy's must be
 * there, so that nothing is left out. The first that is not is named. */
static void run_components(struct tobi_result *result, const struct policy_arm *arm,
			   const struct check *check, const struct arm_claims *claims)
{
	if (!arm->component_count) {
		check_not_asked(&result->list, check, "the policy names none");
		return;
	}
	for (size_t i = 0; i < claims->component_count; i++) {
		if (!is_allowed(arm, &claims->components[i])) {
			check_record(&result->list, check, false,
				     "components of the policy alone",
				     component_text(result, &claims->components[i]));
			return;
		}
	}
	for (size_t i = 0; i < arm->component_count; i++) {
		struct tobi_bytes type = arm->components[i].type;

		if (type.ptr && !has_type(claims, type)) {
			check_record(&result->list, check, false,
				     tee_text(&result->arena, type, TEE_TEXT_MAX),
				     "no such component");
			return;
		}
	}
	check_record(&result->list, check, claims->component_count > 0, "components",
		     claims->component_count ? "" : "none");
}

void policy_arm_run(struct tobi_result *result, const struct policy_arm *arm,
		    const struct policy_arm_rows *rows, const struct arm_claims *claims)
{
	run_lifecycle(result, arm, rows->lifecycle, claims);
	policy_run_list(result, rows->implementation, &arm->implementations,
			claims->values[ARM_IMPLEMENTATION], NULL);
	policy_run_list(result, rows->instance, &arm->instances,
			claims->values[ARM_INSTANCE], NULL);
	run_components(result, arm, rows->components, claims);
}
