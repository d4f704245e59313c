#include "appraise/trust.h"

#define MAKE_UP "could certify a chip that does not exist, and with it any enclave"

static const struct trust_vendor sgx = {
    .tier = "sgx",
    .party = "Intel",
    .does = "certifies the CAs that certify each chip, and who says which firmware is "
	    "current",
    .bad = MAKE_UP};
static const struct trust_vendor tdx = {
    .tier = "tdx",
    .party = "Intel",
    .does = "certifies the CAs that certify each chip, and who says which firmware is "
	    "current",
    .bad = MAKE_UP};

static void add_keys(struct trust_writer *wr)
{
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "Intel SGX PCK Platform CA, PCK Processor CA",
			  .source = "Intel PCS",
			  .does = "certify the key of each chip (PCK)",
			  .bad = MAKE_UP,
			  .party = "Intel"});
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "Intel SGX TCB Signing",
			  .source = "Intel PCS",
			  .does = "says which firmware, quoting enclaves and TDX modules "
				  "are current",
			  .bad = "could call firmware with known holes current",
			  .party = "Intel"});
}

static void add_chip(struct trust_writer *wr)
{
	bool pinned = wr->policy->identity == IDENTITY_HARDWARE;

	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_KEY,
		      .name = "the quoting enclave of each machine",
		      .source = "Intel's QE identity",
		      .does = "signs quotes with a key that the chip's key certifies",
		      .bad = "a hole in it lets who runs the machine make up quotes"});
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_KEY,
		      .name = pinned ? "the chips that are named, and their microcode"
				     : "every genuine chip, and its microcode",
		      .does = "keeps the host out, and vouches for what runs on it",
		      .bad = "who breaks into one chip has its key: and with it any "
			     "enclave, anywhere",
		      .smaller = pinned ? NULL : "pin platforms: identity: hardware"});
}

void trust_sgx(struct trust_writer *wr)
{
	trust_roots(wr, &sgx, add_keys);
	add_chip(wr);
	trust_collateral(wr, "Intel PCS, a PCCS, or a file");
}

void trust_tdx(struct trust_writer *wr)
{
	trust_roots(wr, &tdx, add_keys);
	add_chip(wr);
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "the TDX module, and the firmware in the guest",
			  .does = "the module keeps the hypervisor out; the guest's "
				  "firmware starts what runs",
			  .bad = "a hole in the module opens every TD of the machine"});
	trust_collateral(wr, "Intel PCS, a PCCS, or a file");
}
