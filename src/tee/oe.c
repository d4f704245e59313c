#include "tee/oe.h"

#include <stdio.h>

#include "base/fault.h"
#include "base/secret.h"
#include "pki/key.h"
#include "tee/dcap_certificates.h"
#include "tee/sgx.h"
#include "tee/tdx.h"
#include "token/oe_evidence.h"

static const struct check check_claims = {
    "OE-CLAIMS", "the enclave made the quote for the custom claims that follow it",
    "Open Enclave SDK, attestation/sgx/evidence.h; Tobichi protocols, section 14.16",
    "Quote and claims do not belong together. Do not use them."};

/* And all that the quote in it owes. */
static const struct check *const checks[] = {&check_claims, NULL};

enum { REPORT_DATA_SIZE = 64, SHOWN_MAX = 128 };

/* Bytes of the program's: as text where they are some. */
static void add_value(struct tee_claims *claims, struct arena *arena, const char *name,
		      struct tobi_bytes value)
{
	bool printable = value.size > 0;

	if (value.size && value.ptr[value.size - 1] == 0)
		value.size--;
	for (size_t i = 0; i < value.size; i++)
		printable &=
		    (value.ptr[i] >= 0x20 && value.ptr[i] < 0x7f) || value.ptr[i] == '\n';
	if (printable)
		tee_fact(claims, arena, name, "\"%s\"",
			 tee_text(arena, value, TEE_TEXT_MAX));
	else if (value.size > SHOWN_MAX)
		tee_fact(claims, arena, name, "%zu bytes", value.size);
	else
		tee_fact_hex(claims, arena, name, value);
}

/* One of the name "nonce" is what shows that the evidence is new; without a list of
 * claims it is all that the program put there. */
static void take_claims(struct tobi_bytes bytes, struct arena *arena,
			struct tee_claims *claims)
{
	struct oe_claim list[OE_CLAIMS_MAX];
	size_t count = oe_claims_read(bytes, list);

	claims->nonce = bytes;
	if (count == 0)
		add_value(claims, arena, "custom claims", bytes);
	for (size_t i = 0; i < count; i++) {
		const char *name =
		    arena_printf(arena, "custom claim %s",
				 tee_text(arena, list[i].name, TEE_TEXT_MAX));

		if (bytes_equal_text(list[i].name, "nonce"))
			claims->nonce = list[i].value;
		if (name)
			add_value(claims, arena, name, list[i].value);
	}
}

static enum tobi_err examine_claims(const struct oe_evidence *evidence,
				    struct checklist *list, struct tee_claims *claims,
				    struct tobi_fault *fault)
{
	uint8_t expected[REPORT_DATA_SIZE] = {0};
	struct tobi_bytes copy;

	if (!evidence->has_claims) {
		check_waive(list, &check_claims, "this format has no custom claims");
		return TOBI_OK;
	}
	if (!hash_sha256(evidence->claims, expected))
		check_record_equal(list, &check_claims,
				   (struct tobi_bytes){expected, sizeof(expected)},
				   claims->report_data);
	copy = arena_copy(list->arena, evidence->claims);
	if (!copy.ptr)
		return fault_set(fault, TOBI_E_MEMORY, "custom claims", "",
				 "out of memory, or too large");
	if (copy.size)
		take_claims(copy, list->arena, claims);
	return TOBI_OK;
}

static enum tobi_err examine(const struct tee_verifier *inside,
			     const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	struct tee_request inner = *request;
	struct oe_evidence evidence;
	enum tobi_err err;

	check_owe(list, &check_claims);
	err = oe_evidence_parse(request->evidence, &evidence, fault);
	if (err)
		return err;
	inner.evidence = evidence.quote;
	err = inside->examine(&inner, list, ret_claims, fault);
	if (err)
		return err;
	tee_fact(ret_claims, list->arena, "Open Enclave format", "%s",
		 oe_format_name(evidence.format));
	return examine_claims(&evidence, list, ret_claims, fault);
}

static enum tobi_err examine_sgx(const struct tee_request *request,
				 struct checklist *list, struct tee_claims *ret_claims,
				 struct tobi_fault *fault)
{
	return examine(&tee_sgx, request, list, ret_claims, fault);
}

static enum tobi_err examine_tdx(const struct tee_request *request,
				 struct checklist *list, struct tee_claims *ret_claims,
				 struct tobi_fault *fault)
{
	return examine(&tee_tdx, request, list, ret_claims, fault);
}

/* Those without a quote, too: who reads them says what they are. */
static bool recognise_sgx(struct tobi_bytes evidence)
{
	enum oe_format format = oe_evidence_format(evidence);

	return format != OE_UNKNOWN && format != OE_TDX_QUOTE;
}

static bool recognise_tdx(struct tobi_bytes evidence)
{
	return oe_evidence_format(evidence) == OE_TDX_QUOTE;
}

const struct tee_verifier tee_oe_sgx = {
    .tier = "sgx",
    .name = "oe-evidence",
    .media_type = "application/vnd.tobichi.oe-evidence",
    .checks = checks,
    .recognise = recognise_sgx,
    .examine = examine_sgx,
    .takes = dcap_certificates_are,
};
const struct tee_verifier tee_oe_tdx = {
    .tier = "tdx",
    .name = "oe-tdx-evidence",
    .media_type = "application/vnd.tobichi.oe-tdx-evidence",
    .checks = checks,
    .recognise = recognise_tdx,
    .examine = examine_tdx,
    .takes = tdx_takes,
};
