#include "appraise/trust.h"

static const struct trust_vendor vendor = {
    .tier = "soft",
    .does = "certifies the platform key of each host, with which its service signs what "
	    "runs there",
    .bad = "could certify a key of its own, and sign enclaves that do not exist"};

static void add_tpm(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;
	size_t pcrs = 0;

	if (!policy->asks_for_tpm)
		return;
	for (size_t i = 0; i < TEE_PCRS; i++)
		pcrs += policy->pcrs[i].size > 0;
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = policy->tpm_anchors_pem.size
				      ? "TPMs whose attestation key the policy's CA has "
					"certified"
				      : "TPMs whose attestation key a root of the tier "
					"has certified",
			  .source = "tpm",
			  .does = "quote what the host has started",
			  .bad = "could quote another start",
			  .smaller = policy->tpm_anchors_pem.size
					 ? NULL
					 : "name tpm: anchors, a CA that has looked at "
					   "the TPM"});
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_FLOOR,
			  .name = pcrs ? "PCRs with the values that are named"
				       : "whatever the host has started",
			  .value = pcrs ? trust_text(wr, "%zu", pcrs) : NULL,
			  .source = pcrs ? "tpm: pcrs" : NULL,
			  .smaller = pcrs ? NULL : "name tpm: pcrs"});
}

void trust_soft(struct trust_writer *wr)
{
	trust_roots(wr, &vendor, NULL);
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_SERVICE,
		      .name = "root and the kernel of each certified host",
		      .does = "measure what runs, keep the platform key, keep others "
			      "out",
		      .bad = "could read and change every enclave there, and sign any",
		      .smaller = "use a tier of hardware: then hosts are not trusted",
		      .party = "root on a host that the platform CA certifies"});
	add_tpm(wr);
}
