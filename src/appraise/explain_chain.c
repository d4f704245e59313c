#include <string.h>

#include "appraise/explain_page.h"

struct link {
	const char *code, *says;
};

/* In the order of the proof: from who is trusted to what runs. Of the codes that a piece
 * of evidence does not owe nothing is shown. */
static const struct link soft[] = {
    {"SOFT-CHAIN", "an anchor of the policy certifies the platform key"},
    {"SOFT-SIGNATURE", "the platform key signed the token"},
    {"SOFT-NONCE", "the token was made for these claims"},
    {NULL, NULL}};
static const struct link sgx[] = {
    {"DCAP-PCK-CHAIN", "Intel's root key certifies this chip's key (PCK)"},
    {"DCAP-PCK-REVOCATION", "Intel has not revoked that certificate"},
    {"DCAP-TCB-INFO", "Intel says which firmware of this chip is current"},
    {"DCAP-TCB-LEVEL", "the chip runs firmware that Intel lists, and has not revoked"},
    {"POLICY-DCAP-TCB-STATUS", "what Intel says of that firmware is good enough for you"},
    {"DCAP-QE-SIGNATURE", "the chip's key signed for its quoting enclave"},
    {"DCAP-QE-MATCH", "the quoting enclave is Intel's"},
    {"DCAP-QE-LEVEL", "it is of a version that Intel lists, and has not revoked"},
    {"DCAP-QE-BINDING", "the quoting enclave vouches for the key that signs quotes"},
    {"DCAP-QUOTE-SIGNATURE", "that key signed this quote"},
    {"SGX-REPORT-DATA", "the quote was made for these claims"},
    {NULL, NULL}};
static const struct link tdx[] = {
    {"DCAP-PCK-CHAIN", "Intel's root key certifies this chip's key (PCK)"},
    {"DCAP-PCK-REVOCATION", "Intel has not revoked that certificate"},
    {"DCAP-TCB-INFO", "Intel says which firmware of this chip is current"},
    {"DCAP-TCB-LEVEL", "the chip runs firmware that Intel lists, and has not revoked"},
    {"POLICY-DCAP-TCB-STATUS", "what Intel says of that firmware is good enough for you"},
    {"DCAP-QE-SIGNATURE", "the chip's key signed for its quoting enclave"},
    {"DCAP-QE-MATCH", "the quoting enclave is Intel's"},
    {"DCAP-QE-LEVEL", "it is of a version that Intel lists, and has not revoked"},
    {"DCAP-QE-BINDING", "the quoting enclave vouches for the key that signs quotes"},
    {"DCAP-QUOTE-SIGNATURE", "that key signed this quote"},
    {"TDX-SEAM", "the TDX module, which keeps the hypervisor out, is signed by Intel"},
    {"TDX-ATTRIBUTES", "the guest has no attribute but those that Intel defines"},
    {"POLICY-DEBUG", "it cannot be debugged, or you allow that"},
    {"TDX-EVENT-LOG", "the log of what was started is the one that was measured"},
    {"BOOT-SEPARATORS", "firmware gave way to the boot loader once, as it should"},
    {"TDX-REPORT-DATA", "the quote was made for these claims"},
    {"POLICY-IMAGE", "the guest's firmware (MRTD) is one that the policy means"},
    {"POLICY-TDX-RTMRS", "what that firmware started is what the policy means (RTMRs)"},
    {NULL, NULL}};
static const struct link snp[] = {
    {"SNP-CHAIN", "AMD's root key (ARK) certifies, through its ASK, the key that signs "
		  "reports"},
    {"SNP-CRL", "AMD's list of revoked keys is there, and current"},
    {"SNP-REVOKED", "none of these certificates is on it"},
    {"SNP-SIGNING-KEY",
     "the report was signed with a key of the chip or its cloud (VCEK, VLEK)"},
    {"SNP-CHIP", "the certificate is of the chip that the report names"},
    {"SNP-TCB", "the certificate is for the firmware that the report names"},
    {"SNP-SIGNATURE", "that key signed this report"},
    {"SNP-ID-BLOCK", "the owner of the image has signed what was launched"},
    {"SNP-REPORT-DATA", "the report was made for these claims"},
    {NULL, NULL}};
static const struct link sev[] = {
    {"SEV-ARK", "AMD's root key (ARK) is the one that is trusted"},
    {"SEV-ASK", "it certifies AMD's signing key (ASK)"},
    {"SEV-CEK", "which certifies this chip's key (CEK)"},
    {"SEV-PEK", "which signed its firmware's key (PEK)"},
    {"SEV-OCA", "the platform's owner has a root of its own (OCA)"},
    {"SEV-OWNER", "which signed the firmware's key, too"},
    {"SEV-PDH", "the firmware's key signed the key of the session (PDH)"},
    {"SEV-MEASUREMENT", "the firmware measured the launch, in that session"},
    {NULL, NULL}};
