#include "appraise/policy_azure.h"
#include "appraise/trust.h"

/* Above the guest, in the same encrypted memory: no hardware keeps it out. */
static void add_paravisor(struct trust_writer *wr)
{
	trust_add(
	    wr, &(struct tobi_trust_line){
		    .kind = TOBI_TRUST_SERVICE,
		    .name = "Azure's paravisor, and its virtual TPM",
		    .does = "runs above the guest in the same encrypted memory, is what "
			    "the hardware measures, and keeps the TPM that measures "
			    "what the guest starts",
		    .bad = "could read and change the guest, and make its TPM say "
			   "anything",
		    .smaller = "use a tier whose guest has the hardware's report to "
			       "itself (snp, tdx)",
		    .party = "Microsoft"});
}

static void add_machines(struct trust_writer *wr)
{
	const struct policy_azure *own = wr->policy->azure;

	trust_key(wr,
		  &(struct trust_key){
		      TOBI_TRUST_INSTANCE, "azure: vm-ids", "one of these machines",
		      "a machine of any customer of Azure counts", "name azure: vm-ids"},
		  own->vms.count > 0,
		  trust_list(wr, own->vms.items, own->vms.count, false));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "azure: root-cert-thumbprints",
				      "set up with one of these certificates", NULL,
				      NULL},
		  own->thumbprints.count > 0,
		  trust_list(wr, own->thumbprints.items, own->thumbprints.count, false));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "azure: secure-boot",
				      "Secure Boot must be on, as the paravisor says it",
				      "Secure Boot may be off",
				      "name azure: secure-boot"},
		  own->secure_boot, "required");
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "azure: console",
				      "the host has no console into the machine", NULL,
				      NULL},
		  own->no_console, "refused");
	for (unsigned i = 0; i < TEE_PCRS; i++) {
		if (wr->policy->pcrs[i].size)
			trust_add(wr, &(struct tobi_trust_line){
					  .kind = TOBI_TRUST_IMAGE,
					  .name = trust_text(wr, "PCR %u", i),
					  .value = trust_hex(wr, wr->policy->pcrs[i]),
					  .source = "tpm: pcrs"});
	}
}

void trust_azure_snp(struct trust_writer *wr)
{
	add_paravisor(wr);
	trust_snp_as(wr, "azure-snp");
	add_machines(wr);
}

void trust_azure_tdx(struct trust_writer *wr)
{
	add_paravisor(wr);
	trust_tdx_as(wr, "azure-tdx");
	add_machines(wr);
}
