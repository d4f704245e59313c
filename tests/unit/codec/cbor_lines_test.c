/* What a format may ask of the decoder beyond its rules: lines in texts, more depth. */
#include "base/limits.h"
#include "codec/cbor.h"
#include "tests/bytes.h"

static struct cbor decoder(struct tobi_bytes bytes, bool lines)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);

	cbor.lines = lines;
	return cbor;
}

static bool skips(const char *text, bool lines)
{
	struct writer out = wr_init(256);
	struct cbor cbor;

	cbor_write_text(&out, text);
	cbor = decoder(wr_view(&out), lines);
	cbor_skip(&cbor, "text");
	wr_done(&out);
	return !cbor_failed(&cbor);
}

static void test_cbor_lines__texts_that_are_skipped__where_a_format_has_them(void **state)
{
	static const char *const texts[] = {"a\nb", "a\r\nb\n", "\n"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(skips(texts[i], true));
		assert_false(skips(texts[i], false));
	}
	assert_true(skips("ab", true) && skips("", true));
	assert_false(skips("a\tb", true));
	assert_false(skips("a\n\001", true));
	assert_false(skips("\xff\n", true));
}

static void test_cbor_lines__a_text_with_lines__is_asked_for_by_name(void **state)
{
	struct writer out = wr_init(64);
	struct cbor cbor;

	(void)state;
	cbor_write_text(&out, "a\nb");
	cbor = decoder(wr_view(&out), true);
	cbor_text(&cbor, 64, "text");
	assert_true(cbor_failed(&cbor));
	cbor = decoder(wr_view(&out), false);
	assert_bytes_equal(cbor_text_lines(&cbor, 64, "text"), text_bytes("a\nb"));
	assert_int_equal(cbor_finish(&cbor, "test", NULL), 0);
	cbor = decoder(wr_view(&out), false);
	cbor_text_lines(&cbor, 2, "text");
	assert_int_equal(cbor_finish(&cbor, "test", NULL), TOBI_E_LIMIT);
	wr_done(&out);
}

static enum tobi_err skip_nested(size_t levels, size_t depth)
{
	struct writer out = wr_init(64);
	struct cbor cbor;
	enum tobi_err err;

	for (size_t i = 0; i < levels; i++)
		cbor_write_array(&out, 1);
	cbor_write_uint(&out, 0);
	cbor = cbor_init(wr_view(&out), CBOR_PREFERRED);
	if (depth)
		cbor.depth = depth;
	cbor_skip(&cbor, "nested");
	err = cbor_finish(&cbor, "test", NULL);
	wr_done(&out);
	return err;
}

static void test_cbor_depth__as_much_as_a_format_asks__and_no_more(void **state)
{
	(void)state;
	assert_int_equal(skip_nested(LIMIT_CBOR_DEPTH, 0), 0);
	assert_int_equal(skip_nested(LIMIT_CBOR_DEPTH + 1, 0), TOBI_E_LIMIT);
	assert_int_equal(skip_nested(LIMIT_CBOR_DEPTH_MOST, LIMIT_CBOR_DEPTH_MOST), 0);
	assert_int_equal(skip_nested(LIMIT_CBOR_DEPTH_MOST + 1, LIMIT_CBOR_DEPTH_MOST),
			 TOBI_E_LIMIT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_cbor_lines__texts_that_are_skipped__where_a_format_has_them),
	    cmocka_unit_test(test_cbor_lines__a_text_with_lines__is_asked_for_by_name),
	    cmocka_unit_test(test_cbor_depth__as_much_as_a_format_asks__and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
