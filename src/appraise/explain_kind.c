#include <string.h>

#include "appraise/explain_page.h"

/* For who meets the word for the first time. What it keeps out is explain_tier()'s. */
static const struct {
	const char *tier, *name, *is;
} kinds[] = {
    {"soft", "Tobichi's own tier, without special hardware",
     "A service of the host starts the program apart from all others, measures it first, "
     "and signs what it measured with the host's key."},
    {"sgx", "Intel SGX: an enclave in a process",
     "The CPU keeps a part of one process to itself, encrypts its memory, measures what "
     "is loaded there, and signs that measurement with a key that only Intel can have "
     "certified."},
    {"tdx", "Intel TDX: a confidential virtual machine",
     "The CPU and Intel's TDX module run a whole virtual machine whose memory the "
     "hypervisor cannot read. They measure what it was built from and what it started, "
     "and a quoting enclave signs that with a key that only Intel can have certified."},
    {"snp", "AMD SEV-SNP: a confidential virtual machine",
     "A processor of its own inside the CPU encrypts the memory of a virtual machine, "
     "protects it against change, measures what was launched, and signs a report with a "
     "key that only AMD can have certified."},
    {"sev", "AMD SEV: a virtual machine with encrypted memory",
     "A processor of its own inside the CPU encrypts the memory of a virtual machine and "
     "measures what was launched. It is older than SEV-SNP, and proves less: memory is "
     "not protected against change."},
    {"cca", "Arm CCA: a realm, a confidential virtual machine",
     "The CPU and the Realm Management Monitor run a whole virtual machine whose memory "
     "the hypervisor cannot read, and measure it. The monitor signs for the realm with a "
     "key of that boot; the platform's security processor vouches for that key and for "
     "its own firmware, with a key that the maker knows."},
    {"psa", "A PSA token: a device and its firmware",
     "The root of trust of a small device measures the firmware that it starts, and "
     "signs "
     "the measurements with a key that only this device has."},
    {"nitro", "AWS Nitro: an enclave of the cloud",
     "AWS's own hypervisor runs a small virtual machine beside the customer's instance, "
     "which has no network and no login, measures it, and signs a document with a key "
     "that AWS has certified for some hours."},
    {"nitro-tpm", "AWS NitroTPM: a measured instance of the cloud",
     "AWS's own hypervisor measures what a virtual machine has started, and signs the "
     "measurements with a key that AWS has certified for some hours."},
    {"tpm", "A TPM 2.0: a measured machine",
     "A chip, or a part of the hypervisor that plays one, to which firmware and boot "
     "loader tell what they start, each before it runs. It signs the sums of what it was "
     "told with a key that cannot leave it."},
    {"nvidia-gpu", "NVIDIA: a GPU or a switch, alone",
     "A small processor in the device measures its firmware, its driver and how it is "
     "set "
     "up, and signs that with a key that only NVIDIA can have certified. What runs on "
     "the "
     "machine around it must be proven by evidence of its CPU."},
    {"eat", "an attestation token (EAT)",
     "A device signs, in the form that the IETF has agreed on, what it says of itself: "
     "who made it, what it runs, whether it can be debugged. How far that can be "
     "believed is a matter of who holds the key."},
    {"ear", "an attestation result (EAR)",
     "Somebody else has looked at evidence and signed what he thinks of it. Neither the "
     "evidence nor its checks are seen here: who accepts this trusts that verifier."},
    {"sgx-epid", "Intel SGX with EPID, retired",
     "An enclave's quote that Intel's Attestation Service has verified, and signed for. "
     "The service has ended: what was signed then can still be looked at."},
    {"azure-snp", "Azure: a confidential virtual machine on AMD SEV-SNP",
     "The processor encrypts the machine's memory and signs a report of what was "
     "launched: Microsoft's paravisor, which runs inside, above the guest. It keeps a "
     "virtual TPM, whose key the report names, and which says what the guest has "
     "started."},
    {"azure-tdx", "Azure: a confidential virtual machine on Intel TDX",
     "The processor encrypts the machine's memory, and a quoting enclave signs what was "
     "launched: Microsoft's paravisor, which runs inside, above the guest. It keeps a "
     "virtual TPM, whose key the quote names, and which says what the guest has "
     "started."},
};

void explain_page_tier(const struct tobi_result *result, struct writer *out)
{
	const char *tier = result->claims.tier;

	if (!tier)
		return;
	wr_printf(out, "<h2>What this is</h2>\n<div class=\"tier\">\n");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].tier, tier) == 0)
			wr_printf(out, "<p><b>%s</b></p>\n<p>%s</p>\n", kinds[i].name,
				  kinds[i].is);
	}
	wr_printf(out, "<p><b>Tier ");
	html_text(out, tier);
	wr_printf(out, ":</b> ");
	html_text(out, explain_tier(tier));
	wr_printf(out, ".</p>\n</div>\n");
}
