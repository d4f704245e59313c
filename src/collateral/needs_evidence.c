#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/reader.h"
#include "base/secret.h"
#include "collateral/needs.h"
#include "collateral/text.h"
#include "pki/pinned.h"
#include "token/oe_evidence.h"

static const char object[] = "evidence";

enum {
	QUOTE_HEADER = 48,
	QUOTE_TDX = 0x81,
	QUOTE_ID = 28, /* of the user data: whose quoting enclave it is */
	SGX_BODY = 384,
	SNP_SIZE = 1184,
	SNP_TABLE_MAX = 64 << 10, /* certificates behind it */
	FMSPC_SIZE = 6,
};

/* 1.2.840.113741.1.13.1.4 and the head of an OCTET STRING of 6 bytes. */
static const uint8_t fmspc_member[] = {0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf8,
				       0x4d, 0x01, 0x0d, 0x01, 0x04, 0x04, 0x06};

static enum tobi_err needs_of_certificate(X509 *certificate, bool tdx,
					  struct needs *needs, struct tobi_fault *fault)
{
	unsigned char *der = NULL;
	int size = i2d_X509(certificate, &der);
	char issuer[64] = "", fmspc[2 * FMSPC_SIZE + 1] = "";
	const uint8_t *at =
	    size > 0 ? memmem(der, (size_t)size, fmspc_member, sizeof(fmspc_member))
		     : NULL;

	if (at && (size_t)(der + size - at) >= sizeof(fmspc_member) + FMSPC_SIZE)
		hex_write((struct tobi_bytes){at + sizeof(fmspc_member), FMSPC_SIZE},
			  fmspc, sizeof(fmspc));
	OPENSSL_free(der);
	if (!fmspc[0])
		return fault_set(fault, TOBI_E_MALFORMED, object, "PCK certificate",
				 "it does not name the platform's FMSPC");
	X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate), NID_commonName,
				  issuer, sizeof(issuer));
	return needs_of_platform(fmspc,
				 strstr(issuer, "Platform") ? "platform" : "processor",
				 tdx, needs, fault);
}

static enum tobi_err needs_of_chain(struct tobi_bytes pem, bool tdx, struct needs *needs,
				    struct tobi_fault *fault)
{
	CLEANUP(pem_list_done) struct pem_list list = {0};
	enum tobi_err err = pem_list_read(pem, object, &list, fault);

	if (err)
		return err;
	for (size_t i = 0; i < list.count; i++) {
		if (certificate_is_named(list.certificates[i],
					 "Intel SGX PCK Certificate"))
			return needs_of_certificate(list.certificates[i], tdx, needs,
						    fault);
	}
	return fault_set(fault, TOBI_E_MALFORMED, object, "PCK certificate",
			 "there is none among the certificates");
}

enum tobi_err needs_of_pck(const struct collateral_item *pck, bool tdx,
			   struct needs *needs, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;

	if (!chain_read_certificate(pck->data, object, &certificate, NULL))
		return needs_of_certificate(certificate, tdx, needs, fault);
	return needs_of_chain(pck->data, tdx, needs, fault);
}

static void write_hex(struct writer *out, const char *name, struct tobi_bytes bytes)
{
	wr_printf(out, "%s=", name);
	for (size_t i = 0; i < bytes.size; i++)
		wr_printf(out, "%02x", bytes.ptr[i]);
}

/* A quote that names its platform's certificate only: by the encrypted PPID, the CPU's
 * and the PCE's versions. */
static enum tobi_err need_pck(struct tobi_bytes quote, struct needs *needs,
			      struct tobi_fault *fault)
{
	struct need *need = &needs->list[needs->count];
	CLEANUP(wr_done) struct writer path = wr_init(NEED_PATH_MAX - 1);
	struct reader rd = rd_init(quote), data;
	struct tobi_bytes id;
	uint16_t type;

	rd_bytes(&rd, QUOTE_ID, "header");
	id = rd_bytes(&rd, 16, "user data");
	rd_bytes(&rd, QUOTE_HEADER - QUOTE_ID - 16 + SGX_BODY, "body");
	data = rd_sub(&rd, rd_u32le(&rd, "signature size"), "signature");
	rd_bytes(&data, 64 + 64 + SGX_BODY + 64, "signatures");
	rd_bytes(&data, rd_u16le(&data, "authentication size"), "authentication data");
	type = rd_u16le(&data, "certification type");
	data = rd_sub(&data, rd_u32le(&data, "certification size"), "certification");
	if (rd_failed(&data) || (type != 2 && type != 3))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "certification",
				 "a quote with neither a PCK certificate nor an "
				 "encrypted PPID");
	wr_printf(&path, "/sgx/certification/v4/pckcert?");
	write_hex(&path, "encrypted_ppid",
		  rd_bytes(&data, type == 2 ? 256 : 384, "PPID"));
	write_hex(&path, "&cpusvn", rd_bytes(&data, 16, "CPUSVN"));
	write_hex(&path, "&pcesvn", rd_bytes(&data, 2, "PCESVN"));
	write_hex(&path, "&pceid", rd_bytes(&data, 2, "PCE-ID"));
	write_hex(&path, "&qeid", id);
	if (rd_failed(&data) || wr_err(&path))
		return rd_finish(&data, object, fault);
	*need = (struct need){.service = SERVICE_PCS, .kind = COLLATERAL_PCK};
	bytes_copy(need->path, NEED_PATH_MAX - 1, path.ptr, path.size);
	needs->count++;
	needs->pck_first = true;
	return TOBI_OK;
}

