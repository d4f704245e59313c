/* Reports of hardware that go-sev-guest and go-tdx-guest have taken apart into fields,
 * put together again as they were signed: then their own kinds verify them. */
#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/protobuf.h"
#include "tee/google_message.h"
#include "tee/snp_report.h"

#define OBJECT "attestation message"

/* Where a field goes; of numbers little-endian. Of a field that repeats one after the
 * other. */
struct place {
	uint32_t number;
	uint16_t at, size;
	bool is_number;
	uint8_t times; /* 0: once */
};

static enum tobi_err wrong(const char *field, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, OBJECT, field,
			 "it is there twice, or of another form");
}

static enum tobi_err no_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory, or too large");
}

static bool put(const struct place *place, const struct pb_field *field, size_t index,
		uint8_t *out)
{
	uint8_t *at = out + place->at + index * place->size;

	if (field->kind != (place->is_number ? PB_NUMBER : PB_BYTES) ||
	    index >= (place->times ? place->times : 1))
		return false;
	if (place->is_number) {
		if (place->size < 8 && field->value >> 8 * place->size)
			return false;
		store_le(at, place->size, field->value);
		return true;
	}
	if (field->bytes.size != place->size)
		return false;
	bytes_copy(at, place->size, field->bytes.ptr, field->bytes.size);
	return true;
}

/* Absent is zero. A field that is not known here goes nowhere: if it was signed, the
 * signature will not verify. */
static enum tobi_err fill(struct tobi_bytes message, const struct place *places,
			  const char *name, uint8_t *out, struct tobi_fault *fault)
{
	struct reader rd = rd_init(message);
	uint8_t counts[64] = {0};
	struct pb_field field;

	while (pb_next(&rd, &field)) {
		const struct place *place = places;

		while (place->number && place->number != field.number)
			place++;
		if (place->number && !put(place, &field, counts[field.number]++, out))
			return wrong(name, fault);
	}
	return rd_finish(&rd, OBJECT, fault);
}

/* A part of a message, by its number; empty where there is none. */
static enum tobi_err find(struct tobi_bytes message, uint32_t number, const char *name,
			  struct tobi_bytes *ret_part, struct tobi_fault *fault)
{
	struct reader rd = rd_init(message);
	struct pb_field field;
	bool found = false;

	while (pb_next(&rd, &field)) {
		if (field.number != number)
			continue;
		if (found || field.kind != PB_BYTES)
			return wrong(name, fault);
		*ret_part = field.bytes;
		found = true;
	}
	return rd_finish(&rd, OBJECT, fault);
}

/* ---- SEV-SNP ---- */

enum { CPUID_AT = 0x188, CPUID_NUMBER = 29 };

/* AMD 56860, ATTESTATION_REPORT; message sevsnp.Report. */
static const struct place snp_places[] = {
    {1, 0x00, 4, true, 0},	{2, 0x04, 4, true, 0},
    {3, 0x08, 8, true, 0},	{4, 0x10, 16, false, 0},
    {5, 0x20, 16, false, 0},	{6, 0x30, 4, true, 0},
    {7, 0x34, 4, true, 0},	{8, 0x38, 8, true, 0},
    {9, 0x40, 8, true, 0},	{10, 0x48, 4, true, 0},
    {11, 0x50, 64, false, 0},	{12, 0x90, 48, false, 0},
    {13, 0xc0, 32, false, 0},	{14, 0xe0, 48, false, 0},
    {15, 0x110, 48, false, 0},	{16, 0x140, 32, false, 0},
    {17, 0x160, 32, false, 0},	{18, 0x180, 8, true, 0},
    {19, 0x1a0, 64, false, 0},	{20, 0x1e0, 8, true, 0},
    {21, 0x1e8, 1, true, 0},	{22, 0x1e9, 1, true, 0},
    {23, 0x1ea, 1, true, 0},	{24, 0x1ec, 1, true, 0},
    {25, 0x1ed, 1, true, 0},	{26, 0x1ee, 1, true, 0},
    {27, 0x1f0, 8, true, 0},	{28, 0x2a0, 512, false, 0},
    {29, CPUID_AT, 4, true, 0}, {30, 0x1f8, 8, true, 0},
    {31, 0x200, 8, true, 0},	{0}};

