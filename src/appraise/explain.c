#include "appraise/explain.h"

#include <stdlib.h>
#include <string.h>

#include "appraise/policy_sgx.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "token/soft_token.h"

/* One row for each tier: what it keeps out, and what not. */
static const struct {
	const char *tier, *meaning;
} tiers[] = {
    {"soft", "keeps out other processes and users; not root or the kernel"},
    {"sgx-epid",
     "kept out all software but the enclave's own, as far as was known until Intel "
     "retired it in 2025; not who can write to the CPU's microcode, nor what advisories "
     "of later years describe"},
    {"sgx", "keeps out the host, its kernel and its operator; not Intel, nor whoever "
	    "watches how the enclave uses memory and time"},
    {"tdx",
     "keeps out the host, its hypervisor and its operator; not Intel, nor whoever "
     "watches how the guest uses memory and time, nor what runs in the guest itself"},
    {"snp", "keeps out the host, its kernel and its administrators; not AMD, nor who has "
	    "the machine open on the bench"},
    {"sev", "keeps the host from reading the guest's memory (and, with SEV-ES, its "
	    "registers); not from changing or replaying it, and known attacks break it"},
    {"cca",
     "keeps out the host, its hypervisor and its operator; not Arm's licensee that made "
     "the chip, nor the firmware below the realm, nor who has the machine open on the "
     "bench"},
    {"psa", "a device's word on the firmware that it has started; keeps out what runs "
	    "beside that firmware, not who made the device, nor who has it open on the "
	    "bench"},
    {"nvidia-gpu",
     "it is a GPU or switch of NVIDIA, which keeps out who reads its memory or bus from "
     "outside; says nothing of the machine that it sits in, nor of who uses it"},
    {"nitro",
     "keeps out the EC2 instance around it, with its root and its operators; not "
     "AWS, whose hypervisor isolates it and signs for it"},
    {"nitro-tpm",
     "AWS's word on what an EC2 instance has booted; keeps nobody out who is "
     "root in that instance, nor AWS"},
    {"tpm",
     "a TPM's word on what a machine has booted; keeps out nobody: not who is root "
     "in it, nor, of a virtual TPM, whoever runs the machine underneath"},
    {"eat", "an attester's word about itself, signed with a key that the policy trusts; "
	    "keeps out whom its profile says, if it is true"},
    {"ear", "another verifier's word: whatever it has looked at is not seen here, and it "
	    "is trusted in the place of the hardware's maker"},
    {"azure-snp",
     "keeps out the host, its hypervisor and its administrators; not AMD, nor Microsoft, "
     "whose paravisor runs inside and keeps the TPM that speaks of the guest"},
    {"azure-tdx",
     "keeps out the host, its hypervisor and its administrators; not Intel, nor "
     "Microsoft, whose paravisor runs inside and keeps the TPM that speaks of the guest"},
};

const char *explain_tier(const char *tier)
{
	for (size_t i = 0; tier && i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		if (strcmp(tiers[i].tier, tier) == 0)
			return tiers[i].meaning;
	}
	return "not known here";
}

const char *explain_remedy(const struct check_record *record, bool failed_before)
{
	return record->outcome == TOBI_NOT_RUN && failed_before
		   ? "See first to what failed before it."
		   : record->check->remedy;
}

const char *explain_outcome(enum tobi_outcome outcome)
{
	switch (outcome) {
	case TOBI_PASSED:
		return "passed";
	case TOBI_FAILED:
		return "failed";
	case TOBI_NOT_ASKED:
		return "not-asked";
	case TOBI_NOT_RUN:
		break;
	}
	return "not-run";
}

static bool has_outcome(const struct tobi_result *result, const char *code,
			enum tobi_outcome outcome)
{
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		if (strcmp(record->check->code, code) == 0)
			return record->outcome == outcome;
	}
	return false;
}

