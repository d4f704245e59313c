#include "appraise/policy_sev.h"
#include "appraise/trust.h"

static const struct trust_vendor vendor = {
    .tier = "sev",
    .party = "AMD",
    .does = "certifies AMD's signing key (ASK), which certifies each chip (CEK)",
    .bad = "could certify a chip that does not exist, and with it any guest"};

static void add_keys(struct trust_writer *wr)
{
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "ASK and the chip's key (CEK)",
			  .source = "AMD",
			  .does = "certify the platform's key (PEK)",
			  .bad = "could certify a platform that does not exist",
			  .party = "AMD"});
}

static void add_owner(struct trust_writer *wr, const struct policy_sev *own)
{
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_SERVICE,
		      .name = own->owners.count
				  ? "the platform's owner (OCA), one that is named"
				  : "whoever owns the platform (OCA)",
		      .value = trust_list(wr, own->owners.items, own->owners.count, true),
		      .source = own->owners.count ? "sev: oca" : NULL,
		      .does = "signs the platform's key (PEK), beside AMD's chip",
		      .bad = "nothing alone: the chip must have signed, too",
		      .smaller = own->owners.count ? NULL : "name sev: oca"});
}

/* A chip alone is not enough then. */
static void add_owned(struct trust_writer *wr, const struct policy_sev *own)
{
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "sev: owner",
				      "an owner (OCA) must have signed, too", NULL, NULL},
		  own->owner_required, NULL);
}

static void add_floor(struct trust_writer *wr, const struct policy_sev *own)
{
	trust_open(wr, &(struct tobi_trust_line){.name = "firmware and guest"});
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "sev: generations",
				      "product lines that are accepted",
				      "each product line whose root is trusted",
				      "name sev: generations"},
		  own->generation_count > 0,
		  trust_join(wr, own->generations, own->generation_count));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "sev: min-api",
				      "firmware's API at least",
				      "any version of the firmware", "name sev: min-api"},
		  own->has_min_api,
		  trust_text(wr, "%u.%u", own->min_major, own->min_minor));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "sev: min-build",
				      "firmware's build at least", NULL, NULL},
		  own->has_min_build, trust_text(wr, "%u", own->min_build));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "sev: guest-policy",
				      "guest policy has these bits",
				      "any guest policy, without SEV-ES too",
				      "name sev: guest-policy"},
		  own->guest_policy != 0,
		  trust_text(wr, "0x%08x", (unsigned)own->guest_policy));
	if (own->platform_only)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_ALLOWANCE,
				  .name = "a platform alone, without a guest's launch",
				  .source = "sev: platform-only",
				  .bad = "nothing is said of what runs there",
				  .smaller = "remove sev: platform-only"});
	trust_close(wr);
}

void trust_sev(struct trust_writer *wr)
{
	const struct policy_sev none = {0};
	const struct policy_sev *own = wr->policy->sev ? wr->policy->sev : &none;

	trust_roots(wr, &vendor, add_keys);
	add_owner(wr, own);
	add_owned(wr, own);
	trust_add(
	    wr, &(struct tobi_trust_line){
		    .kind = TOBI_TRUST_SERVICE,
		    .name = "whoever runs the hypervisor",
		    .does = "is kept from reading memory, and no more: memory is not "
			    "protected against change",
		    .bad = "could replay and move memory, and without SEV-ES read and "
			   "change registers",
		    .smaller = "use tier snp, where memory is protected against change"});
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "every genuine chip, and its firmware",
			  .does = "measures the launch, and keeps the memory's key",
			  .bad = "a hole in it opens every guest of the machine"});
	add_floor(wr, own);
}
