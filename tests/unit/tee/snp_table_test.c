/* The table of certificates behind an extended report. */
#include "tee/snp_table.h"

#include "base/endian.h"
#include "tests/bytes.h"
#include "tests/check.h"

static const uint8_t vcek[16] = {0x8d, 0x75, 0xda, 0x63, 0x64, 0xe6, 0x64, 0x45,
				 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
static const uint8_t ask[16] = {0x79, 0xb3, 0xb7, 0x4a, 0xac, 0xbb, 0xe4, 0x4f,
				0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
static const uint8_t unknown[16] = {1, 2, 3};

enum { ENTRY = 24, LIST = 3 * ENTRY, WHOLE = LIST + 8 };

static void entry(uint8_t *at, const uint8_t *guid, uint32_t offset, uint32_t size)
{
	bytes_copy(at, 16, guid, 16);
	store_le(at + 16, 4, offset);
	store_le(at + 20, 4, size);
}

/* Two entries of 3 and 4 bytes, with one byte between. */
static void make(uint8_t *bytes)
{
	memset(bytes, 0, WHOLE);
	entry(bytes, vcek, LIST, 3);
	entry(bytes + ENTRY, ask, LIST + 4, 4);
	memset(bytes + LIST, 0x30, 3);
	memset(bytes + LIST + 4, 0x31, 4);
}

static enum tobi_err parse(const uint8_t *bytes, size_t size, struct snp_table *ret_table)
{
	struct block block = block_new((struct tobi_bytes){bytes, size});
	enum tobi_err err = snp_table_parse(block_view(block), ret_table, NULL);

	block_done(block);
	return err;
}

static void test_snp_table_parse__two_entries__are_found(void **state)
{
	uint8_t bytes[WHOLE];
	struct snp_table table;

	(void)state;
	make(bytes);
	assert_true(snp_table_recognise((struct tobi_bytes){bytes, sizeof(bytes)}));
	assert_int_equal(
	    snp_table_parse((struct tobi_bytes){bytes, sizeof(bytes)}, &table, NULL), 0);
	assert_int_equal(table.count, 2);
	assert_int_equal(table.entries[0].kind, SNP_TABLE_VCEK);
	assert_bytes_equal(table.entries[0].data, BYTES(0x30, 0x30, 0x30));
	assert_int_equal(table.entries[1].kind, SNP_TABLE_ASK);
	assert_bytes_equal(table.entries[1].data, BYTES(0x31, 0x31, 0x31, 0x31));
	memset(bytes, 0xee, 1);
	assert_false(snp_table_recognise((struct tobi_bytes){bytes, sizeof(bytes)}));
	assert_int_equal(parse(bytes, sizeof(bytes), &table), 0);
	assert_int_equal(table.entries[0].kind, SNP_TABLE_OTHER);
}

static void test_snp_table_parse__cut__fails(void **state)
{
	uint8_t bytes[WHOLE];
	struct snp_table table;

	(void)state;
	make(bytes);
	for (size_t size = 0; size < sizeof(bytes); size++)
		assert_true(parse(bytes, size, &table) != TOBI_OK);
}

static void test_snp_table_parse__zeros_behind__are_allowed(void **state)
{
	uint8_t bytes[WHOLE + 100] = {0};
	struct snp_table table;

	(void)state;
	make(bytes);
	assert_int_equal(parse(bytes, sizeof(bytes), &table), 0);
	bytes[sizeof(bytes) - 1] = 1;
	assert_int_equal(parse(bytes, sizeof(bytes), &table), TOBI_E_MALFORMED);
}

static void test_snp_table_parse__wrong_entries__fail(void **state)
{
	static const struct {
		const uint8_t *guid;
		uint32_t offset, size;
	} second[] = {
	    {vcek, LIST + 4, 4},	 /* twice */
	    {ask, LIST + 4, 0},		 /* empty */
	    {ask, LIST + 4, 5},		 /* past the end */
	    {ask, UINT32_MAX, 4},	 /* far past it */
	    {ask, LIST + 4, UINT32_MAX}, /* and the sum too large */
	    {ask, LIST + 2, 6},		 /* in the first */
	    {ask, LIST, 3},		 /* the same bytes */
	    {ask, LIST - 1, 9},		 /* in the list */
	    {ask, 0, 4},
	    {ask, LIST + 5, 3}, /* a byte of nobody */
	    {unknown, LIST + 1, 1},
	};
	uint8_t bytes[WHOLE];
	struct snp_table table;

	(void)state;
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		make(bytes);
		entry(bytes + ENTRY, second[i].guid, second[i].offset, second[i].size);
		assert_int_equal(parse(bytes, sizeof(bytes), &table), TOBI_E_MALFORMED);
	}
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		/* Of zeros, where no byte of nobody gives it away. */
		make(bytes);
		entry(bytes + ENTRY, second[i].guid, second[i].offset, second[i].size);
		memset(bytes + LIST, 0, WHOLE - LIST);
		if (second[i].offset != LIST + 5) /* right, then */
			assert_int_equal(parse(bytes, sizeof(bytes), &table),
					 TOBI_E_MALFORMED);
	}
	make(bytes);
	bytes[LIST - 1] = 1; /* the end has a length */
	assert_int_equal(parse(bytes, sizeof(bytes), &table), TOBI_E_MALFORMED);
	make(bytes);
	bytes[LIST + 3] = 1; /* between them */
	assert_int_equal(parse(bytes, sizeof(bytes), &table), TOBI_E_MALFORMED);
}

static void test_snp_table_parse__too_many_entries__fails(void **state)
{
	enum { MANY = SNP_TABLE_ENTRIES_MAX + 1, START = (MANY + 1) * ENTRY };
	uint8_t bytes[START + MANY] = {0};
	struct snp_table table;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		entry(bytes + ENTRY * i, unknown, START + i, 1);
	assert_int_equal(parse(bytes, sizeof(bytes), &table), TOBI_E_LIMIT);
	memset(bytes + ENTRY * SNP_TABLE_ENTRIES_MAX, 0, ENTRY);
	assert_int_equal(parse(bytes, sizeof(bytes), &table), 0);
	assert_int_equal(table.count, SNP_TABLE_ENTRIES_MAX);
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_snp_table_parse__two_entries__are_found),
	    TEST(test_snp_table_parse__cut__fails),
	    TEST(test_snp_table_parse__zeros_behind__are_allowed),
	    TEST(test_snp_table_parse__wrong_entries__fail),
	    TEST(test_snp_table_parse__too_many_entries__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
