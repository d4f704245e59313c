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

void trust_sev(struct trust_writer *wr)
{
	trust_roots(wr, &vendor, add_keys);
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_SERVICE,
			  .name = "the platform owner's CA (OCA)",
			  .does = "signs the platform's key (PEK), beside AMD's chip",
			  .bad = "nothing alone: the chip must have signed, too"});
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
}
