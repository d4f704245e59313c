#include "tee/nitro_document.h"

#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"

enum {
	FIELDS_MAX = 32,
	HEADER_MAX = 64,
	CERTIFICATE_MAX = 1024,
	OPTIONAL_MAX = 1024,
};

static const char *const names[] = {
    "module_id",   "digest",   "timestamp",  "pcrs",	  "nitrotpm_pcrs",
    "certificate", "cabundle", "public_key", "user_data", "nonce",
};
enum field {
	MODULE_ID,
	DIGEST,
	TIMESTAMP,
	PCRS,
	TPM_PCRS,
	CERTIFICATE,
	CABUNDLE,
	PUBLIC_KEY,
	USER_DATA,
	NONCE,
	UNKNOWN,
};

static enum field field_of(struct tobi_bytes key)
{
	size_t field = 0;

	while (field < UNKNOWN && !bytes_equal_text(key, names[field]))
		field++;
	return (enum field)field;
}

/* What of the payload is there, whatever its size claims. */
static struct tobi_bytes payload_start(struct tobi_bytes bytes)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	size_t size = 1;

	if (cbor_peek(&cbor) == CBOR_TAG && cbor_tag(&cbor, "") != 18)
		return (struct tobi_bytes){0};
	if (cbor_array(&cbor, 4, "") != 4)
		return (struct tobi_bytes){0};
	cbor_bytes(&cbor, HEADER_MAX, "");
	if (cbor_peek(&cbor) != CBOR_MAP)
		return (struct tobi_bytes){0};
	cbor_skip(&cbor, "");
	if (cbor_failed(&cbor) || cbor_peek(&cbor) != CBOR_BYTES)
		return (struct tobi_bytes){0};
	if ((bytes.ptr[cbor.rd.pos] & 31) >= 24)
		size += (size_t)1 << ((bytes.ptr[cbor.rd.pos] & 31) - 24) % 4;
	rd_bytes(&cbor.rd, size, "");
	return rd_bytes(&cbor.rd, rd_left(&cbor.rd), "");
}

enum nitro_kind nitro_document_kind(struct tobi_bytes bytes)
{
	struct tobi_bytes payload = payload_start(bytes);
	struct cbor cbor = cbor_init(payload, CBOR_PREFERRED);
	enum nitro_kind kind = NITRO_NONE;

	/* A map of few entries, or of an indefinite number. */
	if (!payload.size || cbor_peek(&cbor) != CBOR_MAP || (payload.ptr[0] & 31) == 24)
		return NITRO_NONE;
	rd_u8(&cbor.rd, "");
	for (size_t i = 0; i < FIELDS_MAX; i++) {
		enum field field = field_of(cbor_text(&cbor, HEADER_MAX, ""));

		if (cbor_failed(&cbor) || (i == 0 && field == UNKNOWN))
			return kind;
		kind = NITRO_ENCLAVE;
		if (field == PCRS || field == TPM_PCRS)
			return field == PCRS ? NITRO_ENCLAVE : NITRO_TPM;
		cbor_skip(&cbor, "");
	}
	return kind;
}

static void read_pcrs(struct cbor *cbor, struct nitro_document *document)
{
	struct cbor_map map = cbor_map(cbor, NITRO_PCRS, "pcrs");
	int64_t index = 0;

	document->pcr_count = map.left;
	while (cbor_map_int(cbor, &map, &index, "pcrs")) {
		if (index < 0 || index >= NITRO_PCRS) {
			cbor_fail(cbor, TOBI_E_MALFORMED, "pcrs");
			return;
		}
		document->pcrs[index] = cbor_bytes(cbor, LIMIT_NITRO, "pcrs");
	}
}

static void read_bundle(struct cbor *cbor, struct nitro_document *document)
{
	const size_t max = sizeof(document->bundle) / sizeof(document->bundle[0]);

	document->bundle_count = cbor_array(cbor, max, "cabundle");
	for (size_t i = 0; i < document->bundle_count; i++)
		document->bundle[i] = cbor_bytes(cbor, LIMIT_NITRO, "cabundle");
}

/* AWS says that nothing is null, and writes null for what was not given. */
static struct tobi_bytes read_optional(struct cbor *cbor, const char *field)
{
	if (cbor_peek(cbor) != CBOR_NULL)
		return cbor_bytes(cbor, LIMIT_NITRO, field);
	cbor_null(cbor, field);
	return (struct tobi_bytes){0};
}

static void read_field(struct cbor *cbor, struct tobi_bytes key,
		       struct nitro_document *document)
{
	enum field field = field_of(key);

