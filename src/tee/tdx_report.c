#include "tee/tdx_report.h"

#include "base/endian.h"
#include "base/reader.h"
#include "base/secret.h"
#include "tee/dcap_quote.h"

static const struct tdx_attribute attributes[] = {
    {TDX_SEPT_VE_DISABLE, "sept-ve-disable"},
    {TDX_MIGRATABLE, "migratable"},
    {TDX_PKS, "pks"},
    {TDX_KEY_LOCKER, "key-locker"},
    {TDX_PERFMON, "perfmon"},
    {TDX_LASS, "lass"},
    {TDX_ICSSD, "icssd"},
    {TDX_TPA, "tpa"},
};

const struct tdx_attribute *tdx_attribute_at(size_t index)
{
	return index < sizeof(attributes) / sizeof(attributes[0]) ? &attributes[index]
								  : NULL;
}

enum tobi_err tdx_report_read(struct tobi_bytes bytes, const char *object,
			      struct tdx_report *ret_report, struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct tdx_report out = {0};

	out.tee_tcb_svn = rd_bytes(&rd, TDX_SVN_SIZE, "TEE_TCB_SVN");
	out.mr_seam = rd_bytes(&rd, TDX_HASH_SIZE, "MRSEAM");
	out.mr_signer_seam = rd_bytes(&rd, TDX_HASH_SIZE, "MRSIGNERSEAM");
	out.seam_attributes = rd_bytes(&rd, 8, "SEAMATTRIBUTES");
	out.attributes = rd_u64le(&rd, "TDATTRIBUTES");
	out.xfam = rd_u64le(&rd, "XFAM");
	out.mr_td = rd_bytes(&rd, TDX_HASH_SIZE, "MRTD");
	out.mr_config_id = rd_bytes(&rd, TDX_HASH_SIZE, "MRCONFIGID");
	out.mr_owner = rd_bytes(&rd, TDX_HASH_SIZE, "MROWNER");
	out.mr_owner_config = rd_bytes(&rd, TDX_HASH_SIZE, "MROWNERCONFIG");
	for (size_t i = 0; i < TDX_RTMRS; i++)
		out.rtmrs[i] = rd_bytes(&rd, TDX_HASH_SIZE, "RTMR");
	out.report_data = rd_bytes(&rd, 64, "REPORTDATA");
	if (bytes.size > DCAP_TD10_SIZE) {
		out.tee_tcb_svn_2 = rd_bytes(&rd, TDX_SVN_SIZE, "TEE_TCB_SVN_2");
		out.mr_service_td = rd_bytes(&rd, TDX_HASH_SIZE, "MRSERVICETD");
	}
	if (!rd_failed(&rd) && !rd_left(&rd))
		*ret_report = out;
	return rd_finish(&rd, object, fault);
}

bool tdx_is_local_report(struct tobi_bytes bytes)
{
	static const uint8_t tdx_type = 0x81;

	/* REPORTTYPE: type, subtype, version, and a reserved byte; then 12 more. */
	return bytes.size == TDREPORT_SIZE && bytes.ptr[0] == tdx_type &&
	       bytes.ptr[1] == 0 && bytes.ptr[3] == 0 && load_u64le(bytes.ptr + 4) == 0 &&
	       load_u32le(bytes.ptr + 12) == 0;
}

bool tdx_report_is_of(const struct tdx_report *report, struct tobi_bytes td_info)
{
	const struct tobi_bytes hashes[] = {report->mr_td,    report->mr_config_id,
					    report->mr_owner, report->mr_owner_config,
					    report->rtmrs[0], report->rtmrs[1],
					    report->rtmrs[2], report->rtmrs[3]};
	struct reader rd = rd_init(td_info);
	bool same = rd_u64le(&rd, "ATTRIBUTES") == report->attributes;

	same &= rd_u64le(&rd, "XFAM") == report->xfam;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		same &= bytes_equal(rd_bytes(&rd, TDX_HASH_SIZE, "TDINFO"), hashes[i]);
	return same && !rd_failed(&rd) && !rd_left(&rd);
}
