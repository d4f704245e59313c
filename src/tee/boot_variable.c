#include "tee/boot_variable.h"

#include <string.h>

#include "base/secret.h"

enum { GUID_SIZE = 16, LIST_HEADER = GUID_SIZE + 12, NAME_MAX_CHARACTERS = 1024 };

/* As they are in memory. */
static const uint8_t global[GUID_SIZE] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
					  0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
static const uint8_t security[GUID_SIZE] = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d,
					    0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0,
					    0x0e, 0x67, 0x65, 0x6f};
static const uint8_t x509[GUID_SIZE] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
					0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};

bool uefi_variable_read(struct tobi_bytes bytes, struct uefi_variable *ret_variable)
{
	struct reader rd = rd_init(bytes);
	struct uefi_variable variable;
	uint64_t name_size, data_size;

	variable.guid = rd_bytes(&rd, GUID_SIZE, "VariableName");
	name_size = rd_u64le(&rd, "UnicodeNameLength");
	data_size = rd_u64le(&rd, "VariableDataLength");
	if (rd_failed(&rd) || name_size > NAME_MAX_CHARACTERS || data_size > rd_left(&rd))
		return false;
	variable.name = rd_bytes(&rd, 2 * (size_t)name_size, "UnicodeName");
	variable.data = rd_bytes(&rd, (size_t)data_size, "VariableData");
	variable.whole = (struct tobi_bytes){bytes.ptr, rd.pos};
	if (rd_failed(&rd))
		return false;
	*ret_variable = variable;
	return true;
}

bool uefi_variable_is(const struct uefi_variable *variable, const char *name)
{
	const uint8_t *guid = strncmp(name, "db", 2) == 0 ? security : global;
	size_t size = strlen(name);

	if (variable->name.size != 2 * size ||
	    memcmp(variable->guid.ptr, guid, GUID_SIZE) != 0)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (variable->name.ptr[2 * i] != (uint8_t)name[i] ||
		    variable->name.ptr[2 * i + 1])
			return false;
	}
	return true;
}

bool uefi_signatures_count(struct tobi_bytes data, size_t *ret_certificates,
			   size_t *ret_hashes)
{
	struct reader rd = rd_init(data);
	size_t certificates = 0, hashes = 0;

	while (!rd_failed(&rd) && rd_left(&rd) > 0) {
		struct tobi_bytes type = rd_bytes(&rd, GUID_SIZE, "SignatureType");
		uint32_t list = rd_u32le(&rd, "SignatureListSize");
		uint32_t header = rd_u32le(&rd, "SignatureHeaderSize");
		uint32_t each = rd_u32le(&rd, "SignatureSize");
		size_t room = list >= LIST_HEADER ? list - LIST_HEADER : 0;

		if (rd_failed(&rd) || list < LIST_HEADER || header > room ||
		    each <= GUID_SIZE || (room - header) % each)
			return false;
		rd_bytes(&rd, room, "Signatures");
		*(memcmp(type.ptr, x509, GUID_SIZE) == 0 ? &certificates : &hashes) +=
		    (room - header) / each;
	}
	if (rd_failed(&rd))
		return false;
	*ret_certificates = certificates;
	*ret_hashes = hashes;
	return true;
}