/* CPUID leaf 1, EAX, as the report has it: family, model, stepping. */
static void settle_cpu(uint8_t *report)
{
	uint32_t eax = load_u32le(report + CPUID_AT);

	report[CPUID_AT] = (uint8_t)((eax >> 20 & 0xff) + (eax >> 8 & 0xf));
	report[CPUID_AT + 1] = (uint8_t)((eax >> 16 & 0xf) << 4 | (eax >> 4 & 0xf));
	report[CPUID_AT + 2] = (uint8_t)(eax & 0xf);
	report[CPUID_AT + 3] = 0;
}

enum tobi_err google_snp_add(struct tpm_parts *parts, struct tobi_bytes message,
			     struct tobi_fault *fault)
{
	static const uint32_t certificates[] = {1, 6, 2, 3}; /* VCEK, VLEK, ASK, ARK */
	uint8_t *report = arena_alloc(parts->arena, SNP_REPORT_SIZE);
	struct tobi_bytes fields = {0}, chain = {0};
	enum tobi_err err =
	    report ? find(message, 1, "report", &fields, fault) : no_memory(fault);

	if (!err)
		err = fill(fields, snp_places, "report", report, fault);
	if (!err)
		err = find(message, 2, "certificate_chain", &chain, fault);
	if (err)
		return err;
	settle_cpu(report);
	parts->twice |= parts->hardware_report.size > 0;
	parts->hardware_report = (struct tobi_bytes){report, SNP_REPORT_SIZE};
	for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]) && !err;
	     i++) {
		struct tobi_bytes certificate = {0};

		err = find(chain, certificates[i], "certificate_chain", &certificate,
			   fault);
		if (!certificate.size)
			continue;
		if (parts->hardware_pieces.count == TPM_PARTS_EACH)
			return wrong("certificate_chain", fault);
		parts->hardware_pieces.items[parts->hardware_pieces.count++] =
		    certificate;
	}
	return err;
}

/* ---- TDX ---- */

enum {
	HEADER_SIZE = 48,
	BODY_SIZE = 584,
	SIGNED_SIZE = HEADER_SIZE + BODY_SIZE,
	QE_REPORT_SIZE = 384,
	OUTPUT_MAX = 64 << 10,
};

/* Intel TDX DCAP Quoting Library API, appendix A; messages tdx.Header, TDQuoteBody,
 * EnclaveReport. */
static const struct place header_places[] = {{1, 0, 2, true, 0},    {2, 2, 2, true, 0},
					     {3, 4, 4, true, 0},    {5, 8, 2, false, 0},
					     {4, 10, 2, false, 0},  {6, 12, 16, false, 0},
					     {7, 28, 20, false, 0}, {0}};
static const struct place body_places[] = {{1, 0, 16, false, 0},
					   {2, 16, 48, false, 0},
					   {3, 64, 48, false, 0},
					   {4, 112, 8, false, 0},
					   {5, 120, 8, false, 0},
					   {6, 128, 8, false, 0},
					   {7, 136, 48, false, 0},
					   {8, 184, 48, false, 0},
					   {9, 232, 48, false, 0},
					   {10, 280, 48, false, 0},
					   {11, 328, 48, false, 4},
					   {12, 520, 64, false, 0},
					   {0}};
static const struct place qe_places[] = {{1, 0, 16, false, 0},
					 {2, 16, 4, true, 0},
					 {3, 20, 28, false, 0},
					 {4, 48, 16, false, 0},
					 {5, 64, 32, false, 0},
					 {6, 96, 32, false, 0},
					 {7, 128, 32, false, 0},
					 {8, 160, 96, false, 0},
					 {9, 256, 2, true, 0},
					 {10, 258, 2, true, 0},
					 {11, 260, 60, false, 0},
					 {12, 320, 64, false, 0},
					 {0}};
static const struct place signature_places[] = {
    {1, 0, 64, false, 0}, {2, 64, 64, false, 0}, {0}};
static const struct place qe_signature_places[] = {{2, 0, 64, false, 0}, {0}};
static const struct place type_places[] = {{1, 0, 2, true, 0}, {0}};

