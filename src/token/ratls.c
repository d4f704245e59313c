#include "token/ratls.h"

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "token/oe_evidence.h"

static const char object[] = "evidence in the certificate";

enum { DER_SEQUENCE = 0x30 };

#define NAME(text, ...)                                                                  \
	{                                                                                \
		text,                                                                    \
		{                                                                        \
			(const uint8_t[]){__VA_ARGS__},                                  \
			    sizeof((const uint8_t[]){__VA_ARGS__})                       \
		}                                                                        \
	}
const struct extension_name ratls_evidence_name =
    NAME("2.23.133.5.4.9", 0x67, 0x81, 0x05, 0x05, 0x04, 0x09);
const struct extension_name ratls_endorsements_name =
    NAME("2.23.133.5.4.2", 0x67, 0x81, 0x05, 0x05, 0x04, 0x02);
/* With a stray header inside, as Gramine writes it. */
const struct extension_name ratls_gramine_name =
    NAME("0.6.9.42.840.113741.1337.6", 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d,
	 0x8a, 0x39, 0x06);
const struct extension_name ratls_intel_name =
    NAME("1.2.840.113741.1.13.1", 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01);
const struct extension_name ratls_gramine_dotted_name =
    NAME("1.2.840.113741.1337.6", 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x06);
const struct extension_name ratls_oe_report_name =
    NAME("1.3.6.1.4.1.311.105.1", 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x01);
const struct extension_name ratls_oe_old_report_name =
    NAME("1.2.840.113556.10.1.1", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x0a, 0x01, 0x01);
const struct extension_name ratls_oe_evidence_name =
    NAME("1.3.6.1.4.1.311.105.2", 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x69, 0x02);
const struct extension_name ratls_oe_old_evidence_name =
    NAME("1.2.840.113556.10.1.2", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x0a, 0x01, 0x02);
const struct extension_name ratls_cmw_name =
    NAME("1.3.6.1.5.5.7.1.35", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x23);
#undef NAME

static bool is_known(uint64_t tag)
{
	return (tag >= RATLS_TAG_QUOTE && tag <= RATLS_TAG_SGX_REPORT) ||
	       (tag >= RATLS_TAG_SNP && tag <= RATLS_TAG_CSV) || tag == RATLS_TAG_EAT;
}

enum tobi_err ratls_evidence_parse(struct tobi_bytes value,
				   struct ratls_evidence *ret_evidence,
				   struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(value, CBOR_PREFERRED);
	struct ratls_evidence evidence = {0};
	enum tobi_err err;

	evidence.tag = cbor_tag(&cbor, "tag");
	if (!is_known(evidence.tag))
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "tag");
	if (cbor_array(&cbor, 2, "evidence") != 2)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "evidence");
	evidence.evidence = cbor_bytes(&cbor, LIMIT_TOKEN, "evidence");
	evidence.claims_buffer = cbor_bytes(&cbor, LIMIT_CLAIMS_BUFFER, "claims-buffer");
	err = cbor_finish(&cbor, object, fault);
	if (err)
		return err;
	*ret_evidence = evidence;
	return TOBI_OK;
}

void ratls_evidence_write(struct writer *out, const struct ratls_evidence *evidence)
{
	cbor_write_tag(out, evidence->tag);
	cbor_write_array(out, 2);
	cbor_write_bytes(out, evidence->evidence);
	cbor_write_bytes(out, evidence->claims_buffer);
}

/* Each certificate is looked at by who uses the chain. */
static void parse_chain(struct cbor *cbor, struct ratls_endorsements *out)
{
	size_t start = cbor->rd.pos;
	size_t count = cbor_array(cbor, LIMIT_COSE_CHAIN, "endorsements");

	if (count == 0)
		cbor_fail(cbor, TOBI_E_MALFORMED, "endorsements");
	for (size_t i = 0; i < count; i++)
		cbor_bytes(cbor, LIMIT_CERTIFICATE, "certificate");
	if (!cbor_failed(cbor))
		out->chain =
		    (struct tobi_bytes){cbor->rd.start + start, cbor->rd.pos - start};
}

static void parse_collateral(struct cbor *cbor, struct ratls_endorsements *out)
{
	size_t count = cbor_array(cbor, 1 + RATLS_COLLATERAL_MAX, "endorsements");

	if (count < 1 + RATLS_COLLATERAL_MIN) {
		cbor_fail(cbor, TOBI_E_MALFORMED, "endorsements");
		return;
	}
	out->version = cbor_uint(cbor, "version");
	out->collateral_count = count - 1;
	for (size_t i = 0; i < out->collateral_count; i++)
		out->collateral[i] = cbor_bytes(cbor, LIMIT_COLLATERAL, "collateral");
}

enum tobi_err ratls_endorsements_parse(struct tobi_bytes value,
				       struct ratls_endorsements *ret,
				       struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(value, CBOR_PREFERRED);
	struct ratls_endorsements out = {0};
	enum tobi_err err;

	out.tag = cbor_tag(&cbor, "tag");
	if (out.tag == RATLS_TAG_EAT)
		parse_chain(&cbor, &out);
	else if (is_known(out.tag))
		parse_collateral(&cbor, &out);
	else
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "tag");
	err = cbor_finish(&cbor, "endorsements in the certificate", fault);
	if (err)
		return err;
	*ret = out;
	return TOBI_OK;
}

void ratls_endorsements_write(struct writer *out, struct tobi_bytes chain)
{
	cbor_write_tag(out, RATLS_TAG_EAT);
	wr_bytes(out, chain.ptr, chain.size);
}

