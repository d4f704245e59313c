#include "appraise/policy_azure.h"
#include "appraise/policy_tpm.h"
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
}

/* images is of the paravisor. */
static void add_guest(struct trust_writer *wr)
{
	if (wr->policy->tpm)
		trust_pcrs(wr, wr->policy->tpm);
	if (policy_tpm_names(wr->policy) || wr->policy->boot)
		return;
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_IMAGE,
			  .name = "whatever the guest's firmware starts",
			  .does = "images names the paravisor only",
			  .bad = "who launches the guest could have it start another "
				 "kernel",
			  .smaller = "name tpm: pcrs, or boot",
			  .party = "who launches the guest"});
}

void trust_azure_snp(struct trust_writer *wr)
{
	add_paravisor(wr);
	trust_snp_as(wr, "azure-snp");
	add_guest(wr);
	add_machines(wr);
}

void trust_azure_tdx(struct trust_writer *wr)
{
	add_paravisor(wr);
	trust_tdx_as(wr, "azure-tdx");
	add_guest(wr);
	add_machines(wr);
}