static void put_sized(struct writer *out, struct tobi_bytes bytes, size_t size_bytes)
{
	uint8_t size[4];

	store_le(size, 4, bytes.size);
	wr_bytes(out, size, size_bytes);
	wr_bytes(out, bytes.ptr, bytes.size);
}

/* QEReportCertificationData: the enclave's report, its signature, what it adds, and the
 * chain. */
static enum tobi_err put_certification(struct tobi_bytes message, struct writer *out,
				       struct tobi_fault *fault)
{
	struct tobi_bytes report = {0}, auth = {0}, data = {0}, pck = {0}, chain = {0};
	uint8_t fixed[QE_REPORT_SIZE + 64] = {0}, type[2] = {0};
	enum tobi_err err = find(message, 1, "qe_report", &report, fault);

	if (!err)
		err = fill(report, qe_places, "qe_report", fixed, fault);
	if (!err)
		err = fill(message, qe_signature_places, "qe_report_signature",
			   fixed + QE_REPORT_SIZE, fault);
	if (!err)
		err = find(message, 3, "qe_auth_data", &auth, fault);
	if (!err)
		err = find(auth, 2, "qe_auth_data", &data, fault);
	if (!err)
		err = find(message, 4, "pck_certificate_chain_data", &pck, fault);
	if (!err)
		err = fill(pck, type_places, "certificate_data_type", type, fault);
	if (!err)
		err = find(pck, 3, "pck_cert_chain", &chain, fault);
	if (err)
		return err;
	wr_bytes(out, fixed, sizeof(fixed));
	put_sized(out, data, 2);
	wr_bytes(out, type, sizeof(type));
	put_sized(out, chain, 4);
	return data.size <= UINT16_MAX ? TOBI_OK : wrong("qe_auth_data", fault);
}

static enum tobi_err put_signature(struct tobi_bytes message, struct writer *out,
				   struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer inner = wr_init(OUTPUT_MAX);
	struct tobi_bytes certification = {0}, qe = {0};
	uint8_t fixed[128] = {0}, type[2] = {0};
	enum tobi_err err = fill(message, signature_places, "signed_data", fixed, fault);

	if (!err)
		err = find(message, 3, "certification_data", &certification, fault);
	if (!err)
		err = fill(certification, type_places, "certificate_data_type", type,
			   fault);
	if (!err)
		err = find(certification, 3, "certification_data", &qe, fault);
	if (!err)
		err = put_certification(qe, &inner, fault);
	if (err)
		return err;
	wr_bytes(out, fixed, sizeof(fixed));
	wr_bytes(out, type, sizeof(type));
	put_sized(out, wr_view(&inner), 4);
	return wr_err(&inner) ? no_memory(fault) : TOBI_OK;
}

enum tobi_err google_tdx_add(struct tpm_parts *parts, struct tobi_bytes message,
			     struct tobi_fault *fault)
{
	CLEANUP(wr_done)
	struct writer quote = wr_init(OUTPUT_MAX), tail = wr_init(OUTPUT_MAX);
	struct tobi_bytes header = {0}, body = {0}, data = {0};
	uint8_t fixed[SIGNED_SIZE] = {0};
	enum tobi_err err = find(message, 1, "header", &header, fault);

	if (!err)
		err = fill(header, header_places, "header", fixed, fault);
	if (!err)
		err = find(message, 2, "td_quote_body", &body, fault);
	if (!err)
		err =
		    fill(body, body_places, "td_quote_body", fixed + HEADER_SIZE, fault);
	if (!err)
		err = find(message, 4, "signed_data", &data, fault);
	if (!err)
		err = put_signature(data, &tail, fault);
	if (err)
		return err;
	wr_bytes(&quote, fixed, sizeof(fixed));
	put_sized(&quote, wr_view(&tail), 4);
	if (wr_err(&quote) || wr_err(&tail))
		return no_memory(fault);
	parts->twice |= parts->hardware_quote.size > 0;
	parts->hardware_quote = arena_copy(parts->arena, wr_view(&quote));
	return parts->hardware_quote.ptr ? TOBI_OK : no_memory(fault);
}
