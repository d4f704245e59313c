#include "tee/azure_hcl.h"

#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/secret.h"

#define OBJECT "HCL report"

enum { MAGIC_SIZE = 4, DATA_HEAD = 20, REPORT_TYPE_AT = 1224, RESERVED_SIZE = 12 };

bool azure_hcl_starts(struct tobi_bytes bytes)
{
	return bytes.size >= AZURE_HCL_HEAD && memcmp(bytes.ptr, "HCLA", MAGIC_SIZE) == 0;
}

bool azure_hcl_is(struct tobi_bytes bytes, enum azure_report kind)
{
	return azure_hcl_starts(bytes) && load_u32le(bytes.ptr + REPORT_TYPE_AT) == kind;
}

/* An NV index is of one size, and what is not used of it is zero. */
static void read_padding(struct reader *rd)
{
	struct tobi_bytes padding = rd_bytes(rd, rd_left(rd), "padding");

	for (size_t i = 0; i < padding.size; i++) {
		if (padding.ptr[i]) {
			rd_fail(rd, TOBI_E_TRAILING, "padding");
			return;
		}
	}
}

/* What counts the same bytes must agree: both counts are outside of what is hashed. */
static void read_data(struct reader *rd, uint32_t report_size, struct azure_hcl *hcl)
{
	uint32_t size = rd_u32le(rd, "data size"), data_size;

	hcl->data_version = rd_u32le(rd, "data version");
	hcl->report_type = rd_u32le(rd, "report type");
	hcl->hash_type = rd_u32le(rd, "hash type");
	data_size = rd_u32le(rd, "variable data size");
	if (rd_failed(rd))
		return;
	if (data_size > LIMIT_AZURE_DATA)
		rd_fail(rd, TOBI_E_LIMIT, "variable data size");
	else if (size != DATA_HEAD + data_size)
		rd_fail(rd, TOBI_E_MALFORMED, "data size");
	else if (report_size != AZURE_HCL_HEAD + data_size)
		rd_fail(rd, TOBI_E_MALFORMED, "report size");
	hcl->data = rd_bytes(rd, rd_failed(rd) ? 0 : data_size, "variable data");
}

enum tobi_err azure_hcl_read(struct tobi_bytes bytes, struct azure_hcl *ret_hcl,
			     struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct tobi_bytes magic = rd_bytes(&rd, MAGIC_SIZE, "signature");
	struct azure_hcl hcl = {0};
	uint32_t report_size;
	enum tobi_err err;

	if (!rd_failed(&rd) && !bytes_equal_text(magic, "HCLA"))
		rd_fail(&rd, TOBI_E_MALFORMED, "signature");
	hcl.version = rd_u32le(&rd, "version");
	report_size = rd_u32le(&rd, "report size");
	hcl.request = rd_u32le(&rd, "request type");
	hcl.status = rd_u32le(&rd, "status");
	hcl.reserved = rd_bytes(&rd, RESERVED_SIZE, "reserved");
	hcl.hardware = rd_bytes(&rd, AZURE_HARDWARE_SIZE, "hardware report");
	read_data(&rd, report_size, &hcl);
	read_padding(&rd);
	err = rd_finish(&rd, OBJECT, fault);
	if (!err)
		*ret_hcl = hcl;
	return err;
}
