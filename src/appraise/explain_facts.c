#include <string.h>

#include "appraise/explain_page.h"
#include "base/hex.h"

enum group { PROGRAM, BOUND, FIRMWARE, SETTINGS, MACHINE, OTHER, GROUPS };

static const char *const titles[GROUPS] = {
    [PROGRAM] = "The program, as it was measured",
    [BOUND] = "What the evidence was made for",
    [FIRMWARE] = "The firmware, and what its maker says of it",
    [SETTINGS] = "How it was set up",
    [MACHINE] = "The machine",
    [OTHER] = "The rest"};

/* What the makers' words mean. name is the start of a fact's name; the first that fits
 * counts. */
static const struct {
	const char *name;
	enum group group;
	const char *means; /* or "" */
} words[] = {
    {"endorsed", PROGRAM, "what is vouched for by who signed the reference values"},
    {"result: ", PROGRAM, "what the verifier thinks of this attester"},
    {"claim: ", PROGRAM, ""},
    {"verifier's policy: ", PROGRAM, "the rules by which the verifier judged"},
    {"verifier", MACHINE, "who looked at the evidence"},
    {"profile of the", SETTINGS, "which document says what each claim means"},
    {"issue", BOUND, ""},
    {"expires", BOUND, ""},
    {"bound to (", BOUND, "hash of the key of the attester that the result is about"},
    {"software's version", PROGRAM, ""},
    {"software", PROGRAM, "what the attester calls its own software"},
    {"image, as the verifier says", PROGRAM, ""},
    {"evidence", BOUND, ""},
    {"debugging", SETTINGS, "whether somebody outside can look in"},
    {"maker's boot", SETTINGS, ""},
    {"submodule", MACHINE, "a part that reports on itself"},
    {"device (UEID)", MACHINE, "names the device, for its whole life"},
    {"maker of the hardware", MACHINE, ""},
    {"model", MACHINE, ""},
    {"MRENCLAVE", PROGRAM, "hash of the enclave as it was loaded"},
    {"MRSIGNERSEAM", FIRMWARE, "who signed the TDX module; zero: Intel"},
    {"MRSIGNER", PROGRAM, "hash of the key that signed the enclave"},
    {"MRSEAM", FIRMWARE, "hash of the TDX module, which keeps the hypervisor out"},
    {"MRTD", PROGRAM, "hash of the virtual machine as it was built: its firmware"},
    {"RTMR0", PROGRAM, "hash over the firmware's settings"},
    {"RTMR1", PROGRAM, "hash over the boot loader and the kernel"},
    {"RTMR2", PROGRAM, "hash over the command line and the first file system"},
    {"RTMR3", PROGRAM, "hash over what the guest itself has added"},
    {"MRCONFIGID", PROGRAM, "what whoever launched it has fixed"},
    {"MROWNERCONFIG", PROGRAM, "what its owner has configured"},
    {"MROWNER", PROGRAM, "whose virtual machine it is said to be"},
    {"MRSERVICETD", PROGRAM, "hash of a helper TD, for migration; zero: none"},
    {"GPU ", MACHINE, "one of the GPUs: its number, versions, and what was compared"},
    {"switch ", MACHINE, "one of the switches between the GPUs"},
    {"chip's number", MACHINE, "NVIDIA's number of this one device, as certified"},
    {"driver", FIRMWARE, "that the device has measured; RIM: NVIDIA's list of its own"},
    {"firmware's hash (FWID)", FIRMWARE, "of the first firmware, in its certificate"},
    {"revocation", FIRMWARE, "what NVIDIA's responder (OCSP) says of the certificates"},
    {"board", MACHINE, "the model, by NVIDIA's numbers"},
    {"protected PCIe", SETTINGS, "several GPUs work as one, encrypted between them"},
    {"launch measurement", PROGRAM, "hash of the virtual machine as it was launched"},
    {"launch digest", PROGRAM, "hash of the virtual machine as it was launched"},
    {"host data", PROGRAM, "what the host has fixed at launch"},
    {"author key", PROGRAM, "hash of the key that certifies the ID key"},
    {"ID key", PROGRAM, "hash of the key that signed for this launch"},
    {"family id", PROGRAM, "the owner's name for the family of images"},
    {"image id", PROGRAM, "the owner's name for the image"},
    {"PCR 0, image", PROGRAM, "hash of the whole image"},
    {"PCR 1, kernel", PROGRAM, "hash of its kernel and first file system"},
    {"PCR 2, application", PROGRAM, "hash of the rest: the application"},
    {"PCR 3, IAM role", PROGRAM, "hash of the role of the instance that started it"},
    {"PCR 4, instance", PROGRAM, "hash of the id of that instance"},
    {"PCR 8, signer", PROGRAM, "hash of the certificate that signed the image"},
    {"PCR", PROGRAM, ""},
    {"quoted PCRs", PROGRAM, "which of them the TPM speaks of, by hash"},
    {"digest of the PCRs", PROGRAM, "one hash over all that were quoted"},
    {"ISVPRODID", PROGRAM, "which product of the signer"},
    {"ISVSVN", PROGRAM, "its security version: it only grows"},
    {"ISVFAMILYID", PROGRAM, "the family of products"},
    {"ISVEXTPRODID", PROGRAM, "the product, in full"},
    {"CONFIGID", PROGRAM, "what the launch has fixed"},
    {"CONFIGSVN", PROGRAM, "version of that"},
    {"guest SVN", PROGRAM, "security version, which the guest's owner chose"},
    {"boot, event log", PROGRAM,
     "what was started, step by step; it gives the same hashes as the registers"},
    {"boot, Secure Boot", FIRMWARE, "whether firmware asked who signed what it ran"},
    {"boot PK", FIRMWARE, "hash of the owner's key, which may change the lists"},
    {"boot KEK", FIRMWARE, "hash of the keys that may change what is trusted"},
    {"boot dbx", FIRMWARE, "hash of the list of what is not run"},
    {"boot db", FIRMWARE, "hash of the list of who may sign what is run"},
    {"boot, locality", FIRMWARE,
     "how firmware's measuring began; 0 where it says nothing"},
    {"boot, firmware", FIRMWARE, "ExitBootServices: from there on the system rules"},
    {"boot image", PROGRAM, "hash of what firmware ran: boot loader, kernel"},
    {"boot driver", FIRMWARE, "hash of a driver, of a card or from a disk"},
    {"boot kernel", PROGRAM, "hash of the kernel, as the loader read it"},
    {"boot initrd", PROGRAM, "hash of the first file system"},
    {"boot command line", PROGRAM, "what the kernel was told at its start"},
    {"boot, files", PROGRAM, "programs and files that the kernel read (IMA)"},
    {"boot, unexplained", PROGRAM, ""},
    {"event log", PROGRAM, "what was started, step by step; it gives the same hashes"},
    {"RIM", PROGRAM, "hash of the realm as it was started"},
    {"REM", PROGRAM, "what the realm itself has measured since"},
    {"component", FIRMWARE, "firmware that was measured, and who signed it"},
    {"personalisation value", PROGRAM, "what whoever started the realm has fixed"},
    {"realm challenge", BOUND, "what the realm itself put in: a nonce, a key's hash"},
    {"realm's profile", BOUND, "which generation of token this is"},
    {"token's profile", BOUND, "which generation of token this is"},
    {"client", BOUND, "who on the device asked for the token"},
    {"realm instance id", MACHINE, "names this start of the realm"},
    {"implementation id", MACHINE, "names the model of the device"},
    {"instance id", MACHINE, "names the device"},
    {"security lifecycle", SETTINGS, "whether the device is locked, as in the field"},
    {"memory encryption", SETTINGS, ""},
    {"realm's hash", SETTINGS, "with which the realm is measured"},
    {"platform's hash", SETTINGS, ""},
    {"hardware version", MACHINE, ""},
    {"boot seed", MACHINE, "names this start of the device"},
    {"certification reference", MACHINE, "of psacertified.org, as the device says"},
    {"asks to be verified by", MACHINE, "a service that it names itself: not asked here"},
    {"VM setting", SETTINGS, "how the machine is set up, as the paravisor says it"},
    {"user data", BOUND, "what the guest has put in beside the nonce"},
    {"MISCSELECT", SETTINGS, "what is reported when an enclave stops"},
    {"REPORTDATA", BOUND, "what the program itself put in: a nonce, a key's hash"},
    {"report data", BOUND, "what the guest itself put in: a nonce, a key's hash"},
    {"public_key", BOUND, "a key whose private half is inside"},
    {"public key", BOUND, "a key whose private half is inside"},
    {"user_data", BOUND, "what the enclave itself put in"},
    {"user data", BOUND, "what the enclave itself put in"},
    {"TPM firmware", FIRMWARE, "its version, as its maker counts"},
    {"TPM clock", MACHINE, "how long the TPM has run, since it was cleared"},
    {"TPM resets", MACHINE, "how often the machine was started, since it was cleared"},
    {"TPM's AK", BOUND, "the key with which the TPM signs"},
    {"nonce", BOUND, "what shows that it is new"},
    {"basename", BOUND, ""},
    {"signed at", BOUND, "the time of the hypervisor's clock"},
    {"reported", BOUND, "the time of the service's clock"},
    {"asked for by", BOUND, ""},
    {"report id", BOUND, "names this guest for as long as it runs"},
    {"TCB status", FIRMWARE,
     "what Intel says of this firmware: UpToDate, or what is wrong"},
    {"status", FIRMWARE, "what the maker says"},
    {"advisor", FIRMWARE, "known holes that this firmware has"},
    {"TCB date", FIRMWARE, "all that was known then is repaired in it"},
    {"TCB evaluation", FIRMWARE, "the number of the vendor's review"},
    {"collateral", FIRMWARE, "how long the vendor's documents are valid"},
    {"revoked", FIRMWARE, ""},
    {"CPUSVN", FIRMWARE, "versions of microcode and firmware, as numbers"},
    {"latest", FIRMWARE, ""},
    {"PCE SVN", FIRMWARE, "version of the enclave that certifies the quoting enclave"},
    {"SGX TCB", FIRMWARE, "versions of each part, as the certificate says"},
    {"TEE_TCB", FIRMWARE, "versions of the TDX module and its loader"},
    {"QE and PCE", FIRMWARE, ""},
    {"TCB reported", FIRMWARE, "versions that the signing key was made for"},
    {"TCB current", FIRMWARE, "versions that run now"},
    {"TCB committed", FIRMWARE, "the machine cannot go back behind these"},
    {"TCB at launch", FIRMWARE, "versions that ran when the guest was launched"},
    {"firmware committed", FIRMWARE, "the machine cannot go back behind it"},
    {"firmware", FIRMWARE, ""},
    {"mitigations", FIRMWARE, "protections that are switched on"},
    {"service", FIRMWARE, ""},
    {"platform services", FIRMWARE, ""},
    {"attributes", SETTINGS, "debugging, and other switches"},
    {"TDATTRIBUTES", SETTINGS, "debugging, and other switches"},
    {"XFAM", SETTINGS, "which extended registers it may use"},
    {"guest policy", SETTINGS, "what the guest's owner allows the host"},
    {"guest", SETTINGS, ""},
    {"VMPL", SETTINGS, "0 is the most privileged level inside the guest"},
    {"platform info", SETTINGS, "what is switched on in the machine"},
    {"platform configuration", SETTINGS, ""},
    {"least firmware", SETTINGS, ""},
    {"AK certified by", MACHINE, "the root that vouches for the attestation key"},
    {"AK", MACHINE, "SHA-256 of the attestation key: it names this TPM"},
    {"EK", MACHINE, "SHA-256 of the endorsement key: it names this TPM for good"},
    {"TPM", MACHINE, "its maker (TCG's list), as a certificate says"},
    {"Google", MACHINE, "as the attestation key's certificate says"},
    {"NitroTPM", MACHINE, "the instance, and its TPM"},
    {"module", MACHINE, "names the instance, and the enclave in it"},
    {"platform (PPID)", MACHINE, "names the platform"},
    {"platform", MACHINE, ""},
    {"FMSPC", MACHINE, "family and model, as Intel counts"},
    {"PCE-ID", MACHINE, ""},
    {"QEID", MACHINE, "names this machine's quoting enclave"},
    {"SGX type", MACHINE, ""},
    {"certified by", MACHINE, ""},
    {"chip", MACHINE, "names the chip"},
    {"owner's key", MACHINE, "the key of the machine's owner (OCA)"},
    {"product", MACHINE, ""},
    {"generation", MACHINE, ""},
    {"CPU", MACHINE, ""},
    {"cloud", MACHINE, "whose key signed"},
    {"signed with", MACHINE, ""},
    {"pseudonym", MACHINE, "the same for all reports of one machine to one asker"},
};