/* ---- in a certificate ---- */

/* TOBI_E_NOT_FOUND without a fault: another form may be there. */
static enum tobi_err find_one(const X509 *certificate, const struct extension_name *name,
			      struct tobi_bytes *ret_value, struct tobi_fault *fault)
{
	struct extension extension = {0};
	size_t count = extension_find(certificate, name, &extension);

	if (count == 0)
		return TOBI_E_NOT_FOUND;
	if (count > 1)
		return fault_set(fault, TOBI_E_MALFORMED, object, name->text,
				 "the extension is there %zu times", count);
	/* TCG's DICE would have it critical; CCC says not, and so do all who write it. */
	if (extension.critical)
		return fault_set(fault, TOBI_E_MALFORMED, object, name->text,
				 "the extension is critical; CCC's is not");
	*ret_value = extension.value;
	return TOBI_OK;
}

/* A quote starts with its version, 3 to 5, little-endian; Intel's PCK extension of the
 * same number is a SEQUENCE. */
static bool is_quote(struct tobi_bytes value)
{
	return value.size >= 2 && value.ptr[0] >= 3 && value.ptr[0] <= 5 &&
	       value.ptr[1] == 0;
}

/* In the order in which they are looked for. */
static const struct {
	const struct extension_name *name;
	enum ratls_form form;
} legacy[] = {
    {&ratls_gramine_name, RATLS_GRAMINE},
    {&ratls_gramine_dotted_name, RATLS_GRAMINE},
    {&ratls_oe_evidence_name, RATLS_OE_EVIDENCE},
    {&ratls_oe_old_evidence_name, RATLS_OE_EVIDENCE},
    {&ratls_oe_report_name, RATLS_OE_REPORT},
    {&ratls_oe_old_report_name, RATLS_OE_REPORT},
    {&ratls_intel_name, RATLS_INTEL},
};

enum { LEGACY = sizeof(legacy) / sizeof(legacy[0]) };

/* What is in the value: a quote, and of Open Enclave's evidence its claims. */
static enum tobi_err read_legacy(struct tobi_bytes value, enum ratls_form form,
				 struct ratls_evidence *out, struct tobi_fault *fault)
{
	struct oe_evidence oe = {.quote = value};
	enum tobi_err err = TOBI_OK;

	if (form == RATLS_OE_EVIDENCE)
		err = oe_evidence_parse(value, &oe, fault);
	else if (form == RATLS_OE_REPORT)
		oe.quote = oe_report_quote(value);
	*out = (struct ratls_evidence){RATLS_TAG_QUOTE, oe.quote, oe.claims};
	return err;
}

static enum tobi_err find_legacy(const X509 *certificate, struct ratls_carried *out,
				 struct tobi_fault *fault)
{
	struct tobi_bytes value = {0};
	enum tobi_err err = TOBI_E_NOT_FOUND;
	size_t i = 0;

	while (i < LEGACY && err == TOBI_E_NOT_FOUND)
		err = find_one(certificate, legacy[i++].name, &value, fault);
	if (err == TOBI_E_NOT_FOUND)
		return fault_set(fault, err, object, ratls_evidence_name.text,
				 "the certificate has no extension with evidence");
	if (err)
		return err;
	out->form = legacy[i - 1].form;
	if (out->form == RATLS_INTEL && value.size && value.ptr[0] == DER_SEQUENCE)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, ratls_intel_name.text,
				 "it is the certificate of a processor (PCK), and "
				 "carries no evidence");
	err = read_legacy(value, out->form, &out->evidence, fault);
	if (err)
		return err;
	if (!is_quote(out->evidence.evidence))
		return fault_set(fault, TOBI_E_MALFORMED, object,
				 legacy[i - 1].name->text,
				 "it is no quote of version 3 to 5");
	if (value.size > LIMIT_TOKEN)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_TOKEN);
	return TOBI_OK;
}

static enum tobi_err find_endorsements(const X509 *certificate, struct ratls_carried *out,
				       struct tobi_fault *fault)
{
	struct tobi_bytes value = {0};
	enum tobi_err err =
	    find_one(certificate, &ratls_endorsements_name, &value, fault);

	if (err == TOBI_E_NOT_FOUND)
		return TOBI_OK;
	if (!err)
		err = ratls_endorsements_parse(value, &out->endorsements, fault);
	if (!err && out->endorsements.tag != out->evidence.tag)
		err = fault_set(fault, TOBI_E_MALFORMED, object,
				ratls_endorsements_name.text,
				"endorsements of another kind than the evidence");
	out->has_endorsements = !err;
	return err;
}

enum tobi_err ratls_find(const X509 *certificate, struct arena *arena,
			 struct ratls_carried *ret_carried, struct tobi_fault *fault)
{
	struct ratls_carried out = {.form = RATLS_CCC};
	struct tobi_bytes value = {0};
	enum tobi_err err = find_one(certificate, &ratls_evidence_name, &value, fault);

	if (!err) {
		err = ratls_evidence_parse(value, &out.evidence, fault);
	} else if (err == TOBI_E_NOT_FOUND) {
		err = find_one(certificate, &ratls_cmw_name, &value, fault);
		if (!err)
			err = ratls_cmw_parse(value, arena, &out, fault);
		else if (err == TOBI_E_NOT_FOUND)
			err = find_legacy(certificate, &out, fault);
	}
	if (!err && !out.has_endorsements)
		err = find_endorsements(certificate, &out, fault);
	if (err)
		return err;
	*ret_carried = out;
	return TOBI_OK;
}
