/* The platform's file of counters. The first byte chooses: with its code, or what is
 * behind the code, which a fuzzer would not get past. */
#include "root/counters_file.h"

#include "fuzz/fuzz.h"

static const uint8_t key[COUNTERS_KEY_SIZE] = {1};

bool fuzz_one(struct tobi_bytes input)
{
	CLEANUP(wr_done) struct writer again = wr_init(COUNTERS_FILE_MAX);
	CLEANUP(freep)
	struct counter_entry *entries = calloc(LIMIT_COUNTERS, sizeof(*entries));
	struct counters_table table = {.entries = entries};
	bool coded = take_choice(&input) & 1;

	must(entries != NULL);
	if (coded ? counters_file_parse(input, key, &table, NULL)
		  : counters_table_parse(input, &table, NULL))
		return false;
	must(table.count <= LIMIT_COUNTERS);
	must(table.anchored || !table.anchor);
	for (size_t i = 0; i < table.count; i++) {
		must(table.entries[i].value != 0);
		must(!i || counter_compare(&entries[i - 1], &entries[i]) < 0);
	}
	/* There is one way to write it. */
	must(!counters_file_write(&table, key, &again, NULL));
	must(again.size == input.size + (coded ? 0 : COUNTERS_MAC_SIZE));
	must(bytes_equal((struct tobi_bytes){again.ptr, input.size}, input));
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	CLEANUP(wr_done) struct writer whole = wr_init(COUNTERS_FILE_MAX);
	struct counter_entry entries[3] = {
	    {.owner = {1}, .name = "a", .value = 1},
	    {.owner = {1}, .name = "b", .value = 7},
	    {.owner = {2}, .name = "a", .value = UINT64_MAX},
	};
	struct counters_table table = {.entries = entries, .count = number / 2 % 2 * 3};
	bool coded = number & 1;

	if (number > 7)
		return FUZZ_NO_SEED;
	table.anchored = number >= 4;
	table.anchor = table.anchored ? 1000 : 0;
	must(!counters_file_write(&table, key, &whole, NULL));
	wr_u8(out, coded);
	wr_bytes(out, whole.ptr, whole.size - (coded ? 0 : COUNTERS_MAC_SIZE));
	return FUZZ_GOOD;
}
