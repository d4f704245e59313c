#include "appraise/trust.h"

#define MAKE_UP "could certify a chip that does not exist, and with it any guest"

static const struct trust_vendor vendor = {
    .tier = "snp",
    .party = "AMD",
    .does = "certifies the intermediate keys of one product line, and what is revoked",
    .bad = MAKE_UP};

static void add_keys(struct trust_writer *wr)
{
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "ASK of the product line",
			  .source = "AMD KDS",
			  .does = "certifies each chip's key for its firmware (VCEK)",
			  .bad = MAKE_UP,
			  .party = "AMD"});
}

static const char *texts(struct trust_writer *wr, const struct bytes_list *list, bool hex)
{
	return trust_list(wr, list->items, list->count, hex);
}

static void add_chip(struct trust_writer *wr)
{
	const struct policy_snp *own = &wr->policy->snp;
	bool pinned = wr->policy->identity == IDENTITY_HARDWARE || own->chips.count > 0;

	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = pinned ? "the chips that are named, and their firmware"
					 : "every genuine chip, and its firmware",
			  .value = texts(wr, &own->chips, true),
			  .source = own->chips.count ? "snp: chips" : NULL,
			  .does = "the security processor keeps the hypervisor out, and "
				  "signs reports",
			  .bad = "who breaks into one chip has its key: and with it any "
				 "guest, anywhere",
			  .smaller = pinned ? NULL
					    : "pin platforms: snp: chips, or identity: "
					      "hardware"});
}

/* With a VLEK the cloud has a part: AMD gives it the secret from which its chips make
 * their keys. */
static void add_cloud(struct trust_writer *wr)
{
	const struct policy_snp *own = &wr->policy->snp;
	bool vlek = !own->has_keys || own->vlek;

	if (!vlek)
		return;
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_SERVICE,
		      .name = own->csps.count ? "clouds whose key may sign (VLEK)"
					      : "any cloud that AMD gives a key (VLEK)",
		      .value = texts(wr, &own->csps, false),
		      .source = own->csps.count ? "snp: csp-ids"
				: own->has_keys ? "snp: keys"
						: NULL,
		      .does = "has a key of its own for all its chips, so that no chip "
			      "is named",
		      .bad = "could let that key out of its chips, and with it make up "
			     "guests",
		      .smaller = own->csps.count
				     ? "name snp: keys: [vcek], if no cloud of yours "
				       "signs with a VLEK"
				     : "name snp: keys: [vcek], or snp: csp-ids: today "
				       "any cloud's VLEK counts",
		      .party = own->csps.count ? "a cloud that the policy names (VLEK)"
					       : "any cloud that AMD gives a VLEK"});
}

static const char *least(struct trust_writer *wr, const struct snp_least_list *list)
{
	const char *all = "";

	for (size_t i = 0; i < list->count; i++) {
		const struct snp_least_tcb *one = &list->items[i];
		struct tobi_bytes tcb = {one->tcb, sizeof(one->tcb)};

		all = trust_text(wr, "%s%s%s %s", all, i ? ", " : "", one->product->name,
				 trust_hex(wr, tcb));
	}
	return all;
}

static void add_versions(struct trust_writer *wr, const struct policy_snp *own)
{
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: generations",
				      "product lines that are accepted",
				      "each product line whose root is trusted",
				      "name snp: generations"},
		  own->generations.count > 0, texts(wr, &own->generations, false));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: refused-generations",
				      "but not these product lines", NULL, NULL},
		  own->refused_generations.count > 0,
		  texts(wr, &own->refused_generations, false));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: min-tcb",
				      "versions of the firmware, at least",
				      "any version of the firmware",
				      "name snp: min-tcb: firmware with known holes is "
				      "accepted, too"},
		  own->tcb.count > 0, least(wr, &own->tcb));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: min-launch-tcb",
				      "versions at the guest's launch, at least", NULL,
				      NULL},
		  own->launch_tcb.count > 0, least(wr, &own->launch_tcb));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: min-firmware",
				      "firmware build, at least", NULL, NULL},
		  own->has_firmware,
		  trust_text(wr, "%u.%u.%u", own->firmware[0], own->firmware[1],
			     own->firmware[2]));
}

