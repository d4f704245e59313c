#include "codec/der.h"

#include "tests/bytes.h"

static void test_der_enter__nested__content_and_rest(void **state)
{
	struct reader rd = rd_init(BYTES(0x30, 3, 0x02, 1, 7, 0x04, 1, 9));
	struct reader inside = der_enter(&rd, DER_SEQUENCE, "x");
	uint8_t octet = 0;

	(void)state;
	assert_int_equal(der_number(&inside, DER_INTEGER, 10, "x"), 7);
	assert_int_equal(rd_left(&inside), 0);
	der_octets(&rd, &octet, 1, "x");
	assert_int_equal(octet, 9);
	assert_false(rd_failed(&rd));
}

static void test_der_enter__long_form__read(void **state)
{
	uint8_t bytes[3 + 200] = {0x04, 0x81, 200};
	struct reader rd = rd_init((struct tobi_bytes){bytes, sizeof(bytes)});

	(void)state;
	assert_int_equal(der_bytes(&rd, DER_OCTETS, "x").size, 200);
	assert_false(rd_failed(&rd));
}

static void fails(struct tobi_bytes bytes, enum tobi_err err)
{
	struct block block = block_new(bytes);
	struct reader rd = rd_init(block_view(block));

	der_bytes(&rd, DER_OCTETS, "x");
	assert_int_equal(rd.err, err);
	block_done(block);
}

static void test_der_enter__not_der__fails(void **state)
{
	(void)state;
	fails(BYTES(0x30, 0), TOBI_E_MALFORMED);	     /* another tag */
	fails(BYTES(0x04, 0x80, 0, 0), TOBI_E_MALFORMED);    /* no length */
	fails(BYTES(0x04, 0x81, 1, 0), TOBI_E_MALFORMED);    /* too long a length */
	fails(BYTES(0x04, 0x82, 0, 0x80), TOBI_E_MALFORMED); /* the same */
	fails(BYTES(0x04, 0x84, 0, 0, 0, 1), TOBI_E_MALFORMED);
	fails(BYTES(0x04, 2, 0), TOBI_E_TRUNCATED);
	fails(BYTES(0x04), TOBI_E_TRUNCATED);
	fails(BYTES(0x04, 0x81), TOBI_E_TRUNCATED);
	fails((struct tobi_bytes){0}, TOBI_E_TRUNCATED);
}

static bool number(struct tobi_bytes bytes, uint32_t most, uint32_t expected)
{
	struct block block = block_new(bytes);
	struct reader rd = rd_init(block_view(block));
	uint32_t value = der_number(&rd, DER_INTEGER, most, "x");
	bool good = !rd_failed(&rd) && value == expected;

	block_done(block);
	return good;
}

static void test_der_number__in_range__value(void **state)
{
	(void)state;
	assert_true(number(BYTES(2, 1, 0), 255, 0));
	assert_true(number(BYTES(2, 1, 0x7f), 0x7f, 0x7f));
	assert_true(number(BYTES(2, 2, 0, 0x80), 0x80, 0x80));
	assert_true(number(BYTES(2, 3, 0, 0xff, 0xff), 65535, 65535));
	assert_true(
	    number(BYTES(2, 5, 0, 0xff, 0xff, 0xff, 0xff), UINT32_MAX, UINT32_MAX));
}

static void test_der_number__not_shortest_negative_or_large__fails(void **state)
{
	(void)state;
	assert_false(number(BYTES(2, 0), 255, 0));
	assert_false(number(BYTES(2, 2, 0, 1), 255, 1));
	assert_false(number(BYTES(2, 1, 0xff), 255, 255));
	assert_false(number(BYTES(2, 1, 0x80), 255, 128));
	assert_false(number(BYTES(2, 2, 1, 0), 255, 256));
	assert_false(number(BYTES(2, 6, 1, 0, 0, 0, 0, 0), UINT32_MAX, 0));
	assert_false(number(BYTES(2, 5, 1, 0, 0, 0, 0), UINT32_MAX, 0));
}

static void test_der_boolean__other_values__fails(void **state)
{
	struct reader good = rd_init(BYTES(1, 1, 0xff, 1, 1, 0));
	struct reader odd = rd_init(BYTES(1, 1, 1));
	struct reader longer = rd_init(BYTES(1, 2, 0, 0));

	(void)state;
	assert_true(der_boolean(&good, "x"));
	assert_false(der_boolean(&good, "x"));
	assert_false(rd_failed(&good));
	der_boolean(&odd, "x");
	assert_true(rd_failed(&odd));
	der_boolean(&longer, "x");
	assert_true(rd_failed(&longer));
}

static void test_der_octets__another_size__fails_and_leaves_alone(void **state)
{
	uint8_t to[2] = {7, 7};
	struct reader longer = rd_init(BYTES(4, 3, 1, 2, 3));
	struct reader shorter = rd_init(BYTES(4, 1, 1));

	(void)state;
	der_octets(&longer, to, sizeof(to), "x");
	assert_true(rd_failed(&longer));
	der_octets(&shorter, to, sizeof(to), "x");
	assert_true(rd_failed(&shorter));
	assert_int_equal(to[0], 7);
	assert_int_equal(to[1], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_der_enter__nested__content_and_rest),
	    cmocka_unit_test(test_der_enter__long_form__read),
	    cmocka_unit_test(test_der_enter__not_der__fails),
	    cmocka_unit_test(test_der_number__in_range__value),
	    cmocka_unit_test(test_der_number__not_shortest_negative_or_large__fails),
	    cmocka_unit_test(test_der_boolean__other_values__fails),
	    cmocka_unit_test(test_der_octets__another_size__fails_and_leaves_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
