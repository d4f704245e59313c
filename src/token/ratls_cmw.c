/* Evidence in the extension id-pe-cmw (draft-ietf-rats-msg-wrap, section 6.1): the
 * collection of an evidence file, in the certificate. */
#include "base/fault.h"
#include "base/secret.h"
#include "codec/der.h"
#include "token/cmw.h"
#include "token/ratls.h"

static const char object[] = "evidence in the certificate";

enum { CONTENT_FORMAT_EAT = 263 };

/* Types of records, and the tags by which evidence in certificates is told apart. */
static const struct {
	const char *type;
	uint64_t tag;
} types[] = {
    {"application/vnd.tobichi.sgx-quote", RATLS_TAG_QUOTE},
    {"application/vnd.tobichi.tdx-quote", RATLS_TAG_QUOTE},
    {"application/vnd.tobichi.snp-report", RATLS_TAG_SNP},
    {CMW_TYPE_EAT, RATLS_TAG_EAT},
};

static uint64_t tag_of(const struct cmw_record *record)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (bytes_equal_text(record->media_type, types[i].type))
			return types[i].tag;
	}
	return !record->media_type.size && record->content_format == CONTENT_FORMAT_EAT
		   ? RATLS_TAG_EAT
		   : 0;
}

/* CHOICE { json UTF8String, cbor OCTET STRING }. */
static enum tobi_err read_choice(struct tobi_bytes value, struct tobi_bytes *ret_bytes,
				 bool *ret_is_json, struct tobi_fault *fault)
{
	struct reader rd = rd_init(value);

	*ret_is_json = value.size && value.ptr[0] == DER_UTF8;
	*ret_bytes = der_bytes(&rd, *ret_is_json ? DER_UTF8 : DER_OCTETS, "id-pe-cmw");
	return rd_finish(&rd, object, fault);
}

/* As flat as the form in CBOR: a name of a record in a record has a "/", so that none of
 * those below is found there. */
static enum tobi_err open_json(struct tobi_bytes text, struct arena *arena,
			       struct cmw *ret_cmw, struct tobi_fault *fault)
{
	enum cmw_form form = CMW_CBOR;
	enum tobi_err err;

	if (!cmw_form_of(text, &form) || form != CMW_JSON)
		return fault_set(fault, TOBI_E_MALFORMED, object, "id-pe-cmw",
				 "its text is no JSON");
	err = cmw_open(text, object, arena, ret_cmw, fault);
	if (!err && ret_cmw->type.size)
		err = fault_set(fault, TOBI_E_UNSUPPORTED, object, "__cmwc_t",
				"no type of a collection is known here");
	return err;
}

enum tobi_err ratls_cmw_parse(struct tobi_bytes value, struct arena *arena,
			      struct ratls_carried *ret_carried, struct tobi_fault *fault)
{
	struct ratls_carried out = {.form = RATLS_CCC};
	const struct cmw_record *cpu, *claims, *chain;
	struct tobi_bytes bytes = {0};
	bool is_json = false;
	struct cmw cmw;
	enum tobi_err err = read_choice(value, &bytes, &is_json, fault);

	if (!err)
		err = is_json ? open_json(bytes, arena, &cmw, fault)
			      : cmw_parse(bytes, object, &cmw, fault);
	if (err)
		return err;
	cpu = cmw_find(&cmw, "cpu");
	claims = cmw_find(&cmw, "claims");
	chain = cmw_find(&cmw, "endorse");
	if (!cpu || !claims || !bytes_equal_text(claims->media_type, CMW_TYPE_CLAIMS))
		return fault_set(fault, TOBI_E_MALFORMED, object, "id-pe-cmw",
				 "it has not both evidence (cpu) and claims");
	out.evidence = (struct ratls_evidence){tag_of(cpu), cpu->value, claims->value};
	if (!out.evidence.tag)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "id-pe-cmw",
				 "this kind of evidence is not known in certificates");
	if (chain && out.evidence.tag == RATLS_TAG_EAT) {
		out.has_endorsements = true;
		out.endorsements.tag = RATLS_TAG_EAT;
		out.endorsements.chain = chain->value;
	}
	*ret_carried = out;
	return TOBI_OK;
}
