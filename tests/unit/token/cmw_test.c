#include "tests/check.h"

#include "base/secret.h"
#include "token/cmw.h"

#define TEXT(literal)                                                                    \
	(struct tobi_bytes)                                                              \
	{                                                                                \
		(const uint8_t *)(literal), sizeof(literal) - 1                          \
	}
#define BYTES(...)                                                                       \
	(struct tobi_bytes)                                                              \
	{                                                                                \
		(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})   \
	}

/* {"cpu": [263, h'0102', 4], "claims": ["a/b", h'03'], "endorse": ["c/d", h'', 2]} */
static const uint8_t golden[] = {
    0xa3, 0x63, 'c', 'p', 'u', 0x83, 0x19, 0x01, 0x07, 0x42, 0x01, 0x02, 0x04, 0x66,
    'c',  'l',	'a', 'i', 'm', 's',  0x82, 0x63, 'a',  '/',  'b',  0x41, 0x03, 0x67,
    'e',  'n',	'd', 'o', 'r', 's',  'e',  0x83, 0x63, 'c',  '/',  'd',	 0x40, 0x02,
};

static void test_golden_is_read_and_written(void **state)
{
	struct tobi_bytes bytes = {golden, sizeof(golden)};
	struct writer out = wr_init(1024);
	const struct cmw_record *record;
	struct cmw cmw;

	(void)state;
	assert_int_equal(cmw_parse(bytes, "evidence", &cmw, NULL), TOBI_OK);
	assert_int_equal(cmw.count, 3);
	record = cmw_find(&cmw, "cpu");
	assert_non_null(record);
	assert_int_equal(record->content_format, 263);
	assert_int_equal(record->media_type.size, 0);
	assert_int_equal(record->indicator, CMW_EVIDENCE);
	assert_true(bytes_equal(record->value, BYTES(1, 2)));
	record = cmw_find(&cmw, "claims");
	assert_non_null(record);
	assert_true(bytes_equal_text(record->media_type, "a/b"));
	assert_int_equal(record->indicator, 0);
	assert_null(cmw_find(&cmw, "clai"));
	assert_null(cmw_find(&cmw, "claims2"));
	cmw_write(&out, cmw.records, cmw.count);
	assert_true(bytes_equal(wr_view(&out), bytes));
	wr_done(&out);
}

static void expect(struct tobi_bytes bytes, enum tobi_err err, const char *field,
		   size_t offset)
{
	struct cmw cmw = {.count = 77};
	struct tobi_fault fault = {0};

	assert_int_equal(cmw_parse(bytes, "evidence", &cmw, &fault), err);
	assert_string_equal(fault.object, "evidence");
	assert_string_equal(fault.field, field);
	assert_int_equal(fault.offset, offset);
	assert_int_equal(cmw.count, 77);
}

static void test_refusals_name_field_and_offset(void **state)
{
	(void)state;
	/* a nested collection, a tag as record, a record that is no array */
	expect(BYTES(0xa1, 0x61, 'a', 0xa1, 0x61, 'b', 0x82, 0, 0x40), TOBI_E_UNSUPPORTED,
	       "record", 3);
	expect(BYTES(0xa1, 0x61, 'a', 0xc1, 0x40), TOBI_E_UNSUPPORTED, "record", 3);
	expect(BYTES(0xa1, 0x61, 'a', 0x40), TOBI_E_MALFORMED, "record", 3);
	/* one element, four elements */
	expect(BYTES(0xa1, 0x61, 'a', 0x81, 0x00), TOBI_E_MALFORMED, "record", 4);
	expect(BYTES(0xa1, 0x61, 'a', 0x84, 0, 0x40, 1, 1), TOBI_E_LIMIT, "record", 3);
	/* a value that is text, an indicator of 0, a type over 65535 */
	expect(BYTES(0xa1, 0x61, 'a', 0x82, 0x00, 0x60), TOBI_E_MALFORMED, "value", 5);
	expect(BYTES(0xa1, 0x61, 'a', 0x83, 0x00, 0x40, 0x00), TOBI_E_MALFORMED,
	       "indicator", 7);
	expect(BYTES(0xa1, 0x61, 'a', 0x82, 0x1a, 0, 1, 0, 0, 0x40), TOBI_E_LIMIT, "type",
	       4);
	/* a collection type, an empty key, an integer key, nothing at all */
	expect(BYTES(0xa1, 0x68, '_', '_', 'c', 'm', 'w', 'c', '_', 't', 0x61, 'x'),
	       TOBI_E_UNSUPPORTED, "__cmwc_t", 10);
	expect(BYTES(0xa1, 0x60, 0x82, 0x00, 0x40), TOBI_E_MALFORMED, "key", 2);
	expect(BYTES(0xa1, 0x01, 0x82, 0x00, 0x40), TOBI_E_MALFORMED, "key", 1);
	expect(BYTES(0xa0), TOBI_E_MALFORMED, "collection", 1);
}