static const char *meaning_of(const char *fact, enum group *ret_group)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(words[i].name, fact, strlen(words[i].name)) == 0) {
			*ret_group = words[i].group;
			return words[i].means;
		}
	}
	*ret_group = OTHER;
	return "";
}

static void put_fact(const struct tee_fact *fact, const char *means, struct writer *out)
{
	size_t zeros = strspn(fact->value, "0"), ones = strspn(fact->value, "f");

	wr_printf(out, "<dt>");
	html_text(out, fact->name);
	wr_printf(out, "</dt><dd%s>",
		  strspn(fact->value, "0123456789abcdef") > 15 ? " class=\"hex\"" : "");
	html_text(out, fact->value);
	if (means[0])
		wr_printf(out, "<small>%s</small>", means);
	if (zeros > 15 && !fact->value[zeros])
		wr_printf(out, "<small>All zero: nothing was put in.</small>");
	if (ones > 15 && !fact->value[ones])
		wr_printf(out, "<small>All ones: not in use.</small>");
	wr_printf(out, "</dd>\n");
}

static void put_group(const struct tee_claims *claims, enum group group,
		      struct writer *out)
{
	bool open = false;

	for (size_t i = 0; i < claims->fact_count; i++) {
		enum group own;
		const char *means = meaning_of(claims->facts[i].name, &own);

		if (own != group)
			continue;
		if (!open)
			wr_printf(out, "<h3>%s</h3>\n<dl>\n", titles[group]);
		open = true;
		put_fact(&claims->facts[i], means, out);
	}
	if (open)
		wr_printf(out, "</dl>\n");
}

