#include "token/oe_evidence.h"

#include "base/endian.h"
#include "base/fault.h"
#include "base/reader.h"
#include "base/secret.h"
#include "base/utf8.h"

static const char object[] = "Open Enclave evidence";

enum {
	REPORT_VERSION = 1,
	REPORT_REMOTE = 2,
	EVIDENCE_VERSION = 3,
	UUID_SIZE = 16,
	SIGNATURE_SIZE_AT = 432, /* of a quote of SGX: what follows header and body */
	CLAIMS_VERSION = 1,
};

static const struct {
	enum oe_format format;
	const char *name;
	uint8_t uuid[UUID_SIZE];
} formats[] = {
    {OE_SGX_ECDSA,
     "SGX ECDSA",
     {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14, 0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb,
      0xcd, 0x8c}},
    {OE_LEGACY_REPORT,
     "legacy report",
     {0xc8, 0x30, 0x34, 0x54, 0xd9, 0x23, 0x4c, 0x2c, 0xa6, 0x91, 0xdf, 0x7d, 0xef, 0x46,
      0x0a, 0x76}},
    {OE_RAW_QUOTE,
     "raw SGX quote",
     {0x19, 0x23, 0xd9, 0x1e, 0x12, 0xd2, 0x4c, 0x72, 0xb2, 0x20, 0x25, 0xcd, 0x8d, 0xac,
      0xe8, 0x71}},
    {OE_TDX_QUOTE,
     "TDX quote",
     {0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11, 0xed, 0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12,
      0x00, 0x02}},
    {OE_LOCAL,
     "local SGX report",
     {0x09, 0x26, 0x8c, 0x33, 0x6e, 0x0b, 0x45, 0xe5, 0x8a, 0x27, 0x15, 0x64, 0x4d, 0x0e,
      0xf8, 0x9a}},
    {OE_EPID,
     "SGX EPID, linkable",
     {0xf2, 0x28, 0xaa, 0x3f, 0xde, 0x4d, 0x49, 0xd3, 0x88, 0x4c, 0xb2, 0xaa, 0x87, 0xa5,
      0x0d, 0xa6}},
    {OE_EPID,
     "SGX EPID, unlinkable",
     {0x5c, 0x35, 0xd2, 0x90, 0xa2, 0xc2, 0x4c, 0x55, 0x9e, 0x13, 0x5a, 0xd7, 0x32, 0x74,
      0x6c, 0x88}},
};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

struct tobi_bytes oe_report_quote(struct tobi_bytes bytes)
{
	if (bytes.size < OE_REPORT_HEADER || load_u32le(bytes.ptr) != REPORT_VERSION ||
	    load_u32le(bytes.ptr + 4) != REPORT_REMOTE ||
	    load_u64le(bytes.ptr + 8) != bytes.size - OE_REPORT_HEADER)
		return bytes;
	return (struct tobi_bytes){bytes.ptr + OE_REPORT_HEADER,
				   bytes.size - OE_REPORT_HEADER};
}

enum oe_format oe_evidence_format(struct tobi_bytes bytes)
{
	struct tobi_bytes uuid = {bytes.ptr + 4, UUID_SIZE};

	if (bytes.size < OE_EVIDENCE_HEADER || load_u32le(bytes.ptr) != EVIDENCE_VERSION)
		return OE_UNKNOWN;
	for (size_t i = 0; i < FORMATS; i++) {
		if (bytes_equal(uuid, (struct tobi_bytes){formats[i].uuid, UUID_SIZE}))
			return formats[i].format;
	}
	return OE_UNKNOWN;
}

const char *oe_format_name(enum oe_format format)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (formats[i].format == format)
			return formats[i].name;
	}
	return "unknown";
}

/* A quote that says how long it is, and what follows it. */
static void split_claims(struct reader *rd, struct oe_evidence *evidence)
{
	struct reader look = *rd;
	uint32_t signature;

	rd_bytes(&look, SIGNATURE_SIZE_AT, "quote");
	signature = rd_u32le(&look, "signature data size");
	if (rd_failed(&look)) {
		*rd = look;
		return;
	}
	/* No sum: the parts are bounded one by one. */
	rd_bytes(&look, signature, "signature data");
	evidence->quote = rd_bytes(rd, look.pos - rd->pos, "quote");
	if (rd_failed(&look))
		*rd = look;
	evidence->claims = rd_bytes(rd, rd_left(rd), "custom claims");
	evidence->has_claims = true;
}

enum tobi_err oe_evidence_parse(struct tobi_bytes bytes, struct oe_evidence *ret_evidence,
				struct tobi_fault *fault)
{
	struct oe_evidence evidence = {.format = oe_evidence_format(bytes)};
	struct reader rd = rd_init(bytes), data;
	uint64_t size;
	enum tobi_err err;

	rd_bytes(&rd, 4 + UUID_SIZE, "header");
	size = rd_u64le(&rd, "data size");
	if (!rd_failed(&rd) && evidence.format == OE_UNKNOWN)
		rd_fail(&rd, TOBI_E_MALFORMED, "header");
	if (size > rd_left(&rd))
		rd_fail(&rd, TOBI_E_TRUNCATED, "data");
	data = rd_sub(&rd, (size_t)size, "data");
	err = rd_finish(&rd, object, fault);
	if (err)
		return err;
	if (evidence.format == OE_LOCAL || evidence.format == OE_EPID)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "format",
				 "%s: there is no quote of DCAP in it",
				 oe_format_name(evidence.format));
	if (evidence.format == OE_SGX_ECDSA)
		split_claims(&data, &evidence);
	else
		evidence.quote = rd_bytes(&data, rd_left(&data), "quote");
	err = rd_finish(&data, object, fault);
	if (err)
		return err;
	if (evidence.format == OE_LEGACY_REPORT)
		evidence.quote = oe_report_quote(evidence.quote);
	*ret_evidence = evidence;
	return TOBI_OK;
}

/* Names have their zero counted. */
static bool read_claim(struct reader *rd, struct oe_claim *claim)
{
	uint64_t name = rd_u64le(rd, "name size");
	uint64_t value = rd_u64le(rd, "value size");

	if (rd_failed(rd) || name < 2 || name > rd_left(rd) || value > rd_left(rd) - name)
		return false;
	claim->name = rd_bytes(rd, (size_t)name, "name");
	claim->value = rd_bytes(rd, (size_t)value, "value");
	claim->name.size--;
	return claim->name.ptr[claim->name.size] == 0 && utf8_is_text(claim->name);
}

size_t oe_claims_read(struct tobi_bytes bytes,
		      struct oe_claim ret_claims[static OE_CLAIMS_MAX])
{
	struct reader rd = rd_init(bytes);
	uint64_t version = rd_u64le(&rd, "version"), count = rd_u64le(&rd, "count");

	if (rd_failed(&rd) || version != CLAIMS_VERSION || count > OE_CLAIMS_MAX)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!read_claim(&rd, &ret_claims[i]))
			return 0;
	}
	return rd_left(&rd) ? 0 : (size_t)count;
}
