#include "appraise/policy_gpu.h"
#include "appraise/policy_section.h"
#include "appraise/trust.h"

static const struct trust_vendor devices = {
    .tier = "nvidia-gpu",
    .party = "NVIDIA",
    .does = "certifies the key in each GPU and switch",
    .bad = "could sign for a device that does not exist, or that leaks"};
static const struct trust_vendor values = {
    .tier = "nvidia-rim",
    .party = "NVIDIA",
    .does = "says which driver and firmware are its own (RIM)",
    .bad = "could list firmware that leaks"};

static void add_devices(struct trust_writer *wr)
{
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "every genuine device, its ROM and its firmware",
			  .source = "in the evidence",
			  .does = "measures itself, and certifies its own signing key",
			  .bad = "who breaks into one device can sign for that one"});
}

static void add_values(struct trust_writer *wr, const struct policy_gpu *own)
{
	if (!own || !own->rim_optional) {
		trust_roots(wr, &values, NULL);
		return;
	}
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_FLOOR,
			  .name = "driver and firmware of the GPU",
			  .value = "not compared with NVIDIA's reference values",
			  .source = "gpu: rim",
			  .bad = "a genuine device may run changed firmware or an old "
				 "driver",
			  .smaller = "remove gpu: rim, and give the RIM files"});
}

static void add_floor(struct trust_writer *wr, const struct policy_gpu *own)
{
	bool ocsp = own && own->ocsp_required;

	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_FLOOR,
		      .name = ocsp ? "NVIDIA has not revoked the device"
				   : "revoked devices are not looked for",
		      .source = ocsp ? "gpu: ocsp" : NULL,
		      .bad = ocsp ? NULL : "a device whose key has leaked is accepted",
		      .smaller = ocsp ? NULL : "write gpu: ocsp: required"});
	if (own && own->hold_allowed)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_FLOOR,
				  .name = "devices on hold are accepted",
				  .source = "gpu: hold",
				  .bad = "NVIDIA holds back its word on them",
				  .smaller = "remove gpu: hold"});
	trust_key(wr,
		  &(struct trust_key){.kind = TOBI_TRUST_FLOOR,
				      .key = "gpu: min-driver",
				      .named = "oldest driver that is accepted",
				      .not_named = "any driver that NVIDIA has listed",
				      .smaller = "name gpu: min-driver"},
		  own && (own->min_driver || own->drivers.count),
		  own && own->min_driver ? own->min_driver
		  : own && own->drivers.count
		      ? trust_join(wr, own->drivers.items, own->drivers.count)
		      : NULL);
	trust_key(wr,
		  &(struct trust_key){.kind = TOBI_TRUST_FLOOR,
				      .key = "gpu: chips",
				      .named = "only these devices",
				      .not_named = "any device of NVIDIA",
				      .smaller = "name gpu: chips"},
		  own && own->chips.count,
		  own && own->chips.count
		      ? trust_list(wr, own->chips.items, own->chips.count, true)
		      : NULL);
}

void trust_nvidia(struct trust_writer *wr)
{
	const struct policy_gpu *own = wr->policy->gpu;

	trust_roots(wr, &devices, add_devices);
	add_values(wr, own);
	trust_collateral(wr, "NVIDIA's RIM and OCSP services, or a bundle");
	add_floor(wr, own);
}

/* Beside each tier of a CPU: the section stands for all of them. */
void trust_nvidia_beside(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;

	/* Among the tiers it has said all that already. */
	if (!policy->gpu ||
	    (policy->tier_count == 1 && policy_names_tier(policy, "nvidia-gpu")))
		return;
	trust_open(
	    wr, &(struct tobi_trust_line){
		    .kind = TOBI_TRUST_TIER,
		    .name = trust_text(wr, "NVIDIA devices beside the CPU, at least %u",
				       (unsigned)policy->gpu->min_count),
		    .source = "gpu",
		    .does = "compute on what the CPU's guest sends them, and were asked "
			    "with its evidence"});
	trust_nvidia(wr);
	trust_close(wr);
}
