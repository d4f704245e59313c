#include "tests/check.h"

#include "base/reader.h"

static const uint8_t eight[] = {1, 2, 3, 4, 5, 6, 7, 8};

static void test_integers_in_both_orders(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){eight, sizeof(eight)});

	(void)state;
	assert_int_equal(rd_u16be(&rd, "a"), 0x0102);
	assert_int_equal(rd_u16le(&rd, "b"), 0x0403);
	assert_int_equal(rd_u32le(&rd, "c"), 0x08070605);
	assert_int_equal(rd_finish(&rd, "object", NULL), TOBI_OK);
}

static void test_failure_is_sticky_and_names_the_first_field(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){eight, 3});
	struct tobi_fault fault = {0};

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
	struct reader rd = rd_init((struct tobi_bytes){eight, 3});

	(void)state;
	rd_u16be(&rd, "first");
	assert_int_equal(rd_finish(&rd, "object", NULL), TOBI_E_TRAILING);
}

static void test_sub_reader_is_confined_and_keeps_offsets(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){eight, sizeof(eight)});
	struct tobi_fault fault = {0};
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
	struct reader rd = rd_init((struct tobi_bytes){eight, sizeof(eight)});

	(void)state;
	assert_int_equal(rd_count(&rd, 4, 2, "n"), 4);
	assert_int_equal(rd_count(&rd, 5, 2, "n"), 0);
	assert_true(rd_failed(&rd));
}

static void test_rd_integers__each_width_and_order__values(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){eight, sizeof(eight)});

	(void)state;
	assert_true(rd_u64be(&rd, "a") == UINT64_C(0x0102030405060708));
	rd = rd_init((struct tobi_bytes){eight, sizeof(eight)});
	assert_true(rd_u64le(&rd, "a") == UINT64_C(0x0807060504030201));
	rd = rd_init((struct tobi_bytes){eight, sizeof(eight)});
	assert_int_equal(rd_u8(&rd, "a"), 1);
	assert_int_equal(rd_u32be(&rd, "b"), 0x02030405);
	assert_int_equal(rd_left(&rd), 3);
}

static void test_rd_bytes__size_that_wraps__truncated(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){eight, sizeof(eight)});
	struct tobi_fault fault = {0};

	(void)state;
	rd_u8(&rd, "first");
	assert_null(rd_bytes(&rd, SIZE_MAX, "second").ptr);
	assert_int_equal(rd_left(&rd), 0);
	assert_int_equal(rd_finish(&rd, "object", &fault), TOBI_E_TRUNCATED);
	assert_int_equal(fault.offset, 1);
}

static void test_rd_count__sizes_that_wrap_or_are_zero__capped(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){eight, sizeof(eight)});

	(void)state;
	assert_int_equal(rd_count(&rd, 8, 0, "n"), 8);
	assert_int_equal(rd_count(&rd, 9, 0, "n"), 0);
	assert_true(rd_failed(&rd));
	rd = rd_init((struct tobi_bytes){eight, sizeof(eight)});
	assert_int_equal(rd_count(&rd, UINT64_MAX, SIZE_MAX, "n"), 0);
	assert_true(rd_failed(&rd));
}

static void test_rd_sub__after_failure_or_too_long__failed_too(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){eight, 3});
	struct reader sub = rd_sub(&rd, 4, "body");
	struct tobi_fault fault = {0};

	(void)state;
	assert_true(rd_failed(&sub));
	assert_int_equal(rd_u8(&sub, "x"), 0);
	assert_int_equal(rd_finish(&sub, "object", &fault), TOBI_E_TRUNCATED);
	assert_string_equal(fault.field, "body");
	sub = rd_sub(&rd, 1, "again");
	assert_int_equal(rd_finish(&sub, "object", &fault), TOBI_E_TRUNCATED);
	assert_string_equal(fault.field, "body");
}

static void test_rd_fail__twice__the_first_stays(void **state)
{
	struct reader rd = rd_init((struct tobi_bytes){eight, 3});
	struct tobi_fault fault = {0};

	(void)state;
	rd_fail(&rd, TOBI_E_LIMIT, "first");
	rd_fail(&rd, TOBI_E_MALFORMED, "second");
	assert_int_equal(rd_status(&rd, "object", &fault), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "first");
	rd = rd_init((struct tobi_bytes){NULL, 0});
	assert_int_equal(rd_finish(&rd, "object", NULL), TOBI_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_integers_in_both_orders),
	    cmocka_unit_test(test_failure_is_sticky_and_names_the_first_field),
	    cmocka_unit_test(test_trailing_bytes_are_refused),
	    cmocka_unit_test(test_sub_reader_is_confined_and_keeps_offsets),
	    cmocka_unit_test(test_count_is_capped_by_what_is_left),
	    cmocka_unit_test(test_rd_integers__each_width_and_order__values),
	    cmocka_unit_test(test_rd_bytes__size_that_wraps__truncated),
	    cmocka_unit_test(test_rd_count__sizes_that_wrap_or_are_zero__capped),
	    cmocka_unit_test(test_rd_sub__after_failure_or_too_long__failed_too),
	    cmocka_unit_test(test_rd_fail__twice__the_first_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
