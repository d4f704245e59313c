#include "tests/check.h"

#include "base/reader.h"
#include "base/writer.h"

static const uint8_t eight[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static void test_integers_in_both_orders(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){ eight, sizeof(eight) });

	(void)state;
	assert_int_equal(rd_u16be(&rd, "a"), 0x0102);
	assert_int_equal(rd_u16le(&rd, "b"), 0x0403);
	assert_int_equal(rd_u32le(&rd, "c"), 0x08070605);
	assert_int_equal(rd_finish(&rd, "object", NULL), TOBI_OK);
}

static void test_failure_is_sticky_and_names_the_first_field(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){ eight, 3 });
	struct tobi_fault fault = { 0 };

	(void)state;
	assert_int_equal(rd_u16be(&rd, "first"), 0x0102);
	assert_int_equal(rd_u32be(&rd, "second"), 0);
	assert_int_equal(rd_u8(&rd, "third"), 0);
	assert_int_equal(rd_finish(&rd, "object", &fault), TOBI_E_TRUNCATED);
	assert_string_equal(fault.field, "second");
	assert_int_equal(fault.offset, 2);
}

static void test_trailing_bytes_are_refused(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){ eight, 3 });

	(void)state;
	rd_u16be(&rd, "first");
	assert_int_equal(rd_finish(&rd, "object", NULL), TOBI_E_TRAILING);
}

static void test_sub_reader_is_confined_and_keeps_offsets(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){ eight, sizeof(eight) });
	struct tobi_fault fault = { 0 };
	struct reader sub;

	(void)state;
	rd_u16be(&rd, "head");
	sub = rd_sub(&rd, 3, "body");
	rd_u16be(&sub, "x");
	rd_u16be(&sub, "y");
	assert_int_equal(rd_finish(&sub, "object", &fault), TOBI_E_TRUNCATED);
	assert_int_equal(fault.offset, 4);
	assert_int_equal(rd_offset(&rd), 5);
}

static void test_count_is_capped_by_what_is_left(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){ eight, sizeof(eight) });

	(void)state;
	assert_int_equal(rd_count(&rd, 4, 2, "n"), 4);
	assert_int_equal(rd_count(&rd, 5, 2, "n"), 0);
	assert_true(rd_failed(&rd));
}

static void test_writer_stops_at_its_ceiling(void **state)
{
	struct writer wr = wr_init(300);

	(void)state;
	for (int i = 0; i < 300; i++)
		wr_u8(&wr, (uint8_t)i);
	assert_int_equal(wr_err(&wr), TOBI_OK);
	assert_int_equal(wr_view(&wr).size, 300);
	assert_int_equal(wr.ptr[299], 299 & 0xff);
	wr_u8(&wr, 0);
	assert_int_equal(wr_err(&wr), TOBI_E_LIMIT);
	assert_int_equal(wr_view(&wr).size, 0);
	wr_done(&wr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_in_both_orders),
		cmocka_unit_test(test_failure_is_sticky_and_names_the_first_field),
		cmocka_unit_test(test_trailing_bytes_are_refused),
		cmocka_unit_test(test_sub_reader_is_confined_and_keeps_offsets),
		cmocka_unit_test(test_count_is_capped_by_what_is_left),
		cmocka_unit_test(test_writer_stops_at_its_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