const char *explain_allowance(const struct tobi_result *result, size_t index)
{
	const char *found[7];
	size_t count = 0;

	if (has_outcome(result, "RATLS-MODE", TOBI_PASSED))
		found[count++] =
		    result->claims.timeless && !result->nonce.size
			? "RA-TLS: no session binding, no freshness: the evidence has no "
			  "time, so max-age does not bound it; it may be of any age, "
			  "shown by whoever has the certificate's key, and the policy "
			  "allows that"
			: "RA-TLS: no session binding, no freshness: the evidence may be "
			  "an old one, shown by whoever has the certificate's key, and "
			  "the policy allows that";
	if (result->claims.debug && has_outcome(result, "POLICY-DEBUG", TOBI_PASSED))
		found[count++] = "DEBUG: the host can read and change this enclave, and "
				 "the policy allows that";
	if (has_outcome(result, "CLAIMS-NONCE", TOBI_NOT_ASKED))
		found[count++] = "NO NONCE: this evidence may be an old one shown again, "
				 "and the policy allows that";
	if (result->claims.by_user && has_outcome(result, "POLICY-LAUNCHER", TOBI_PASSED))
		found[count++] = "USER LAUNCH: other processes of the user that launched "
				 "this enclave can look in, and the policy allows that";
	if (result->config_unknown &&
	    has_outcome(result, "POLICY-CONFIG", TOBI_NOT_ASKED))
		found[count++] = "UNKNOWN CONFIGURATION: it was launched with something "
				 "that nobody has shown, and the policy allows that";
	if (result->any_instance)
		found[count++] =
		    "ANY INSTANCE: an enclave of somebody else that runs the "
		    "same image is accepted too, and the policy allows that";
	found[count] = policy_sgx_allowance(result);
	count += found[count] != NULL;
	if (index >= count)
		index -= count;
	else
		return found[index];
	return index < result->claims.warning_count ? result->claims.warnings[index]
						    : NULL;
}

static const char *place_of(const char *root_kind)
{
	if (!root_kind)
		return "a place unknown";
	if (strcmp(root_kind, "file") == 0)
		return "files";
	return strcmp(root_kind, "tpm") == 0 ? "a TPM" : root_kind;
}

/* Who launched, and which protections there are, is what this tier alone says. */
static bool is_soft(const struct tobi_result *result)
{
	return result->claims.tier && strcmp(result->claims.tier, "soft") == 0;
}

void explain_platform(const struct tobi_result *result, struct writer *out)
{
	const struct tee_claims *claims = &result->claims;

	if (!is_soft(result))
		return;
	wr_printf(out, "keys in %s; launched by %s", place_of(claims->root_kind),
		  claims->by_user ? "an ordinary user" : "root");
}

void explain_lacks(const struct tobi_result *result, struct writer *out)
{
	if (!is_soft(result))
		return;
	for (unsigned bit = 0; soft_protection_name(bit); bit++) {
		if (!(result->claims.protections >> bit & 1))
			wr_printf(out, "%s%s", out->size ? ", " : "",
				  soft_protection_name(bit));
	}
}

enum tobi_err explain_hand_over(struct writer *out, const char *object, char **ret_text,
				struct tobi_fault *fault)
{
	char *text;

	wr_u8(out, 0);
	if (wr_err(out))
		return fault_set(fault, wr_err(out), object, "",
				 "it cannot be written: out of memory or too long");
	text = strdup((const char *)out->ptr);
	if (!text)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	*ret_text = text;
	return TOBI_OK;
}

enum tobi_err tobi_result_write(const struct tobi_result *result, enum tobi_format format,
				char **ret_text, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EXPLANATION);
	enum tobi_err err = TOBI_OK;

	if (!result)
		return fault_set(fault, TOBI_E_ARGUMENT, "result", "", "there is none");
	switch (format) {
	case TOBI_FORMAT_TEXT:
	case TOBI_FORMAT_TEXT_COLOR:
		explain_text(result, format == TOBI_FORMAT_TEXT_COLOR, &out);
		break;
	case TOBI_FORMAT_JSON:
		err = explain_json(result, &out, fault);
		break;
	case TOBI_FORMAT_HTML:
		explain_html(result, &out);
		break;
	default:
		return fault_set(fault, TOBI_E_ARGUMENT, "format", "",
				 "there is no such format");
	}
	return err ? err : explain_hand_over(&out, "explanation", ret_text, fault);
}
