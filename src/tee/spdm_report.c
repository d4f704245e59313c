#include "tee/spdm_report.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/reader.h"

static const char object[] = "SPDM report";

/* DSP0274 1.1.0, tables 31 to 36. */
enum {
	SPDM_VERSION_1_1 = 0x11,
	GET_MEASUREMENTS = 0xe0,
	MEASUREMENTS = 0x60,
	WITH_SIGNATURE = 0x01,
	ALL_BLOCKS = 0xff,
	REQUEST_SIZE = 37,
	DMTF = 0x01,
	RAW = 0x80, /* of a value's type: not a digest */
	VALUE_HEAD = 3,
	FIELD_HEAD = 4,
	VBIOS_SIZE = 8,
};

bool spdm_report_starts(struct tobi_bytes bytes)
{
	const uint8_t *p = bytes.ptr;

	return bytes.size > REQUEST_SIZE + 1 && p[0] == SPDM_VERSION_1_1 &&
	       p[1] == GET_MEASUREMENTS && p[REQUEST_SIZE] == SPDM_VERSION_1_1 &&
	       p[REQUEST_SIZE + 1] == MEASUREMENTS;
}

static void expect(struct reader *rd, uint8_t value, enum tobi_err err, const char *field)
{
	if (rd_u8(rd, field) != value)
		rd_fail(rd, err, field);
}

static void read_request(struct reader *rd, struct spdm_report *report)
{
	expect(rd, SPDM_VERSION_1_1, TOBI_E_UNSUPPORTED, "request's version");
	expect(rd, GET_MEASUREMENTS, TOBI_E_UNSUPPORTED, "request's code");
	expect(rd, WITH_SIGNATURE, TOBI_E_UNSUPPORTED, "request's attributes");
	expect(rd, ALL_BLOCKS, TOBI_E_UNSUPPORTED, "request's operation");
	report->nonce = rd_bytes(rd, SPDM_NONCE_SIZE, "request's nonce");
	rd_u8(rd, "slot");
}

static uint32_t read_u24le(struct reader *rd, const char *field)
{
	uint32_t low = rd_u16le(rd, field);

	return low | (uint32_t)rd_u8(rd, field) << 16;
}

/* In their order and without a gap: an index says what the digest is of, and none may be
 * there twice. */
static void read_block(struct reader *rd, size_t index, struct spdm_report *report)
{
	struct reader block;

	if (rd_u8(rd, "block's index") != index + 1)
		rd_fail(rd, TOBI_E_MALFORMED, "block's index");
	expect(rd, DMTF, TOBI_E_UNSUPPORTED, "block's specification");
	block = rd_sub(rd, rd_u16le(rd, "block's size"), "block");
	if (rd_u8(&block, "value's type") & RAW)
		rd_fail(&block, TOBI_E_UNSUPPORTED, "value's type");
	if (rd_u16le(&block, "value's size") != SPDM_DIGEST_SIZE)
		rd_fail(&block, TOBI_E_UNSUPPORTED, "value's size");
	report->digests[index] = rd_bytes(&block, SPDM_DIGEST_SIZE, "value");
	if (!rd_failed(&block) && rd_left(&block))
		rd_fail(&block, TOBI_E_TRAILING, "block");
	if (rd_failed(&block))
		rd_fail(rd, block.err, block.fail_field);
}

static void read_blocks(struct reader *rd, struct spdm_report *report)
{
	size_t count = rd_u8(rd, "number of blocks");
	struct reader record =
	    rd_sub(rd, read_u24le(rd, "record's length"), "measurement record");

	if (count == 0 || count > SPDM_BLOCKS_MAX)
		rd_fail(rd, count ? TOBI_E_LIMIT : TOBI_E_MALFORMED, "number of blocks");
	for (size_t i = 0; i < count && !rd_failed(rd) && !rd_failed(&record); i++)
		read_block(&record, i, report);
	if (!rd_failed(&record) && !rd_failed(rd) && rd_left(&record))
		rd_fail(&record, TOBI_E_TRAILING, "measurement record");
	if (rd_failed(&record))
		rd_fail(rd, record.err, record.fail_field);
	report->block_count = count;
}

static void read_field(struct reader *rd, struct spdm_report *report)
{
	uint16_t type = rd_u16le(rd, "opaque field's type");
	struct tobi_bytes value =
	    rd_bytes(rd, rd_u16le(rd, "opaque field's size"), "opaque field");

	if (rd_failed(rd) || type >= SPDM_FIELD_KNOWN)
		return;
	if (report->fields[type].ptr)
		rd_fail(rd, TOBI_E_MALFORMED, "opaque field, twice");
	report->fields[type] = value;
}

static void read_opaque(struct reader *rd, struct spdm_report *report)
{
	size_t size = rd_u16le(rd, "opaque length"), count = 0;
	struct reader opaque = rd_sub(rd, size, "opaque data");

	if (size > SPDM_OPAQUE_MAX)
		rd_fail(rd, TOBI_E_LIMIT, "opaque length");
	while (!rd_failed(rd) && !rd_failed(&opaque) && rd_left(&opaque)) {
		if (count++ == SPDM_FIELDS_MAX)
			rd_fail(&opaque, TOBI_E_LIMIT, "opaque fields");
		read_field(&opaque, report);
	}
	if (rd_failed(&opaque))
		rd_fail(rd, opaque.err, opaque.fail_field);
}

enum tobi_err spdm_report_parse(struct tobi_bytes bytes, struct spdm_report *ret_report,
				struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct spdm_report report = {0};
	enum tobi_err err;

	read_request(&rd, &report);
	expect(&rd, SPDM_VERSION_1_1, TOBI_E_UNSUPPORTED, "response's version");
	expect(&rd, MEASUREMENTS, TOBI_E_UNSUPPORTED, "response's code");
	rd_u16le(&rd, "response's parameters");
	read_blocks(&rd, &report);
	rd_bytes(&rd, SPDM_NONCE_SIZE, "response's nonce");
	read_opaque(&rd, &report);
	report.message = (struct tobi_bytes){bytes.ptr, rd.pos};
	report.signature = rd_bytes(&rd, SPDM_SIGNATURE_SIZE, "signature");
	err = rd_finish(&rd, object, fault);
	if (err)
		return err;
	*ret_report = report;
	return TOBI_OK;
}

bool spdm_report_text(const struct spdm_report *report, enum spdm_field field,
		      char *ret_text, size_t room)
{
	struct tobi_bytes value = report->fields[field];
	size_t size = 0;

	while (size < value.size && value.ptr[size]) {
		if (value.ptr[size] <= ' ' || value.ptr[size] > '~' || size + 1 == room)
			return false;
		ret_text[size] = (char)value.ptr[size];
		size++;
	}
	ret_text[size] = 0;
	return size > 0;
}

bool spdm_report_vbios(const struct spdm_report *report, char *ret_text, size_t room)
{
	const struct tobi_bytes value = report->fields[SPDM_FIELD_VBIOS];
	const uint8_t *v = value.ptr;
	int size;

	/* A switch writes it as text. */
	if (value.size != VBIOS_SIZE)
		return spdm_report_text(report, SPDM_FIELD_VBIOS, ret_text, room);
	size = snprintf(ret_text, room, "%02X.%02X.%02X.%02X.%02X", v[3], v[2], v[1],
			v[0], v[4]);
	return size > 0 && (size_t)size < room;
}

_Static_assert((int)SPDM_FIELD_SWITCH_PDI < (int)SPDM_FIELD_KNOWN, "each has its place");
