#include "tee/sgx_report.h"

#include "base/endian.h"
#include "base/reader.h"

static bool all_zero(struct tobi_bytes bytes)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < bytes.size; i++)
		sum |= bytes.ptr[i];
	return sum == 0;
}

enum tobi_err sgx_report_read(struct tobi_bytes bytes, const char *object,
			      struct sgx_report *ret_report, struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct sgx_report report = {.reserved_zero = true};
	enum tobi_err err;

	report.cpusvn = rd_bytes(&rd, 16, "CPUSVN");
	report.miscselect = rd_bytes(&rd, 4, "MISCSELECT");
	report.reserved_zero &= all_zero(rd_bytes(&rd, 12, "reserved"));
	report.ext_product = rd_bytes(&rd, 16, "ISVEXTPRODID");
	report.attributes = rd_bytes(&rd, 16, "ATTRIBUTES");
	report.mrenclave = rd_bytes(&rd, 32, "MRENCLAVE");
	report.reserved_zero &= all_zero(rd_bytes(&rd, 32, "reserved"));
	report.mrsigner = rd_bytes(&rd, 32, "MRSIGNER");
	report.reserved_zero &= all_zero(rd_bytes(&rd, 32, "reserved"));
	report.config_id = rd_bytes(&rd, 64, "CONFIGID");
	report.product = rd_u16le(&rd, "ISVPRODID");
	report.svn = rd_u16le(&rd, "ISVSVN");
	report.config_svn = rd_u16le(&rd, "CONFIGSVN");
	report.reserved_zero &= all_zero(rd_bytes(&rd, 42, "reserved"));
	report.family = rd_bytes(&rd, 16, "ISVFAMILYID");
	report.report_data = rd_bytes(&rd, 64, "REPORTDATA");
	err = rd_finish(&rd, object, fault);
	if (err)
		return err;
	report.misc = load_u32le(report.miscselect.ptr);
	report.flags = load_u64le(report.attributes.ptr);
	report.xfrm = load_u64le(report.attributes.ptr + 8);
	*ret_report = report;
	return TOBI_OK;
}
