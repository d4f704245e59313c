/*
 * What Intel's quote provider library gives (sgx_ql_qve_collateral_t), as tools write it
 * out: a head with seven pointers, which mean nothing here, and sizes; then the seven
 * texts, each with its end.
 */
#include "base/fault.h"
#include "base/reader.h"
#include "collateral/detect.h"

enum { DUMP_PARTS = 7, DUMP_VERSIONS = 4, DUMP_SGX = 0, DUMP_TDX = 0x81 };

struct dump {
	struct tobi_bytes parts[DUMP_PARTS]; /* without their ends */
};

static bool read_dump(struct tobi_bytes bytes, struct dump *ret_dump)
{
	struct reader rd = rd_init(bytes);
	uint16_t version = rd_u16le(&rd, "version");
	uint64_t sizes[DUMP_PARTS];
	uint32_t tee;

	rd_u16le(&rd, "minor version");
	tee = rd_u32le(&rd, "TEE type");
	for (size_t i = 0; i < DUMP_PARTS; i++) {
		rd_u64le(&rd, "pointer");
		sizes[i] = rd_u64le(&rd, "size");
	}
	if (rd_failed(&rd) || version == 0 || version > DUMP_VERSIONS ||
	    (tee != DUMP_SGX && tee != DUMP_TDX))
		return false;
	for (size_t i = 0; i < DUMP_PARTS; i++) {
		struct tobi_bytes part;

		if (sizes[i] < 2 || sizes[i] > rd_left(&rd))
			return false;
		part = rd_bytes(&rd, (size_t)sizes[i], "part");
		if (part.ptr[--part.size] != 0)
			return false;
		ret_dump->parts[i] = part;
	}
	return rd_left(&rd) == 0;
}

bool detect_is_dump(struct tobi_bytes bytes)
{
	struct dump dump;

	return read_dump(bytes, &dump);
}

/* A dump in a dump has nothing that it could begin with: each part must be text. */
enum tobi_err detect_dump(struct tobi_collateral *set, struct tobi_bytes bytes,
			  const struct collateral_origin *origin,
			  struct tobi_fault *fault)
{
	struct dump dump = {0};
	enum tobi_err err = TOBI_OK;

	if (!read_dump(bytes, &dump))
		return fault_set(fault, TOBI_E_MALFORMED, "collateral", "",
				 "not what a quote provider library gives");
	for (size_t i = 0; i < DUMP_PARTS && !err; i++)
		err = dump.parts[i].ptr[0] < ' '
			  ? fault_set(fault, TOBI_E_MALFORMED, "collateral", "",
				      "a part of it is no text")
			  : collateral_detect(set, dump.parts[i], origin, fault);
	return err;
}
