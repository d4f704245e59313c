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

void trust_snp(struct trust_writer *wr)
{
	bool pinned = wr->policy->identity == IDENTITY_HARDWARE;

	trust_roots(wr, &vendor, add_keys);
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_KEY,
		      .name = pinned ? "the chips that are named, and their firmware"
				     : "every genuine chip, and its firmware",
		      .does = "the security processor keeps the hypervisor out, and "
			      "signs reports",
		      .bad = "who breaks into one chip has its key: and with it any "
			     "guest, anywhere",
		      .smaller = pinned ? NULL : "pin platforms: identity: hardware"});
	trust_collateral(wr, "AMD KDS, or a file");
}