static enum tobi_err needs_of_quote(struct tobi_bytes quote, struct needs *needs,
				    struct tobi_fault *fault)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	struct reader rd = rd_init(quote);
	uint16_t version = rd_u16le(&rd, "version");
	uint32_t tee;
	const uint8_t *pem;

	rd_u16le(&rd, "key type");
	tee = rd_u32le(&rd, "TEE type");
	needs->tdx = version > 3 && tee == QUOTE_TDX;
	pem = memmem(quote.ptr, quote.size, begin, strlen(begin));
	if (!pem)
		return needs->tdx ? fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
					      "there is no PCK certificate in the quote")
				  : need_pck(quote, needs, fault);
	return needs_of_chain(
	    (struct tobi_bytes){pem, (size_t)(quote.ptr + quote.size - pem)}, needs->tdx,
	    needs, fault);
}

/* Families and models of processors, of reports that name them (version 3 on). */
static const char *product_of(uint8_t family, uint8_t model)
{
	if (family == 0x19)
		return model < 0x10					 ? "Milan"
		       : model < 0x20 || (model >= 0xa0 && model < 0xb0) ? "Genoa"
									 : NULL;
	return family == 0x1a && model < 0x12 ? "Turin" : NULL;
}

static bool is_zero(struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.ptr[i])
			return false;
	}
	return true;
}

struct snp_names {
	uint32_t version, key_info;
	struct tobi_bytes tcb, chip;
	uint8_t family, model;
};

static struct snp_names read_report(struct tobi_bytes report)
{
	struct reader rd = rd_init(report);
	struct snp_names names = {.version = rd_u32le(&rd, "version")};

	rd_bytes(&rd, 0x48 - 4, "guest");
	names.key_info = rd_u32le(&rd, "key info");
	rd_bytes(&rd, 0x180 - 0x4c, "report");
	names.tcb = rd_bytes(&rd, 8, "reported TCB");
	names.family = rd_u8(&rd, "family");
	names.model = rd_u8(&rd, "model");
	rd_bytes(&rd, 0x1a0 - 0x18a, "reserved");
	names.chip = rd_bytes(&rd, CHIP_ID_SIZE, "chip id");
	return names;
}

static enum tobi_err needs_of_report(struct tobi_bytes report,
				     const struct needs_hint *hint, struct needs *needs,
				     struct tobi_fault *fault)
{
	struct snp_names names = read_report(report);
	const char *product =
	    names.version > 2 ? product_of(names.family, names.model) : NULL;
	bool vlek = (names.key_info >> 2 & 7) == 1;

	if (hint->product)
		product = hint->product;
	if (!product)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "product",
				 "the report does not name a product that is known "
				 "here: give it with --product (Milan, Genoa, Turin)");
	if (vlek || is_zero(names.chip)) {
		needs->note = vlek ? "a VLEK is given to the cloud's provider only: take "
				     "the one that came with the report"
				   : "the report hides its chip: take the certificate "
				     "that came with it";
		return needs_of_product(product, vlek, needs, fault);
	}
	if (is_zero((struct tobi_bytes){names.chip.ptr + 8, CHIP_ID_SIZE - 8}))
		names.chip.size = 8;
	return needs_of_chip(product, names.chip, names.tcb, needs, fault);
}

static bool is_quote(struct tobi_bytes evidence)
{
	struct reader rd = rd_init(evidence);
	uint16_t version = rd_u16le(&rd, "version"), type = rd_u16le(&rd, "key type");

	return evidence.size > QUOTE_HEADER && version >= 3 && version <= 5 &&
	       (type == 2 || type == 3);
}

static bool is_report(struct tobi_bytes evidence)
{
	struct reader rd = rd_init(evidence);
	uint32_t version = rd_u32le(&rd, "version");

	return evidence.size >= SNP_SIZE && evidence.size <= SNP_SIZE + SNP_TABLE_MAX &&
	       version >= 2 && version <= 5 && evidence.ptr[0x34] == 1;
}

enum tobi_err needs_of_evidence(struct tobi_bytes evidence, const struct needs_hint *hint,
				struct needs *needs, struct tobi_fault *fault)
{
	struct oe_evidence oe;

	if (oe_evidence_format(evidence) != OE_UNKNOWN) {
		enum tobi_err err = oe_evidence_parse(evidence, &oe, fault);

		if (err)
			return err;
		evidence = oe.quote;
	}
	evidence = oe_report_quote(evidence);
	/* A report's version is the wider number: of a quote, its third byte is not 0. */
	if (is_quote(evidence))
		return needs_of_quote(evidence, needs, fault);
	if (is_report(evidence))
		return needs_of_report(evidence, hint, needs, fault);
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
			 "neither a quote of SGX or TDX nor a report of SEV-SNP: "
			 "evidence of other kinds needs no collateral, or brings it");
}
