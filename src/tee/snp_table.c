#include "tee/snp_table.h"

#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/reader.h"
#include "tee/snp_report.h"

#define OBJECT "SNP certificate table"

enum { GUID_SIZE = 16, ENTRY_SIZE = 24 };

/* As they lie in memory: the first three numbers little-endian. */
static const uint8_t guids[SNP_TABLE_KINDS][GUID_SIZE] = {
    [SNP_TABLE_VCEK] = {0x8d, 0x75, 0xda, 0x63, 0x64, 0xe6, 0x64, 0x45, 0xad, 0xc5, 0xf4,
			0xb9, 0x3b, 0xe8, 0xac, 0xcd},
    [SNP_TABLE_VLEK] = {0xa2, 0x4b, 0x07, 0xa8, 0x5a, 0xa2, 0x3e, 0x48, 0xaa, 0xe6, 0x39,
			0xc0, 0x45, 0xa0, 0xb8, 0xa1},
    [SNP_TABLE_ASK] = {0x79, 0xb3, 0xb7, 0x4a, 0xac, 0xbb, 0xe4, 0x4f, 0xa0, 0x2f, 0x05,
		       0xae, 0xf3, 0x27, 0xc7, 0x82},
    [SNP_TABLE_ARK] = {0xa4, 0x06, 0xb4, 0xc0, 0x03, 0xa8, 0x52, 0x49, 0x97, 0x43, 0x3f,
		       0xb6, 0x01, 0x4c, 0xd0, 0xae},
    [SNP_TABLE_CRL] = {0x11, 0x3b, 0xf8, 0x92, 0xfc, 0x3b, 0x9f, 0x4d, 0x37, 0xff, 0xd1,
		       0x9f, 0x88, 0xdc, 0x67, 0xea},
};

static enum snp_table_kind kind_of(const uint8_t *guid)
{
	for (int kind = SNP_TABLE_VCEK; kind < SNP_TABLE_KINDS; kind++) {
		if (memcmp(guid, guids[kind], GUID_SIZE) == 0)
			return (enum snp_table_kind)kind;
	}
	return SNP_TABLE_OTHER;
}

bool snp_table_recognise(struct tobi_bytes bytes)
{
	return bytes.size >= (size_t)2 * ENTRY_SIZE &&
	       kind_of(bytes.ptr) != SNP_TABLE_OTHER;
}

static enum tobi_err add_entry(struct snp_table *table, struct tobi_bytes bytes,
			       enum snp_table_kind kind, size_t offset, size_t size,
			       struct tobi_fault *fault)
{
	if (table->count == SNP_TABLE_ENTRIES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "entries",
				 "more than %d entries", SNP_TABLE_ENTRIES_MAX);
	if (size == 0 || offset > bytes.size || size > bytes.size - offset)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "entries",
				 "entry %zu is empty, or not within the table",
				 table->count + 1);
	for (size_t i = 0; i < table->count; i++) {
		if (kind != SNP_TABLE_OTHER && table->entries[i].kind == kind)
			return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "entries",
					 "entry %zu has the GUID of entry %zu",
					 table->count + 1, i + 1);
	}
	table->entries[table->count].kind = kind;
	table->entries[table->count++].data =
	    (struct tobi_bytes){bytes.ptr + offset, size};
	return TOBI_OK;
}

/* The next entry at or behind a place, or the table's end. */
static struct tobi_bytes next_entry(const struct snp_table *table, const uint8_t *from,
				    const uint8_t *end)
{
	struct tobi_bytes next = {end, 0};

	for (size_t i = 0; i < table->count; i++) {
		if (table->entries[i].data.ptr >= from &&
		    table->entries[i].data.ptr < next.ptr)
			next = table->entries[i].data;
	}
	return next;
}

/* Every byte belongs to one entry, or is zero. An entry that starts within another, or
 * within the list, is never found from its end on, and so counts as one too many. */
static enum tobi_err check_cover(const struct snp_table *table, struct tobi_bytes bytes,
				 size_t list_size, struct tobi_fault *fault)
{
	const uint8_t *at = bytes.ptr + list_size, *end = bytes.ptr + bytes.size;
	size_t seen = 0;

	while (at < end) {
		struct tobi_bytes next = next_entry(table, at, end);

		if (!snp_is_zero((struct tobi_bytes){at, (size_t)(next.ptr - at)}))
			return fault_at(fault, TOBI_E_MALFORMED, OBJECT, "entries",
					(uint64_t)(at - bytes.ptr),
					"there are bytes of no entry");
		seen += next.size > 0;
		at = next.ptr + next.size;
	}
	if (seen != table->count)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "entries",
				 "two entries overlap");
	return TOBI_OK;
}

enum tobi_err snp_table_parse(struct tobi_bytes bytes, struct snp_table *ret_table,
			      struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct snp_table table = {0};
	enum tobi_err err = TOBI_OK;

	while (!err) {
		struct tobi_bytes guid = rd_bytes(&rd, GUID_SIZE, "GUID");
		size_t offset = rd_u32le(&rd, "offset");
		size_t size = rd_u32le(&rd, "length");

		err = rd_status(&rd, OBJECT, fault);
		if (err)
			return err;
		if (snp_is_zero(guid)) {
			if (offset || size)
				return fault_set(fault, TOBI_E_MALFORMED, OBJECT,
						 "entries", "the last is not all zeros");
			break;
		}
		err = add_entry(&table, bytes, kind_of(guid.ptr), offset, size, fault);
	}
	if (!err)
		err = check_cover(&table, bytes, rd.pos, fault);
	if (!err)
		*ret_table = table;
	return err;
}
