#include "tee/snp_report.h"

#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/reader.h"
#include "base/secret.h"

enum {
	VERSION_LEAST = 2,
	VERSION_MOST = 15, /* of what may become a report one day */
	VERSION_CPU = 3,
	VERSION_MITIGATIONS = 5,
	NUMBER_SIZE = 48, /* of P-384 */
	NUMBER_ROOM = 72,
	AUTHOR_KEY_BIT = 0,
	MASKED_BIT = 1,
	KEY_SHIFT = 2,
	KEY_BITS = 7,
	KEY_INFO_KNOWN = 0x1f,
};

/* In the order of their age. */
static const struct snp_product products[] = {
    {"Milan", true, false, 64},
    {"Genoa", true, false, 64},
    {"Turin", true, true, 8},
    {"Venice", false, true, 8},
};
enum { MILAN, GENOA, TURIN, VENICE };

/* CPUID: family, and the models of it. Bergamo and Siena are Genoa to AMD's keys. */
static const struct {
	uint8_t family, first, last, product;
} cpus[] = {
    {0x19, 0x00, 0x0f, MILAN},	{0x19, 0x10, 0x1f, GENOA},  {0x19, 0xa0, 0xaf, GENOA},
    {0x1a, 0x00, 0x11, TURIN},	{0x1a, 0x50, 0x57, VENICE}, {0x1a, 0x90, 0xaf, VENICE},
    {0x1a, 0xc0, 0xc7, VENICE},
};

bool snp_is_zero(struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.ptr[i])
			return false;
	}
	return true;
}

static void zero(struct reader *rd, struct snp_report *report, size_t size,
		 const char *field)
{
	if (!snp_is_zero(rd_bytes(rd, size, field)) && !report->not_zero)
		report->not_zero = field;
}

static struct snp_firmware read_firmware(struct reader *rd, struct snp_report *report,
					 const char *field)
{
	struct snp_firmware firmware;

	firmware.build = rd_u8(rd, field);
	firmware.minor = rd_u8(rd, field);
	firmware.major = rd_u8(rd, field);
	zero(rd, report, 1, field);
	return firmware;
}

static void read_head(struct reader *rd, struct snp_report *report)
{
	report->version = rd_u32le(rd, "VERSION");
	report->guest_svn = rd_u32le(rd, "GUEST_SVN");
	report->policy = rd_u64le(rd, "POLICY");
	report->family_id = rd_bytes(rd, 16, "FAMILY_ID");
	report->image_id = rd_bytes(rd, 16, "IMAGE_ID");
	report->vmpl = rd_u32le(rd, "VMPL");
	report->algorithm = rd_u32le(rd, "SIGNATURE_ALGO");
	report->current_tcb = rd_bytes(rd, SNP_TCB_SIZE, "CURRENT_TCB");
	report->platform = rd_u64le(rd, "PLATFORM_INFO");
	report->key_info = rd_u32le(rd, "KEY_INFO");
	if (report->key_info & ~(uint32_t)KEY_INFO_KNOWN)
		report->not_zero = "KEY_INFO";
	zero(rd, report, 4, "0x04c");
	report->report_data = rd_bytes(rd, 64, "REPORT_DATA");
	report->measurement = rd_bytes(rd, 48, "MEASUREMENT");
	report->host_data = rd_bytes(rd, 32, "HOST_DATA");
	report->id_key_digest = rd_bytes(rd, 48, "ID_KEY_DIGEST");
	report->author_key_digest = rd_bytes(rd, 48, "AUTHOR_KEY_DIGEST");
	report->report_id = rd_bytes(rd, 32, "REPORT_ID");
	report->migration_agent = rd_bytes(rd, 32, "REPORT_ID_MA");
}

/* In a version that does not have a field its bytes are reserved. */
static void read_cpu(struct reader *rd, struct snp_report *report)
{
	if (!snp_report_has_cpu(report)) {
		zero(rd, report, 3, "CPUID, in version 2");
		return;
	}
	report->family = rd_u8(rd, "CPUID_FAM_ID");
	report->model = rd_u8(rd, "CPUID_MOD_ID");
	report->stepping = rd_u8(rd, "CPUID_STEP");
}

static void read_mitigations(struct reader *rd, struct snp_report *report)
{
	if (!snp_report_has_mitigations(report)) {
		zero(rd, report, 16, "mitigation vectors, before version 5");
		return;
	}
	report->launch_mitigations = rd_bytes(rd, 8, "LAUNCH_MIT_VECTOR");
	report->current_mitigations = rd_bytes(rd, 8, "CURRENT_MIT_VECTOR");
}