static const struct link nitro[] = {
    {"NITRO-CHAIN",
     "AWS's root key certifies region, zone, instance and signing key, at that time"},
    {"NITRO-BUNDLE", "the document brings these certificates in their order"},
    {"NITRO-SIGNATURE", "the instance's hypervisor signed the document"},
    {"NITRO-MODULE",
     "the certificate is of the instance or enclave that the document names"},
    {"NITRO-TIME", "the document's time is not in the future"},
    {"NITRO-BINDING", "the document was made for these claims"},
    {NULL, NULL}};
static const struct link tpm[] = {
    {"TPM-EK-CHAIN", "the TPM's maker certifies its endorsement key"},
    {"TPM-AK-CHAIN", "a root, or the policy itself, vouches for the attestation key"},
    {"TPM-AK-CERTIFICATE", "its certificate is one of an attestation key"},
    {"TPM-AK-KEY", "that key is fixed in a TPM and signs only what the TPM says"},
    {"TPM-QUOTE-SIGNATURE", "that key signed what the machine has started"},
    {"TPM-QUOTE-PCRS", "the PCR values are those that were quoted"},
    {"TPM-CERTIFY", "another key is in the same TPM"},
    {"TPM-BINDING", "the quote was made for these claims"},
    {NULL, NULL}};
static const struct link cca[] = {
    {"CCA-PLATFORM-SIGNATURE", "a key that you trust signed for the platform"},
    {"POLICY-CCA-LIFECYCLE", "the platform is locked, so that its keys are protected"},
    {"POLICY-CCA-COMPONENTS", "it has started the firmware that you know"},
    {"CCA-BINDING", "the platform vouches for the realm's key (RAK)"},
    {"CCA-REALM-SIGNATURE", "that key signed what the realm is"},
    {"CCA-REPORT-DATA", "the realm asked for the token with these claims"},
    {NULL, NULL}};
static const struct link psa[] = {
    {"PSA-SIGNATURE", "the device's key (IAK), which you trust, signed the token"},
    {"POLICY-PSA-LIFECYCLE", "the device is locked, so that its keys are protected"},
    {"POLICY-PSA-COMPONENTS", "it has started the firmware that you know"},
    {"PSA-BINDING", "the token was made for these claims"},
    {NULL, NULL}};
static const struct link epid[] = {
    {"EPID-CHAIN", "Intel's root key certifies its Attestation Service"},
    {"EPID-SIGNATURE", "the service signed this report"},
    {"EPID-STATUS", "the service says that it has verified the quote"},
    {"EPID-QUOTE", "the report is of this quote"},
    {"EPID-REPORT-DATA", "the quote was made for these claims"},
    {NULL, NULL}};
/* Of the hardware, and what it then speaks for. */
#define AZURE                                                                            \
	{"AZURE-BINDING", "what it signed names the paravisor's data, and its keys"},    \
	    {"AZURE-AK", "the paravisor's data names the virtual TPM's key"},            \
	    {"AZURE-QUOTE-SIGNATURE", "that key signed what the guest has started"},     \
	    {"AZURE-QUOTE-PCRS", "the values that came are those that were signed"},     \
	    {"AZURE-NONCE", "the quote was made for these claims"},                      \
	{                                                                                \
		NULL, NULL                                                               \
	}
static const struct link azure_snp[] = {
    {"SNP-CHAIN", "AMD's root key (ARK) certifies, through its ASK, the key that signs "
		  "reports"},
    {"SNP-CRL", "AMD's list of revoked keys is there, and current"},
    {"SNP-REVOKED", "none of these certificates is on it"},
    {"SNP-CHIP", "the certificate is of the chip that the report names"},
    {"SNP-TCB", "the certificate is for the firmware that the report names"},
    {"SNP-SIGNATURE", "that key signed this report"},
    {"AZURE-VMPL", "Microsoft's paravisor asked for it, and no one below it"},
    AZURE};
static const struct link azure_tdx[] = {
    {"DCAP-PCK-CHAIN", "Intel's root key certifies this chip's key (PCK)"},
    {"DCAP-PCK-REVOCATION", "Intel has not revoked that certificate"},
    {"DCAP-TCB-INFO", "Intel says which firmware of this chip is current"},
    {"DCAP-TCB-LEVEL", "the chip runs firmware that Intel lists, and has not revoked"},
    {"POLICY-DCAP-TCB-STATUS", "what Intel says of that firmware is good enough for you"},
    {"DCAP-QE-SIGNATURE", "the chip's key signed for its quoting enclave"},
    {"DCAP-QE-MATCH", "the quoting enclave is Intel's"},
    {"DCAP-QE-BINDING", "the quoting enclave vouches for the key that signs quotes"},
    {"DCAP-QUOTE-SIGNATURE", "that key signed this quote"},
    {"TDX-SEAM", "the TDX module, which keeps the hypervisor out, is signed by Intel"},
    {"AZURE-TD-REPORT", "the quote is of the TD of which the paravisor reports"},
    AZURE};
static const struct link nvidia[] = {{NULL, NULL}};
static const struct link eat[] = {
    {"EAT-SIGNER", "the policy trusts the key of whoever made the token"},
    {"EAT-SIGNATURE", "that key signed the token"},
    {"EAT-TIME", "the token's time is not in the future, and it has not expired"},
    {"EAT-SUBMODS", "each of its parts is proven, too"},
    {"EAT-BINDING", "the token was made for these claims"},
    {"POLICY-EAT-SOFTWARE", "it runs software that the policy means"},
    {NULL, NULL}};
