#include "broker/kbs_snp.h"

#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"

static const char object[] = "SNP report in JSON";

enum { NUMBER_ROOM = 72 };

static enum tobi_err wrong(struct tobi_fault *fault, const char *field, const char *what)
{
	return fault_set(fault, TOBI_E_MALFORMED, object, field, "%s", what);
}

bool kbs_is_list(const json_t *list, const struct kbs_lists *lists, size_t *ret_size)
{
	const struct tobi_bytes *ahead = kbs_lists_find(lists, list);

	*ret_size = ahead ? ahead->size : json_array_size(list);
	return ahead || json_is_array(list);
}

enum tobi_err kbs_numbers_read(const json_t *list, const struct kbs_lists *lists,
			       const char *field, size_t size, uint8_t *ret_bytes,
			       struct tobi_fault *fault)
{
	const struct tobi_bytes *ahead = kbs_lists_find(lists, list);
	size_t found;

	if (!kbs_is_list(list, lists, &found) || found != size)
		return fault_set(fault, TOBI_E_MALFORMED, object, field,
				 "a list of %zu numbers is needed", size);
	if (ahead) {
		bytes_copy(ret_bytes, size, ahead->ptr, size);
		return TOBI_OK;
	}
	for (size_t i = 0; i < size; i++) {
		const json_t *number = json_array_get(list, i);
		json_int_t value = json_integer_value(number);

		if (!json_is_integer(number) || value < 0 || value > UINT8_MAX)
			return wrong(fault, field, "a number is no byte");
		ret_bytes[i] = (uint8_t)value;
	}
	return TOBI_OK;
}

/* ---- the members, each at its place (AMD 56860, table ATTESTATION_REPORT) ---- */

enum kind { NUMBER, BYTES, TCB, FIRMWARE };

static const struct member {
	const char *name;
	enum kind kind;
	size_t offset, size;
	bool may_be_absent; /* clients of earlier years do not have it */
} members[] = {
    {"version", NUMBER, 0x000, 4, false},
    {"guest_svn", NUMBER, 0x004, 4, false},
    {"policy", NUMBER, 0x008, 8, false},
    {"family_id", BYTES, 0x010, 16, false},
    {"image_id", BYTES, 0x020, 16, false},
    {"vmpl", NUMBER, 0x030, 4, false},
    {"sig_algo", NUMBER, 0x034, 4, false},
    {"current_tcb", TCB, 0x038, SNP_TCB_SIZE, false},
    {"plat_info", NUMBER, 0x040, 8, false},
    {"key_info", NUMBER, 0x048, 4, true},
    {"report_data", BYTES, 0x050, 64, false},
    {"measurement", BYTES, 0x090, 48, false},
    {"host_data", BYTES, 0x0c0, 32, false},
    {"id_key_digest", BYTES, 0x0e0, 48, false},
    {"author_key_digest", BYTES, 0x110, 48, false},
    {"report_id", BYTES, 0x140, 32, false},
    {"report_id_ma", BYTES, 0x160, 32, false},
    {"reported_tcb", TCB, 0x180, SNP_TCB_SIZE, false},
    {"cpuid_fam_id", NUMBER, 0x188, 1, true},
    {"cpuid_mod_id", NUMBER, 0x189, 1, true},
    {"cpuid_step", NUMBER, 0x18a, 1, true},
    {"chip_id", BYTES, 0x1a0, SNP_CHIP_SIZE, false},
    {"committed_tcb", TCB, 0x1e0, SNP_TCB_SIZE, false},
    {"current", FIRMWARE, 0x1e8, 3, false},
    {"committed", FIRMWARE, 0x1ec, 3, false},
    {"launch_tcb", TCB, 0x1f0, SNP_TCB_SIZE, false},
    {"launch_mit_vector", NUMBER, 0x1f8, 8, true},
    {"current_mit_vector", NUMBER, 0x200, 8, true},
};

