/* The table behind an extended report of AMD SEV-SNP: its entries lie within the input,
 * behind the list, and no two overlap. */
#include "base/endian.h"
#include "base/cleanup.h"
#include "fuzz/fuzz.h"
#include "tee/snp_table.h"

enum { ENTRY_SIZE = 24 };

bool fuzz_one(struct tobi_bytes input)
{
	struct snp_table table = {0};
	struct tobi_fault fault = {0};

	IGNORE(snp_table_recognise(input));
	if (snp_table_parse(input, &table, &fault)) {
		must(fault.code && table.count == 0);
		return false;
	}
	must(table.count <= SNP_TABLE_ENTRIES_MAX);
	for (size_t i = 0; i < table.count; i++) {
		struct tobi_bytes data = table.entries[i].data;

		must(data.size > 0);
		must_be_inside(data, input);
		must(data.ptr >= input.ptr + ENTRY_SIZE * (table.count + 1));
		for (size_t j = 0; j < i; j++) {
			struct tobi_bytes other = table.entries[j].data;

			must(data.ptr + data.size <= other.ptr ||
			     other.ptr + other.size <= data.ptr);
		}
	}
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const uint8_t vcek[16] = {0x8d, 0x75, 0xda, 0x63, 0x64, 0xe6, 0x64, 0x45,
					 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
	size_t list = ENTRY_SIZE * (number + 1);
	uint8_t *bytes;

	if (number > 4)
		return FUZZ_NO_SEED;
	bytes = wr_reserve(out, list + 4 * number + 16);
	must(bytes != NULL);
	for (size_t i = 0; i < number; i++) {
		bytes_copy(bytes + ENTRY_SIZE * i, 16, vcek, 16);
		bytes[ENTRY_SIZE * i + 15] ^= (uint8_t)i;
		store_le(bytes + ENTRY_SIZE * i + 16, 4, list + 4 * i);
		store_le(bytes + ENTRY_SIZE * i + 20, 4, 4);
		bytes[list + 4 * i] = 0x30;
	}
	return FUZZ_GOOD;
}