static void put_hex(struct writer *out, const char *name, struct tobi_bytes bytes)
{
	char text[2 * 64 + 1];

	if (bytes.size == 0 || bytes.size > 64)
		return;
	hex_write(bytes, text, sizeof(text));
	wr_printf(out, "<dt>%s</dt><dd class=\"hex\">%s</dd>\n", name, text);
}

static void put_written(struct writer *out, const char *name, struct writer *text)
{
	if (text->size) {
		wr_u8(text, 0);
		if (!wr_err(text))
			html_pair(out, name, (const char *)text->ptr);
	}
	wr_done(text);
}

/* What a policy compares, whatever the kind. */
static void put_common(const struct tobi_result *result, struct writer *out)
{
	const struct tee_claims *claims = &result->claims;
	struct writer platform = wr_init(1024), lacks = wr_init(1024);

	wr_printf(out, "<dl>\n");
	html_pair(out, "Policy", result->policy_name);
	put_hex(out, "Image", claims->image_id);
	for (size_t i = 0; i < claims->signer_count; i++)
		put_hex(out, "Signer", claims->signers[i]);
	if (result->identity)
		html_pair(out, result->verdict == TOBI_ACCEPT ? "Identity" : "Meant",
			  result->identity);
	explain_platform(result, &platform);
	put_written(out, "Platform", &platform);
	explain_lacks(result, &lacks);
	put_written(out, "Lacks", &lacks);
	put_hex(out, "Instance", claims->instance);
	wr_printf(out, "</dl>\n");
}

void explain_page_facts(const struct tobi_result *result, struct writer *out)
{
	wr_printf(out, "<div class=\"facts\">\n<h2>What the evidence says</h2>\n");
	if (result->verdict != TOBI_ACCEPT)
		wr_printf(out,
			  "<p>The evidence was refused: none of this is proven.</p>\n");
	put_common(result, out);
	for (enum group group = 0; group < GROUPS; group++)
		put_group(&result->claims, group, out);
	wr_printf(out, "</div>\n");
}