static const char *mitigations(struct trust_writer *wr, uint64_t bits)
{
	const char *all = "";

	for (unsigned i = 0; i < 64; i++) {
		if (bits >> i & 1)
			all = trust_text(wr, "%s%sbit %u", all, all[0] ? ", " : "", i);
	}
	return all;
}

static const char *words(struct trust_writer *wr, const struct policy_snp *own,
			 const char *(*word)(const struct policy_snp *, size_t))
{
	const char *all = "", *one;

	for (size_t i = 0; (one = word(own, i)); i++)
		all = trust_text(wr, "%s%s%s", all, i ? ", " : "", one);
	return all;
}

/* What the guest and its machine have to be. */
static void add_guest(struct trust_writer *wr, const struct policy_snp *own)
{
	const char *guest = words(wr, own, policy_snp_guest_word);
	const char *platform = words(wr, own, policy_snp_platform_word);

	trust_key(
	    wr,
	    &(struct trust_key){TOBI_TRUST_FLOOR, "snp: min-abi",
				"the guest demands firmware with this interface, at "
				"least",
				NULL, NULL},
	    own->has_abi, trust_text(wr, "%u.%u", own->abi[0], own->abi[1]));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: guest-policy",
				      "the guest's own rules", NULL, NULL},
		  guest[0] != 0, guest);
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: platform",
				      "how the machine is set up", NULL, NULL},
		  platform[0] != 0, platform);
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: mitigations",
				      "mitigations in force", NULL, NULL},
		  own->mitigations != 0, mitigations(wr, own->mitigations));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: family-id",
				      "only this family", NULL, NULL},
		  own->family_id.size > 0, trust_hex(wr, own->family_id));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "snp: image-id",
				      "only this image of the family", NULL, NULL},
		  own->image_id.size > 0, trust_hex(wr, own->image_id));
}

static void allow(struct trust_writer *wr, bool allowed, const char *name,
		  const char *key, const char *bad)
{
	if (allowed)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_ALLOWANCE,
				  .name = name,
				  .source = key,
				  .bad = bad,
				  .smaller = trust_text(wr, "remove %s", key)});
}

static void add_floor(struct trust_writer *wr)
{
	const struct policy_snp *own = &wr->policy->snp;

	trust_open(wr, &(struct tobi_trust_line){.name = "firmware and guest"});
	add_versions(wr, own);
	add_guest(wr, own);
	allow(wr, own->without_crl, "no list of what AMD has revoked", "snp: crl",
	      "a key that AMD has revoked would count");
	allow(wr, own->provisional, "firmware that is not committed",
	      "snp: provisional-firmware",
	      "who runs the machine can go back to older firmware");
	allow(wr, own->migration, "guests that may be moved (migration agent)",
	      "snp: migration", "the agent sees all that is in the guest");
	allow(wr, own->max_vmpl > 0, "reports that less privileged code has asked for",
	      "snp: max-vmpl", "such code speaks for the whole guest");
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_SIGNER, "snp: id-keys",
				      "keys that sign for a launch (ID key)", NULL, NULL},
		  own->id_keys.count > 0, texts(wr, &own->id_keys, true));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_SIGNER, "snp: author-keys",
				      "keys that certify ID keys (author key)", NULL,
				      NULL},
		  own->author_keys.count > 0, texts(wr, &own->author_keys, true));
	trust_close(wr);
}

void trust_snp(struct trust_writer *wr)
{
	trust_snp_as(wr, vendor.tier);
}

void trust_snp_as(struct trust_writer *wr, const char *tier)
{
	struct trust_vendor roots = vendor;

	roots.tier = tier;
	trust_roots(wr, &roots, add_keys);
	add_chip(wr);
	add_cloud(wr);
	add_floor(wr);
	trust_collateral(wr, wr->policy->bundle_signers.count
				 ? "AMD KDS, or a file"
				 : "AMD KDS, a file, or whoever shows the report");
}
