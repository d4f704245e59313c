#include <string.h>

#include "appraise/policy_cca.h"
#include "appraise/policy_psa.h"
#include "appraise/trust.h"

static const struct trust_vendor cca = {
    .tier = "cca",
    .does = "signs for the platform: its firmware, its state and the realm's key",
    .bad = "could sign for a platform, and a realm, that do not exist"};
static const struct trust_vendor psa = {
    .tier = "psa",
    .does = "signs for the device: its firmware and its state",
    .bad = "could sign for a device, and firmware, that do not exist"};

/* Of no vendor's: nobody is trusted where the policy names nobody. */
static void add_roots(struct trust_writer *wr, const struct trust_vendor *vendor,
		      const char *without)
{
	bool named = false;

	for (size_t i = 0; i < wr->policy->root_count; i++)
		named |= strcmp(wr->policy->roots[i].tier, vendor->tier) == 0;
	if (named)
		trust_roots(wr, vendor, NULL);
	else
		trust_add(wr, &(struct tobi_trust_line){.kind = TOBI_TRUST_ROOT,
							.name = without});
}

static const char *component_text(struct trust_writer *wr,
				  const struct policy_component *component)
{
	return trust_text(
	    wr, "%s%s%s%s", component->value.ptr ? "measurement " : "",
	    component->value.ptr ? trust_hex(wr, component->value) : "",
	    component->signer.ptr ? (component->value.ptr ? ", signer " : "signer ") : "",
	    component->signer.ptr ? trust_hex(wr, component->signer) : "");
}

static void add_components(struct trust_writer *wr, const struct policy_arm *arm,
			   const char *key, const char *bad)
{
	trust_open(
	    wr,
	    &(struct tobi_trust_line){
		.kind = TOBI_TRUST_FLOOR,
		.name = arm->component_count ? "the firmware, as it is named"
					     : "any firmware that the device starts",
		.source = arm->component_count ? key : NULL,
		.does = "starts first, and measures what comes next",
		.bad = bad,
		.smaller = arm->component_count ? NULL : trust_text(wr, "name %s", key)});
	for (size_t i = 0; i < arm->component_count; i++) {
		const struct policy_component *component = &arm->components[i];
		struct tobi_bytes type = component->type;

		trust_add(wr,
			  &(struct tobi_trust_line){
			      .kind = component->value.ptr ? TOBI_TRUST_FLOOR
							   : TOBI_TRUST_SIGNER,
			      .name = type.size ? trust_text(wr, "%.*s", (int)type.size,
							     (const char *)type.ptr)
						: "any component",
			      .value = component_text(wr, component),
			      .source = key});
	}
	trust_close(wr);
}

static void add_devices(struct trust_writer *wr, const struct policy_arm *arm,
			const char *implementations, const char *instances)
{
	bool pinned = wr->policy->identity == IDENTITY_HARDWARE || arm->instances.count;

	trust_key(
	    wr,
	    &(struct trust_key){TOBI_TRUST_INSTANCE, implementations,
				"devices of these models", NULL, NULL},
	    arm->implementations.count > 0,
	    trust_list(wr, arm->implementations.items, arm->implementations.count, true));
	trust_key(wr,
		  &(struct trust_key){
		      TOBI_TRUST_INSTANCE, instances, "exactly these devices",
		      pinned ? NULL : "any device that one of the roots signs for",
		      trust_text(wr, "name %s", instances)},
		  arm->instances.count > 0,
		  trust_list(wr, arm->instances.items, arm->instances.count, true));
	if (arm->lifecycles != 1u << ARM_SECURED)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_ALLOWANCE,
				  .name = "devices that are not locked for the field",
				  .source = "lifecycle",
				  .bad = "gives its keys to whoever holds it",
				  .smaller = "remove lifecycle, or name secured alone"});
}

void trust_cca(struct trust_writer *wr)
{
	static const struct policy_cca nothing = {.arm = POLICY_ARM_DEFAULT};
	const struct policy_cca *own = wr->policy->cca ? wr->policy->cca : &nothing;

	add_roots(wr, &cca,
		  "no key of a platform (CPAK): nothing of this tier is accepted");
	add_components(wr, &own->arm, "cca: components",
		       "could read and change every realm: the monitor (RMM) is what "
		       "keeps the hypervisor out");
	add_devices(wr, &own->arm, "cca: implementation-ids", "cca: instance-ids");
}

void trust_psa(struct trust_writer *wr)
{
	static const struct policy_psa nothing = {.arm = POLICY_ARM_DEFAULT};
	const struct policy_psa *own = wr->policy->psa ? wr->policy->psa : &nothing;

	add_roots(wr, &psa,
		  "no public key of a device (IAK): only who shares a key with it "
		  "(--secret) can accept it");
	add_components(wr, &own->arm, "psa: components",
		       "could say anything of itself that it can have signed");
	add_devices(wr, &own->arm, "psa: implementation-ids", "psa: instance-ids");
}