	switch (field) {
	case MODULE_ID:
		document->module_id = cbor_text(cbor, LIMIT_NITRO, names[field]);
		return;
	case DIGEST:
		document->digest = cbor_text(cbor, LIMIT_NITRO, names[field]);
		return;
	case TIMESTAMP:
		document->timestamp = cbor_uint(cbor, names[field]);
		return;
	case PCRS:
	case TPM_PCRS:
		/* Both is a broken rule, below; the first ones stay. */
		if (document->has_pcrs || document->has_tpm_pcrs)
			cbor_skip(cbor, names[field]);
		else
			read_pcrs(cbor, document);
		document->has_pcrs |= field == PCRS;
		document->has_tpm_pcrs |= field == TPM_PCRS;
		return;
	case CERTIFICATE:
		document->certificate = cbor_bytes(cbor, LIMIT_NITRO, names[field]);
		return;
	case CABUNDLE:
		read_bundle(cbor, document);
		return;
	case PUBLIC_KEY:
		document->public_key = read_optional(cbor, names[field]);
		return;
	case USER_DATA:
		document->user_data = read_optional(cbor, names[field]);
		return;
	case NONCE:
		document->nonce = read_optional(cbor, names[field]);
		return;
	case UNKNOWN:
		document->unknown = key;
		cbor_skip(cbor, "unknown field");
		return;
	}
}

enum tobi_err nitro_document_parse(struct tobi_bytes bytes,
				   struct nitro_document *ret_document,
				   struct tobi_fault *fault)
{
	static const char object[] = "Nitro document";
	struct nitro_document document = {0};
	struct cbor_map map;
	struct cbor cbor;
	struct tobi_bytes key;
	enum tobi_err err;

	if (bytes.size > LIMIT_NITRO)
		return fault_at(fault, TOBI_E_LIMIT, object, "", LIMIT_NITRO,
				"over %d bytes", LIMIT_NITRO);
	err = cose_parse(bytes, false, COSE_TAG_OPTIONAL, object, &document.sign1, fault);
	if (err)
		return err;
	if (!document.sign1.payload.ptr)
		return fault_at(fault, TOBI_E_MALFORMED, object, "payload", 0,
				"the document itself is not in it");
	cbor = cbor_init(document.sign1.payload, CBOR_PREFERRED);
	cbor.rd.origin = (size_t)(document.sign1.payload.ptr - bytes.ptr);
	map = cbor_map_any(&cbor, FIELDS_MAX, "fields");
	while (cbor_map_text(&cbor, &map, &key, "fields"))
		read_field(&cbor, key, &document);
	err = cbor_finish(&cbor, object, fault);
	if (err)
		return err;
	*ret_document = document;
	return TOBI_OK;
}

static bool is_pcr(struct tobi_bytes pcr)
{
	return pcr.size == 32 || pcr.size == 48 || pcr.size == 64;
}

/* Those that tell debugging from else, or all 24 of a TPM. */
static const char *wrong_pcrs(const struct nitro_document *document, enum nitro_kind kind)
{
	unsigned least = kind == NITRO_TPM ? NITRO_TPM_PCRS : NITRO_PCR_APPLICATION + 1;

	if (document->has_pcrs && document->has_tpm_pcrs)
		return "PCRs of an enclave and of a TPM in one document";
	if (kind == NITRO_TPM ? !document->has_tpm_pcrs : !document->has_pcrs)
		return kind == NITRO_TPM ? "no PCRs of a TPM (nitrotpm_pcrs)"
					 : "no PCRs of an enclave (pcrs)";
	for (unsigned i = 0; i < least; i++) {
		if (!document->pcrs[i].ptr)
			return kind == NITRO_TPM ? "not all of the PCRs 0 to 23"
						 : "not all of the PCRs 0, 1 and 2";
	}
	if (kind == NITRO_TPM && document->pcr_count != NITRO_TPM_PCRS)
		return "a PCR that a TPM does not have";
	for (unsigned i = 0; i < NITRO_PCRS; i++) {
		if (document->pcrs[i].ptr && !is_pcr(document->pcrs[i]))
			return "a PCR that has not 32, 48 or 64 bytes";
	}
	return NULL;
}

static bool is_certificate(struct tobi_bytes certificate)
{
	return certificate.size > 0 && certificate.size <= CERTIFICATE_MAX;
}

const char *nitro_document_wrong(const struct nitro_document *document,
				 enum nitro_kind kind)
{
	const char *wrong = wrong_pcrs(document, kind);

	if (document->unknown.ptr)
		return "a field that documents of this kind do not have";
	if (!document->module_id.size)
		return "no module_id";
	if (!bytes_equal_text(document->digest, "SHA384"))
		return "a digest other than SHA384";
	if (document->timestamp == 0 || document->timestamp > INT64_MAX)
		return "no timestamp";
	if (wrong)
		return wrong;
	if (!is_certificate(document->certificate))
		return "no certificate of 1 to 1024 bytes";
	for (size_t i = 0; i < document->bundle_count; i++) {
		if (!is_certificate(document->bundle[i]))
			return "a certificate in cabundle that has not 1 to 1024 bytes";
	}
	if (document->bundle_count == 0)
		return "no cabundle";
	if (document->public_key.ptr &&
	    (document->public_key.size == 0 || document->public_key.size > OPTIONAL_MAX))
		return "a public_key that has not 1 to 1024 bytes";
	if (document->user_data.size > OPTIONAL_MAX)
		return "a user_data of over 1024 bytes";
	if (document->nonce.size > OPTIONAL_MAX)
		return "a nonce of over 1024 bytes";
	return NULL;
}