/* jansson's integers are signed: a number from 2^63 on was no JSON to it. */
static enum tobi_err read_number(const json_t *json, const char *field, size_t size,
				 uint8_t *ret_bytes, struct tobi_fault *fault)
{
	json_int_t value = json_integer_value(json);

	if (!json_is_integer(json) || value < 0 || (size < 8 && value >> (8 * size) != 0))
		return fault_set(fault, TOBI_E_MALFORMED, object, field,
				 "a number of %zu bytes is needed", size);
	store_le(ret_bytes, size, (uint64_t)value);
	return TOBI_OK;
}

static enum tobi_err read_part(const json_t *json, const char *name, const char *field,
			       uint8_t *ret_byte, struct tobi_fault *fault)
{
	return json_is_object(json)
		   ? read_number(json_object_get(json, name), field, 1, ret_byte, fault)
		   : wrong(fault, field, "an object is needed");
}

/* Where a version is among the eight bytes: of products before Turin, and since. */
static enum tobi_err read_tcb(const json_t *json, const char *field, uint8_t *ret_bytes,
			      struct tobi_fault *fault)
{
	static const struct {
		const char *name;
		size_t classic, fmc;
	} parts[] = {
	    {"bootloader", 0, 1}, {"tee", 1, 2}, {"snp", 6, 3}, {"microcode", 7, 7}};
	const json_t *fmc = json_object_get(json, "fmc");
	bool has_fmc = fmc && !json_is_null(fmc);
	enum tobi_err err = TOBI_OK;

	if (has_fmc)
		err = read_number(fmc, field, 1, ret_bytes, fault);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !err; i++)
		err = read_part(json, parts[i].name, field,
				ret_bytes + (has_fmc ? parts[i].fmc : parts[i].classic),
				fault);
	return err;
}

static enum tobi_err read_firmware(const json_t *json, const char *field,
				   uint8_t *ret_bytes, struct tobi_fault *fault)
{
	static const char *const parts[] = {"build", "minor", "major"};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !err; i++)
		err = read_part(json, parts[i], field, ret_bytes + i, fault);
	return err;
}

static enum tobi_err read_member(const json_t *json, const struct kbs_lists *lists,
				 const struct member *member, uint8_t *report,
				 struct tobi_fault *fault)
{
	const json_t *value = json_object_get(json, member->name);
	uint8_t *place = report + member->offset;

	if (member->may_be_absent && (!value || json_is_null(value)))
		return TOBI_OK;
	switch (member->kind) {
	case NUMBER:
		return read_number(value, member->name, member->size, place, fault);
	case BYTES:
		return kbs_numbers_read(value, lists, member->name, member->size, place,
					fault);
	case TCB:
		return read_tcb(value, member->name, place, fault);
	default:
		return read_firmware(value, member->name, place, fault);
	}
}

static enum tobi_err read_signature(const json_t *json, const struct kbs_lists *lists,
				    uint8_t *place, struct tobi_fault *fault)
{
	enum tobi_err err = json_is_object(json)
				? TOBI_OK
				: wrong(fault, "signature", "an object is needed");

	if (!err)
		err = kbs_numbers_read(json_object_get(json, "r"), lists, "signature.r",
				       NUMBER_ROOM, place, fault);
	return err ? err
		   : kbs_numbers_read(json_object_get(json, "s"), lists, "signature.s",
				      NUMBER_ROOM, place + NUMBER_ROOM, fault);
}

enum tobi_err kbs_snp_read(const json_t *json, const struct kbs_lists *lists,
			   uint8_t ret_report[static SNP_REPORT_SIZE],
			   struct tobi_fault *fault)
{
	uint8_t report[SNP_REPORT_SIZE] = {0};
	enum tobi_err err =
	    json_is_object(json) ? TOBI_OK : wrong(fault, "", "the report is no object");

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && !err; i++)
		err = read_member(json, lists, &members[i], report, fault);
	if (!err)
		err = read_signature(json_object_get(json, "signature"), lists,
				     report + SNP_SIGNED_SIZE, fault);
	if (err)
		return err;
	bytes_copy(ret_report, SNP_REPORT_SIZE, report, sizeof(report));
	return TOBI_OK;
}
