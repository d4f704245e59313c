#include "base/utf8.h"
#include "tests/bytes.h"

/* In blocks of their exact size: a read past the end would be seen. */
static bool is_text(struct tobi_bytes bytes)
{
	struct block block = block_new(bytes);
	bool answer = utf8_is_text(block_view(block));

	block_done(block);
	return answer;
}

static void test_utf8_is_text__ends_of_each_range__accepted(void **state)
{
	(void)state;
	assert_true(is_text((struct tobi_bytes){0}));
	assert_true(is_text(text_bytes("plain ~")));
	assert_true(is_text(BYTES(0xc2, 0xa0)));	     /* U+00A0, after C1 */
	assert_true(is_text(BYTES(0xdf, 0xbf)));	     /* U+07FF */
	assert_true(is_text(BYTES(0xe0, 0xa0, 0x80)));	     /* U+0800 */
	assert_true(is_text(BYTES(0xed, 0x9f, 0xbf)));	     /* U+D7FF */
	assert_true(is_text(BYTES(0xee, 0x80, 0x80)));	     /* U+E000 */
	assert_true(is_text(BYTES(0xef, 0xbf, 0xbf)));	     /* U+FFFF */
	assert_true(is_text(BYTES(0xf0, 0x90, 0x80, 0x80))); /* U+10000 */
	assert_true(is_text(BYTES(0xf4, 0x8f, 0xbf, 0xbf))); /* U+10FFFF */
}

static void test_utf8_is_text__ill_formed__refused(void **state)
{
	const struct tobi_bytes bad[] = {
	    /* a continuation byte alone, and one too many */
	    BYTES(0x80), BYTES(0xbf), BYTES(0xc3, 0xa9, 0xa9),
	    /* too few continuation bytes, at the end and before another character */
	    BYTES(0xc3), BYTES(0xe2, 0x82), BYTES(0xf0, 0x9f, 0x98), BYTES(0xc3, 'a'),
	    BYTES(0xe2, 0x82, 'a'), BYTES(0xf0, 0x9f, 0x98, 'a'), BYTES(0xe2, 'a', 0x82),
	    /* longer than needed */
	    BYTES(0xc0, 0x80), BYTES(0xc1, 0xbf), BYTES(0xe0, 0x80, 0x80),
	    BYTES(0xe0, 0x9f, 0xbf), BYTES(0xf0, 0x80, 0x80, 0x80),
	    BYTES(0xf0, 0x8f, 0xbf, 0xbf),
	    /* surrogates */
	    BYTES(0xed, 0xa0, 0x80), BYTES(0xed, 0xaf, 0xbf), BYTES(0xed, 0xbf, 0xbf),
	    /* above U+10FFFF, and bytes that begin nothing */
	    BYTES(0xf4, 0x90, 0x80, 0x80), BYTES(0xf5, 0x80, 0x80, 0x80),
	    BYTES(0xf8, 0x88, 0x80, 0x80, 0x80), BYTES(0xfe), BYTES(0xff)};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(is_text(bad[i]));
}

static void test_utf8_is_text__control_characters__refused(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 0x100; c++) {
		bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);

		if (c < 0x80)
			assert_int_equal(is_text(BYTES((uint8_t)c)), !control);
		else
			assert_int_equal(is_text(BYTES((uint8_t)(0xc0 | c >> 6),
						       (uint8_t)(0x80 | (c & 0x3f)))),
					 !control);
	}
}

static void escaped(struct tobi_bytes bytes, const char *expected)
{
	struct block block = block_new(bytes);
	struct writer out = wr_init(256);

	utf8_write_escaped(&out, block_view(block));
	assert_bytes_equal(wr_view(&out), text_bytes(expected));
	assert_true(utf8_is_text(wr_view(&out)));
	wr_done(&out);
	block_done(block);
}

static void test_utf8_escaped__what_may_be_shown__as_it_is(void **state)
{
	(void)state;
	escaped(text_bytes("a b\xc3\xa9\xf0\x9f\x98\x80"), "a b\xc3\xa9\xf0\x9f\x98\x80");
	escaped((struct tobi_bytes){0}, "");
}

static void test_utf8_escaped__controls_and_ill_formed__as_hex(void **state)
{
	(void)state;
	escaped(text_bytes("a\n\x1b[31mb"), "a\\x0a\\x1b[31mb");
	escaped(BYTES('a', 0, 0x7f), "a\\x00\\x7f");
	escaped(BYTES(0xc2, 0x85, 'x'), "\\xc2\\x85x"); /* U+0085 */
	escaped(BYTES(0xff, 'a', 0xe2, 0x82), "\\xffa\\xe2\\x82");
	escaped(BYTES(0xc3, 0xc3, 0xa9), "\\xc3\xc3\xa9");
	escaped(BYTES(0xed, 0xa0, 0x80), "\\xed\\xa0\\x80");
}

static void test_utf8_is_valid__controls_but_no_zero__accepted(void **state)
{
	(void)state;
	assert_true(utf8_is_valid((struct tobi_bytes){0}));
	assert_true(utf8_is_valid(text_bytes("a\n\x1b\x7f\xc2\x85\xf0\x9f\x98\x80")));
	assert_false(utf8_is_valid(BYTES('a', 0)));
	assert_false(utf8_is_valid(BYTES('a', 0xff)));
	assert_false(utf8_is_valid(BYTES(0xc3)));
	assert_false(utf8_is_valid(BYTES(0xed, 0xa0, 0x80)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_utf8_is_text__ends_of_each_range__accepted),
	    cmocka_unit_test(test_utf8_is_text__ill_formed__refused),
	    cmocka_unit_test(test_utf8_is_text__control_characters__refused),
	    cmocka_unit_test(test_utf8_is_valid__controls_but_no_zero__accepted),
	    cmocka_unit_test(test_utf8_escaped__what_may_be_shown__as_it_is),
	    cmocka_unit_test(test_utf8_escaped__controls_and_ill_formed__as_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
