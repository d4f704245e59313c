#include "tests/snp_json.h"

#include "base/endian.h"

json_t *snp_json_numbers(struct tobi_bytes bytes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < bytes.size; i++)
		json_array_append_new(list, json_integer(bytes.ptr[i]));
	return list;
}

static json_t *part(const uint8_t *report, size_t offset, size_t size)
{
	return snp_json_numbers((struct tobi_bytes){report + offset, size});
}

static json_t *number(const uint8_t *report, size_t offset, size_t size)
{
	return json_integer((json_int_t)load_le(report + offset, size));
}

static json_t *tcb(const uint8_t *report, size_t offset, bool turin)
{
	const uint8_t *bytes = report + offset;

	if (turin)
		return json_pack("{s:i, s:i, s:i, s:i, s:i}", "fmc", bytes[0],
				 "bootloader", bytes[1], "tee", bytes[2], "snp", bytes[3],
				 "microcode", bytes[7]);
	return json_pack("{s:n, s:i, s:i, s:i, s:i}", "fmc", "bootloader", bytes[0],
			 "tee", bytes[1], "snp", bytes[6], "microcode", bytes[7]);
}

static json_t *firmware(const uint8_t *report, size_t offset)
{
	const uint8_t *bytes = report + offset;

	return json_pack("{s:i, s:i, s:i}", "major", bytes[2], "minor", bytes[1], "build",
			 bytes[0]);
}

json_t *snp_json_report(const uint8_t report[static 1184], bool turin)
{
	const struct {
		const char *name;
		size_t offset, size;
		bool list;
	} plain[] = {
	    {"version", 0x000, 4, false},
	    {"guest_svn", 0x004, 4, false},
	    {"policy", 0x008, 8, false},
	    {"family_id", 0x010, 16, true},
	    {"image_id", 0x020, 16, true},
	    {"vmpl", 0x030, 4, false},
	    {"sig_algo", 0x034, 4, false},
	    {"plat_info", 0x040, 8, false},
	    {"key_info", 0x048, 4, false},
	    {"report_data", 0x050, 64, true},
	    {"measurement", 0x090, 48, true},
	    {"host_data", 0x0c0, 32, true},
	    {"id_key_digest", 0x0e0, 48, true},
	    {"author_key_digest", 0x110, 48, true},
	    {"report_id", 0x140, 32, true},
	    {"report_id_ma", 0x160, 32, true},
	    {"cpuid_fam_id", 0x188, 1, false},
	    {"cpuid_mod_id", 0x189, 1, false},
	    {"cpuid_step", 0x18a, 1, false},
	    {"chip_id", 0x1a0, 64, true},
	    {"launch_mit_vector", 0x1f8, 8, false},
	    {"current_mit_vector", 0x200, 8, false},
	};
	json_t *json = json_object();

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		json_object_set_new(json, plain[i].name,
				    plain[i].list
					? part(report, plain[i].offset, plain[i].size)
					: number(report, plain[i].offset, plain[i].size));
	json_object_set_new(json, "current_tcb", tcb(report, 0x038, turin));
	json_object_set_new(json, "reported_tcb", tcb(report, 0x180, turin));
	json_object_set_new(json, "committed_tcb", tcb(report, 0x1e0, turin));
	json_object_set_new(json, "launch_tcb", tcb(report, 0x1f0, turin));
	json_object_set_new(json, "current", firmware(report, 0x1e8));
	json_object_set_new(json, "committed", firmware(report, 0x1ec));
	json_object_set_new(json, "signature",
			    json_pack("{s:o, s:o}", "r", part(report, 0x2a0, 72), "s",
				      part(report, 0x2e8, 72)));
	return json;
}

json_t *snp_json_evidence(const uint8_t report[static 1184], bool turin,
			  const struct tobi_bytes *certificates, size_t count)
{
	static const char *const types[] = {"VCEK", "ASK", "ARK"};
	json_t *chain = count ? json_array() : json_null();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
		    chain, json_pack("{s:s, s:o}", "cert_type", i < 3 ? types[i] : "CRL",
				     "data", snp_json_numbers(certificates[i])));
	return json_pack("{s:o, s:o}", "attestation_report",
			 snp_json_report(report, turin), "cert_chain", chain);
}