static void test_duplicate_key_is_refused(void **state)
{
	struct cmw cmw;

	(void)state;
	assert_int_equal(
	    cmw_parse(BYTES(0xa2, 0x61, 'a', 0x82, 0, 0x40, 0x61, 'a', 0x82, 0, 0x40),
		      "evidence", &cmw, NULL),
	    TOBI_E_MALFORMED);
}

static void test_any_key_order_is_read(void **state)
{
	struct cmw cmw;

	(void)state;
	assert_int_equal(
	    cmw_parse(BYTES(0xa2, 0x61, 'b', 0x82, 0, 0x40, 0x61, 'a', 0x82, 0, 0x41, 9),
		      "evidence", &cmw, NULL),
	    TOBI_OK);
	assert_int_equal(cmw_find(&cmw, "a")->value.size, 1);
}

static void test_every_truncation_and_a_trailing_byte_fail(void **state)
{
	uint8_t longer[sizeof(golden) + 1] = {0};
	struct cmw cmw;

	(void)state;
	for (size_t size = 0; size < sizeof(golden); size++)
		assert_int_not_equal(
		    cmw_parse((struct tobi_bytes){golden, size}, "evidence", &cmw, NULL),
		    TOBI_OK);
	bytes_copy(longer, sizeof(longer), golden, sizeof(golden));
	assert_int_equal(cmw_parse((struct tobi_bytes){longer, sizeof(longer)},
				   "evidence", &cmw, NULL),
			 TOBI_E_TRAILING);
}

/* Each flip is refused, or what is read is written back as the flipped bytes: nothing of
 * the input is unseen. */
static void test_bit_flips_are_seen(void **state)
{
	uint8_t flipped[sizeof(golden)];
	struct cmw cmw;

	(void)state;
	for (size_t bit = 0; bit < sizeof(golden) * 8; bit++) {
		struct writer out = wr_init(1024);

		bytes_copy(flipped, sizeof(flipped), golden, sizeof(golden));
		flipped[bit / 8] = (uint8_t)(flipped[bit / 8] ^ 1 << bit % 8);
		if (!cmw_parse((struct tobi_bytes){flipped, sizeof(flipped)}, "evidence",
			       &cmw, NULL)) {
			cmw_write(&out, cmw.records, cmw.count);
			assert_true(
			    bytes_equal(wr_view(&out),
					(struct tobi_bytes){flipped, sizeof(flipped)}));
		}
		wr_done(&out);
	}
}

static void many(size_t count, struct writer *out)
{
	struct cmw_record records[LIMIT_CMW_ENTRIES + 1] = {0};
	char names[LIMIT_CMW_ENTRIES + 1][3];

	for (size_t i = 0; i < count; i++) {
		names[i][0] = (char)('a' + i / 26);
		names[i][1] = (char)('a' + i % 26);
		records[i].key = (struct tobi_bytes){(const uint8_t *)names[i], 2};
		records[i].media_type = TEXT("a/b");
	}
	cmw_write(out, records, count);
	assert_int_equal(wr_err(out), TOBI_OK);
}

static void test_limit_on_entries(void **state)
{
	struct cmw cmw;

	(void)state;
	for (size_t count = LIMIT_CMW_ENTRIES; count <= LIMIT_CMW_ENTRIES + 1; count++) {
		struct writer out = wr_init(4096);

		many(count, &out);
		assert_int_equal(cmw_parse(wr_view(&out), "evidence", &cmw, NULL),
				 count > LIMIT_CMW_ENTRIES ? TOBI_E_LIMIT : TOBI_OK);
		wr_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden_is_read_and_written),
	    cmocka_unit_test(test_refusals_name_field_and_offset),
	    cmocka_unit_test(test_duplicate_key_is_refused),
	    cmocka_unit_test(test_any_key_order_is_read),
	    cmocka_unit_test(test_every_truncation_and_a_trailing_byte_fail),
	    cmocka_unit_test(test_bit_flips_are_seen),
	    cmocka_unit_test(test_limit_on_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
