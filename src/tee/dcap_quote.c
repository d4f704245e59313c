#include "tee/dcap_quote.h"

#include "base/endian.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/secret.h"
#include "tee/sgx_report.h"

enum {
	ECDSA_P256 = 2,
	TEE_SGX = 0,
	TEE_TDX = 0x81,
	STARTS_SIZE = 12,
	PPID_CLEAR_SIZE = 16,
	PPID_RSA2048_SIZE = 256,
	PPID_RSA3072_SIZE = 384,
	NAME_SIZE = 16 + 2 + 2,
	NAME_SIZE_WITHOUT_PCE = 16 + 2,
};

struct header {
	unsigned version, key_type;
	uint32_t tee;
};

bool dcap_quote_starts(struct tobi_bytes bytes, bool tdx)
{
	unsigned version, key_type;
	uint32_t tee;

	if (bytes.size < STARTS_SIZE)
		return false;
	version = load_u16le(bytes.ptr);
	key_type = load_u16le(bytes.ptr + 2);
	tee = load_u32le(bytes.ptr + 4);
	return version >= 3 && version <= 5 && (key_type == 2 || key_type == 3) &&
	       tee == (tdx ? TEE_TDX : TEE_SGX);
}

static size_t body_size(enum dcap_body kind)
{
	switch (kind) {
	case DCAP_SGX:
		return SGX_REPORT_SIZE;
	case DCAP_TD10:
		return DCAP_TD10_SIZE;
	case DCAP_TD15:
		return DCAP_TD15_SIZE;
	}
	return 0;
}

static void read_header(struct reader *rd, struct dcap_quote *quote,
			struct header *header)
{
	header->version = rd_u16le(rd, "version");
	header->key_type = rd_u16le(rd, "attestation key type");
	header->tee = rd_u32le(rd, "TEE type");
	quote->version = header->version;
	quote->qe_svn = rd_u16le(rd, "QE SVN");
	quote->pce_svn = rd_u16le(rd, "PCE SVN");
	quote->vendor = rd_bytes(rd, 16, "QE vendor");
	quote->user_data = rd_bytes(rd, 20, "user data");
	if (header->version != 3)
		quote->qe_svn = quote->pce_svn = 0; /* reserved there */
}

static enum tobi_err check_header(const struct header *header, const char *object,
				  struct tobi_fault *fault)
{
	if (header->version < 3 || header->version > 5)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "version",
				 "quotes of version %u are not known here, 3 to 5 are",
				 header->version);
	if (header->key_type != ECDSA_P256)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object,
				 "attestation key type",
				 "keys of type %u are not known here, 2 (ECDSA with "
				 "P-256) is",
				 header->key_type);
	if (header->tee != TEE_SGX && (header->tee != TEE_TDX || header->version == 3))
		return fault_set(fault, TOBI_E_MALFORMED, object, "TEE type",
				 "it is neither SGX's nor TDX's");
	return TOBI_OK;
}

/* Version 5 names the body and its size; both must agree with the TEE type. */
static enum tobi_err read_body(struct reader *rd, const struct header *header,
			       struct dcap_quote *quote, const char *object,
			       struct tobi_fault *fault)
{
	unsigned kind = header->tee == TEE_TDX ? DCAP_TD10 : DCAP_SGX;
	uint32_t size = 0;

	if (header->version == 5) {
		kind = rd_u16le(rd, "body type");
		size = rd_u32le(rd, "body size");
		if (rd_failed(rd))
			return rd_status(rd, object, fault);
		if (kind < DCAP_SGX || kind > DCAP_TD15 ||
		    (kind == DCAP_SGX) != (header->tee == TEE_SGX))
			return fault_set(fault, TOBI_E_MALFORMED, object, "body type",
					 "%u is no body of this TEE type", kind);
		if (size != body_size((enum dcap_body)kind))
			return fault_set(fault, TOBI_E_MALFORMED, object, "body size",
					 "%u bytes are not the size of its type", size);
	}
	quote->body_kind = (enum dcap_body)kind;
	quote->body = rd_bytes(rd, body_size(quote->body_kind), "body");
	return rd_status(rd, object, fault);
}

/* Types 1 to 3 name a certificate; one sample in the field ends before the PCE-ID. */
static enum tobi_err read_name(struct dcap_quote *quote, size_t ppid_size,
			       const char *object, struct tobi_fault *fault)
{
	struct reader rd = rd_init(quote->certification_data);

	if (rd_left(&rd) != ppid_size + NAME_SIZE &&
	    rd_left(&rd) != ppid_size + NAME_SIZE_WITHOUT_PCE)
		return fault_set(fault, TOBI_E_MALFORMED, object, "certification data",
				 "%zu bytes are not the size of type %d", rd_left(&rd),
				 quote->certification);
	quote->ppid = rd_bytes(&rd, ppid_size, "PPID");
	quote->cpusvn = rd_bytes(&rd, 16, "CPUSVN");
	quote->pcesvn = rd_u16le(&rd, "PCESVN");
	quote->pce_id = rd_bytes(&rd, rd_left(&rd), "PCE-ID");
	return rd_finish(&rd, object, fault);
}

