#include "collateral/text.h"
#include "tests/bytes.h"

static enum tobi_err decode(const char *text, const char *expected)
{
	struct writer out = wr_init(64);
	struct block block = block_new(text_bytes(text));
	enum tobi_err err = text_percent_decode(block_view(block), "it", &out, NULL);

	if (!err)
		assert_bytes_equal(wr_view(&out), text_bytes(expected));
	wr_done(&out);
	block_done(block);
	return err;
}

static void test_text_percent__escapes__are_decoded(void **state)
{
	(void)state;
	assert_int_equal(decode("", ""), TOBI_OK);
	assert_int_equal(decode("a%2Db%0a", "a-b\n"), TOBI_OK);
	assert_int_equal(decode("a+b%2B", "a+b+"), TOBI_OK);
}

static void test_text_percent__no_digits__fails(void **state)
{
	static const char *const wrong[] = {"%", "%2", "a%", "%2g", "%g2", "%%20", "% 2"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(decode(wrong[i], ""), TOBI_E_MALFORMED);
}

static void test_text_percent__over_the_ceiling__fails(void **state)
{
	struct writer out = wr_init(3);

	(void)state;
	assert_int_equal(text_percent_decode(text_bytes("abcd"), "it", &out, NULL),
			 TOBI_E_LIMIT);
	wr_done(&out);
}

static enum tobi_err unhex(const char *text, struct tobi_bytes expected)
{
	struct writer out = wr_init(64);
	enum tobi_err err = text_hex_decode(text_bytes(text), "it", &out, NULL);

	if (!err)
		assert_bytes_equal(wr_view(&out), expected);
	wr_done(&out);
	return err;
}

static void test_text_hex__digits__are_decoded(void **state)
{
	(void)state;
	assert_int_equal(unhex("00fFa0", BYTES(0, 0xff, 0xa0)), TOBI_OK);
	assert_int_equal(unhex("01 \n\t", BYTES(1)), TOBI_OK);
}

static void test_text_hex__not_digits__fails(void **state)
{
	(void)state;
	assert_int_equal(unhex("0", BYTES(0)), TOBI_E_MALFORMED);
	assert_int_equal(unhex("0g", BYTES(0)), TOBI_E_MALFORMED);
	assert_int_equal(unhex("00 00", BYTES(0)), TOBI_E_MALFORMED);
}

static enum tobi_err list_of(const char *text, size_t count)
{
	struct pem_list list = {0};
	enum tobi_err err = pem_list_read(text_bytes(text), "it", &list, NULL);

	if (!err)
		assert_int_equal(list.count, count);
	pem_list_done(&list);
	return err;
}

static void test_pem_list__not_certificates__fails(void **state)
{
	(void)state;
	assert_int_equal(list_of("", 0), TOBI_E_MALFORMED);
	assert_int_equal(list_of("text\n", 0), TOBI_E_MALFORMED);
	assert_int_equal(list_of("-----BEGIN CERTIFICATE-----\nAAAA\n", 0),
			 TOBI_E_MALFORMED);
	assert_int_equal(list_of("-----BEGIN CERTIFICATE-----\nAAAA\n"
				 "-----END CERTIFICATE-----\n",
				 0),
			 TOBI_E_MALFORMED);
	assert_int_equal(list_of("-----BEGIN PUBLIC KEY-----\nAAAA\n"
				 "-----END PUBLIC KEY-----\n",
				 0),
			 TOBI_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text_percent__escapes__are_decoded),
	    cmocka_unit_test(test_text_percent__no_digits__fails),
	    cmocka_unit_test(test_text_percent__over_the_ceiling__fails),
	    cmocka_unit_test(test_text_hex__digits__are_decoded),
	    cmocka_unit_test(test_text_hex__not_digits__fails),
	    cmocka_unit_test(test_pem_list__not_certificates__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