static void read_tail(struct reader *rd, struct snp_report *report)
{
	report->reported_tcb = rd_bytes(rd, SNP_TCB_SIZE, "REPORTED_TCB");
	read_cpu(rd, report);
	zero(rd, report, 21, "0x18b");
	report->chip_id = rd_bytes(rd, SNP_CHIP_SIZE, "CHIP_ID");
	report->committed_tcb = rd_bytes(rd, SNP_TCB_SIZE, "COMMITTED_TCB");
	report->current = read_firmware(rd, report, "0x1eb");
	report->committed = read_firmware(rd, report, "0x1ef");
	report->launch_tcb = rd_bytes(rd, SNP_TCB_SIZE, "LAUNCH_TCB");
	read_mitigations(rd, report);
	zero(rd, report, 152, "0x208");
}

enum tobi_err snp_report_parse(struct tobi_bytes bytes, struct snp_report *ret_report,
			       struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct snp_report report = {0};
	enum tobi_err err;

	read_head(&rd, &report);
	read_tail(&rd, &report);
	report.signature = rd_bytes(&rd, SNP_SIGNATURE_SIZE, "SIGNATURE");
	err = rd_finish(&rd, "SNP report", fault);
	if (err)
		return err;
	report.signed_part = (struct tobi_bytes){bytes.ptr, SNP_SIGNED_SIZE};
	*ret_report = report;
	return TOBI_OK;
}

/* A version that is not known yet is to be named, not taken for rubbish; what AMD has
 * kept zero in each version tells a report from other kinds. */
bool snp_report_recognise(struct tobi_bytes bytes)
{
	uint32_t version;

	if (bytes.size < SNP_REPORT_SIZE)
		return false;
	version = load_u32le(bytes.ptr);
	return version >= VERSION_LEAST && version <= VERSION_MOST &&
	       load_u32le(bytes.ptr + 12) == 0 && load_u32le(bytes.ptr + 0x34) < 256 &&
	       load_u32le(bytes.ptr + 0x48) < 256;
}

bool snp_report_has_cpu(const struct snp_report *report)
{
	return report->version >= VERSION_CPU;
}

bool snp_report_has_mitigations(const struct snp_report *report)
{
	return report->version >= VERSION_MITIGATIONS;
}

enum snp_key snp_report_key(const struct snp_report *report)
{
	return (enum snp_key)(report->key_info >> KEY_SHIFT & KEY_BITS);
}

bool snp_report_masked(const struct snp_report *report)
{
	return report->key_info >> MASKED_BIT & 1;
}

bool snp_report_author_key(const struct snp_report *report)
{
	return report->key_info >> AUTHOR_KEY_BIT & 1;
}

const struct snp_product *snp_product_of_cpu(uint8_t family, uint8_t model)
{
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		if (cpus[i].family == family && cpus[i].first <= model &&
		    model <= cpus[i].last)
			return &products[cpus[i].product];
	}
	return NULL;
}

const struct snp_product *snp_product_named(struct tobi_bytes name)
{
	const uint8_t *dash = name.size ? memchr(name.ptr, '-', name.size) : NULL;

	if (dash)
		name.size = (size_t)(dash - name.ptr);
	for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
		if (bytes_equal_text(name, products[i].name))
			return &products[i];
	}
	return NULL;
}

const struct snp_product *snp_product_at(size_t index)
{
	return index < sizeof(products) / sizeof(products[0]) && products[index].supported
		   ? &products[index]
		   : NULL;
}

static bool read_number(const uint8_t *field, uint8_t *ret_number)
{
	for (size_t i = 0; i < NUMBER_SIZE; i++)
		ret_number[i] = field[NUMBER_SIZE - 1 - i];
	return snp_is_zero(
	    (struct tobi_bytes){field + NUMBER_SIZE, NUMBER_ROOM - NUMBER_SIZE});
}

bool snp_signature_read(struct tobi_bytes field, uint8_t ret_raw[static 96])
{
	const size_t used = (size_t)2 * NUMBER_ROOM;

	return field.size == SNP_SIGNATURE_SIZE && read_number(field.ptr, ret_raw) &&
	       read_number(field.ptr + NUMBER_ROOM, ret_raw + NUMBER_SIZE) &&
	       snp_is_zero((struct tobi_bytes){field.ptr + used, field.size - used});
}