static enum tobi_err read_certification(struct reader *rd, struct dcap_quote *quote,
					const char *object, struct tobi_fault *fault)
{
	unsigned type = rd_u16le(rd, "certification type");
	uint32_t size = rd_u32le(rd, "certification data size");

	if (!rd_failed(rd) && size > LIMIT_DCAP_CERTIFICATION)
		return fault_set(fault, TOBI_E_LIMIT, object, "certification data",
				 "over %d bytes", LIMIT_DCAP_CERTIFICATION);
	quote->certification_data = rd_bytes(rd, size, "certification data");
	if (rd_failed(rd))
		return rd_status(rd, object, fault);
	quote->certification = (enum dcap_certification)type;
	switch (type) {
	case DCAP_PPID_CLEAR:
		return read_name(quote, PPID_CLEAR_SIZE, object, fault);
	case DCAP_PPID_RSA2048:
		return read_name(quote, PPID_RSA2048_SIZE, object, fault);
	case DCAP_PPID_RSA3072:
		return read_name(quote, PPID_RSA3072_SIZE, object, fault);
	case DCAP_PCK_LEAF:
	case DCAP_PCK_CHAIN:
	case DCAP_PLATFORM_MANIFEST:
		return TOBI_OK;
	default:
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "certification type",
				 "certification data of type %u is not known here", type);
	}
}

static enum tobi_err read_quoting_enclave(struct reader *rd, struct dcap_quote *quote,
					  const char *object, struct tobi_fault *fault)
{
	size_t size;
	enum tobi_err err;

	quote->qe_report = rd_bytes(rd, SGX_REPORT_SIZE, "QE report");
	quote->qe_report_signature = rd_bytes(rd, 64, "QE report signature");
	size = rd_u16le(rd, "QE authentication data size");
	if (size > LIMIT_DCAP_AUTH)
		return fault_set(fault, TOBI_E_LIMIT, object, "QE authentication data",
				 "over %d bytes", LIMIT_DCAP_AUTH);
	quote->qe_auth = rd_bytes(rd, size, "QE authentication data");
	err = read_certification(rd, quote, object, fault);
	return err ? err : rd_finish(rd, object, fault);
}

/* From version 4 on, what version 3 has behind the key is in a frame of its own. */
static enum tobi_err read_signature_data(struct reader *rd, struct dcap_quote *quote,
					 const char *object, struct tobi_fault *fault)
{
	struct reader inner, rest;
	unsigned type;
	uint32_t size;
	enum tobi_err err;

	quote->signature = rd_bytes(rd, 64, "signature");
	rest = *rd;
	quote->key_part = rd_bytes(&rest, rd_left(&rest), "attestation key");
	quote->attestation_key = rd_bytes(rd, 64, "attestation key");
	if (quote->version == 3)
		return read_quoting_enclave(rd, quote, object, fault);
	type = rd_u16le(rd, "certification type");
	size = rd_u32le(rd, "certification data size");
	inner = rd_sub(rd, size, "certification data");
	err = rd_finish(rd, object, fault);
	if (!err && type != DCAP_QE_REPORT)
		err = fault_set(fault, TOBI_E_UNSUPPORTED, object, "certification type",
				"type %u is not known here in a quote of version %u, 6 "
				"(the report of the quoting enclave) is",
				type, quote->version);
	return err ? err : read_quoting_enclave(&inner, quote, object, fault);
}

/* Hosts of TDX give the quote in a buffer that is larger. */
static enum tobi_err check_padding(struct reader *rd, const char *object,
				   struct tobi_fault *fault)
{
	size_t offset = rd_offset(rd);
	struct tobi_bytes rest = rd_bytes(rd, rd_left(rd), "padding");

	for (size_t i = 0; i < rest.size; i++) {
		if (rest.ptr[i])
			return fault_at(fault, TOBI_E_TRAILING, object, "padding",
					offset + i,
					"only zero bytes may follow the quote");
	}
	return TOBI_OK;
}

enum tobi_err dcap_quote_read(struct tobi_bytes bytes, const char *object,
			      struct dcap_quote *ret_quote, struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes), data;
	struct dcap_quote quote = {0};
	struct header header;
	uint32_t size;
	enum tobi_err err;

	read_header(&rd, &quote, &header);
	err = rd_status(&rd, object, fault);
	if (!err)
		err = check_header(&header, object, fault);
	if (!err)
		err = read_body(&rd, &header, &quote, object, fault);
	if (err)
		return err;
	quote.signed_part = (struct tobi_bytes){bytes.ptr, rd_offset(&rd)};
	size = rd_u32le(&rd, "signature data size");
	data = rd_sub(&rd, size, "signature data");
	err = rd_status(&rd, object, fault);
	if (!err)
		err = read_signature_data(&data, &quote, object, fault);
	if (!err)
		err = check_padding(&rd, object, fault);
	if (err)
		return err;
	*ret_quote = quote;
	return TOBI_OK;
}

bool dcap_quote_is_intel(const struct dcap_quote *quote)
{
	static const uint8_t vendor[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

	return bytes_equal(quote->vendor, (struct tobi_bytes){vendor, sizeof(vendor)});
}
