#include "appraise/trust.h"

static const struct trust_vendor vendor = {
    .tier = "sgx-epid",
    .party = "Intel",
    .does = "certifies the key of Intel's Attestation Service (IAS)",
    .bad = "could sign a report of an enclave that does not exist"};

static void add_keys(struct trust_writer *wr)
{
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_SERVICE,
			  .name = "Intel's Attestation Service (IAS), retired",
			  .source = "in the report",
			  .does = "has verified the quote, and says so: nothing of the "
				  "quote's own signature is checked here",
			  .bad = "could say so of any enclave",
			  .smaller = "use tier sgx (DCAP), which is verified here",
			  .party = "Intel"});
}

void trust_epid(struct trust_writer *wr)
{
	trust_roots(wr, &vendor, add_keys);
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_KEY,
		      .name = "every genuine chip of an EPID group, and its microcode",
		      .does = "keeps the host out, and signs for its group",
		      .bad = "who breaks into one chip can sign for any enclave"});
}