static const struct link ear[] = {
    {"EAR-SIGNER", "the policy trusts the verifier's key"},
    {"EAR-SIGNATURE", "that key signed the result"},
    {"EAR-TIME", "the result's time is not in the future, and it has not expired"},
    {"POLICY-EAR-STATUS", "the verifier calls the attester trustworthy"},
    {"POLICY-EAR-POLICIES", "by a policy that you mean"},
    {"POLICY-EAR-BINDING", "the result is of the attester that shows it"},
    {NULL, NULL}};
/* Behind each of them; of a session, of a file, of a certificate, of a TPM. */
static const struct link ends[] = {
    {"TPM-AK-CHAIN", "a CA certifies the attestation key of the host's TPM"},
    {"TPM-QUOTE-SIGNATURE", "that key signed what the host has started"},
    {"GPU-CHAIN", "NVIDIA's root key certifies each device's key"},
    {"POLICY-GPU-OCSP", "NVIDIA has not revoked these certificates"},
    {"GPU-SIGNATURE", "that key signed what the device has measured"},
    {"GPU-FWID", "it belongs to the firmware that reports"},
    {"GPU-RIM-CHAIN", "NVIDIA's other root key certifies who signs reference values"},
    {"GPU-RIM-SIGNATURE", "who has signed the list of what is NVIDIA's"},
    {"GPU-RIM-MATCH", "driver and firmware are on that list"},
    {"GPU-NONCE", "each device was asked with what it is to be bound to"},
    {"CLAIMS-NONCE", "it was made for your nonce: it is new"},
    {"RATLS-BINDING", "the evidence is bound to the certificate's key"},
    {"ATLS-BINDER", "the claims are bound to this TLS session"},
    {"POLICY-DEBUG", "what runs cannot be debugged, or you allow that"},
    {"POLICY-IMAGE", "what was measured is a program that the policy means"},
    {"POLICY-SIGNER", "a signer that the policy means has signed it"},
    {"POLICY-REFERENCE-SIGNER", "whoever vouches for programs is whom the policy means"},
    {"POLICY-REFERENCE-MATCH", "what was measured is a program that they vouch for"},
    {NULL, NULL}};

static const struct {
	const char *tier;
	const struct link *links;
} chains[] = {{"soft", soft},
	      {"sgx", sgx},
	      {"tdx", tdx},
	      {"snp", snp},
	      {"sev", sev},
	      {"nitro", nitro},
	      {"nitro-tpm", nitro},
	      {"sgx-epid", epid},
	      {"tpm", tpm},
	      {"cca", cca},
	      {"psa", psa},
	      {"azure-snp", azure_snp},
	      {"azure-tdx", azure_tdx},
	      {"nvidia-gpu", nvidia},
	      {"eat", eat},
	      {"ear", ear},
	      {NULL, soft}};

static const struct check_record *find(const struct tobi_result *result, const char *code)
{
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		if (strcmp(record->check->code, code) == 0)
			return record;
	}
	return NULL;
}

static bool is_among(const struct link *links, const char *code)
{
	for (; links && links->code; links++) {
		if (strcmp(links->code, code) == 0)
			return true;
	}
	return false;
}

/* Without those that are said already: a TPM or a device may be all that there is, or
 * come beside something else. */
static void put_links(const struct tobi_result *result, const struct link *links,
		      const struct link *said, struct writer *out)
{
	for (; links->code; links++) {
		const struct check_record *record = find(result, links->code);
		const char *outcome;

		if (!record || record->outcome == TOBI_NOT_ASKED ||
		    is_among(said, links->code))
			continue;
		outcome = explain_outcome(record->outcome);
		wr_printf(out,
			  "<li class=\"%s\"><b>%s</b> <span>%s%s</span> "
			  "<code>%s</code></li>\n",
			  outcome, outcome,
			  record->outcome == TOBI_PASSED ? "" : "not proven: ",
			  links->says, links->code);
	}
}

static bool has_any(const struct tobi_result *result, const struct link *links)
{
	for (; links->code; links++) {
		if (find(result, links->code))
			return true;
	}
	return false;
}

/* By the tier; where the evidence did not come so far, by what it owes. */
static const struct link *links_of(const struct tobi_result *result)
{
	const char *tier = result->claims.tier;
	size_t kind = 0;

	while (chains[kind].tier && (tier ? strcmp(chains[kind].tier, tier) != 0
					  : !has_any(result, chains[kind].links)))
		kind++;
	return chains[kind].links;
}

void explain_page_chain(const struct tobi_result *result, struct writer *out)
{
	const struct link *links = links_of(result);

	wr_printf(out, "<h2>From the root of trust to the program</h2>\n"
		       "<ol class=\"chain\">\n");
	put_links(result, links, NULL, out);
	put_links(result, ends, links, out);
	wr_printf(out, "</ol>\n");
}
