/* Nothing that comes from outside reaches a page as markup. */
#include "broker/page_html.h"

#include "base/utf8.h"
#include "tests/bytes.h"

static char written[4096];

static const char *text_of(struct tobi_bytes text)
{
	struct writer out = wr_init(sizeof(written) - 1);

	page_text(&out, text);
	assert_int_equal(wr_err(&out), 0);
	bytes_copy(written, sizeof(written) - 1, out.ptr, out.size);
	written[out.size] = 0;
	wr_done(&out);
	return written;
}

static void test_page_text__special__is_escaped(void **state)
{
	(void)state;
	assert_string_equal(text_of(text_bytes("<a href='x' b=\"y\">&amp;")),
			    "&lt;a href=&#39;x&#39; b=&#34;y&#34;&gt;&amp;amp;");
	assert_string_equal(text_of(text_bytes("</title><script>")),
			    "&lt;/title&gt;&lt;script&gt;");
	assert_string_equal(text_of(text_bytes("")), "");
	assert_string_equal(text_of(text_bytes("gr\xc3\xbc\xc3\x9f \xe6\x97\xa5")),
			    "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5");
}

/* Whatever it is: text, and neither markup nor the end of an attribute. */
static void test_page_text__each_byte__is_no_markup(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		const uint8_t bytes[] = {'a', (uint8_t)c, 'b'};
		const char *out = text_of((struct tobi_bytes){bytes, sizeof(bytes)});

		assert_null(strpbrk(out, "<>\"'"));
		assert_true(utf8_is_text(text_bytes(out)));
		assert_int_equal(out[0], 'a');
		assert_int_equal(out[strlen(out) - 1], 'b');
		for (const char *at = strchr(out, '&'); at; at = strchr(at + 1, '&'))
			assert_true(
			    strncmp(at, "&lt;", 4) == 0 || strncmp(at, "&gt;", 4) == 0 ||
			    strncmp(at, "&amp;", 5) == 0 ||
			    strncmp(at, "&#34;", 5) == 0 || strncmp(at, "&#39;", 5) == 0);
	}
}

static void test_page_text__no_utf8__is_shown_as_bytes(void **state)
{
	(void)state;
	assert_string_equal(text_of(BYTES(0xc0, 0xbc)), "\\xc0\\xbc");
	assert_string_equal(text_of(BYTES(0xff, 0xfe, 'a')), "\\xff\\xfea");
	assert_string_equal(text_of(BYTES(0xe2, 0x80)), "\\xe2\\x80");
	assert_string_equal(text_of(BYTES(0xed, 0xa0, 0x80)), "\\xed\\xa0\\x80");
	assert_string_equal(text_of(BYTES('a', 0, 'b')), "a\\x00b");
	assert_string_equal(text_of(text_bytes("a\r\nb\x1b[2J\x7f")),
			    "a\\x0d\\x0ab\\x1b[2J\\x7f");
	assert_string_equal(text_of(text_bytes("\xc2\x85")), "\\xc2\\x85");
}

static void test_page_text__unseen__is_named(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
	    {"a\xe2\x80\xae"
	     "b",
	     "a\\u{202e}b"},
	    {"\xe2\x80\x8b", "\\u{200b}"},
	    {"\xe2\x80\x8f", "\\u{200f}"},
	    {"\xe2\x80\xa8", "\\u{2028}"},
	    {"\xe2\x81\xa6", "\\u{2066}"},
	    {"\xe2\x81\xa9", "\\u{2069}"},
	    {"\xef\xbb\xbf", "\\u{feff}"},
	    {"\xd8\x9c", "\\u{61c}"},
	    {"\xc2\xad", "\\u{ad}"},
	    {"\xef\xb8\x8f", "\\u{fe0f}"},
	    {"\xe3\x85\xa4", "\\u{3164}"},
	    {"\xf3\xa0\x81\xa1", "\\u{e0061}"},
	    {"\xe2\x80\x90", "\xe2\x80\x90"},
	    {"\xe2\x80\xa7", "\xe2\x80\xa7"},
	    {"\xe2\x80\xaf", "\xe2\x80\xaf"},
	    {"\xe2\x81\xb0", "\xe2\x81\xb0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_of(text_bytes(cases[i].text)), cases[i].shown);
}

static void test_page_lines__ends_and_tabs__stay(void **state)
{
	struct writer out = wr_init(256);

	(void)state;
	page_lines(&out, text_bytes("a: <b>\n\tc\r\n\n"));
	assert_bytes_equal(wr_view(&out), text_bytes("a: &lt;b&gt;\n\tc\\x0d\n\n"));
	wr_done(&out);
}

static void test_page_url__all_but_plain__is_escaped(void **state)
{
	struct writer out = wr_init(256);

	(void)state;
	page_url(&out, text_bytes("aZ09-._~/&=?#%+ \"<\xc3\xbc"));
	assert_bytes_equal(wr_view(&out),
			   text_bytes("aZ09-._~%2F%26%3D%3F%23%25%2B%20%22%3C%C3%BC"));
	wr_done(&out);
	out = wr_init(256);
	page_url(&out, BYTES(0, 'a'));
	assert_bytes_equal(wr_view(&out), text_bytes("%00a"));
	wr_done(&out);
}

static void test_page_time__any__is_said(void **state)
{
	struct writer out = wr_init(256);

	(void)state;
	page_time(&out, 1900000000);
	assert_bytes_equal(wr_view(&out),
			   text_bytes("<time datetime=\"2030-03-17T17:46:40Z\">"
				      "2030-03-17 17:46:40 UTC</time>"));
	wr_done(&out);
	out = wr_init(256);
	page_time(&out, INT64_MAX);
	assert_bytes_equal(wr_view(&out), text_bytes("at a time out of range"));
	wr_done(&out);
}

static void test_page_hash__bytes__are_digits(void **state)
{
	struct writer out = wr_init(64);

	(void)state;
	page_hash(&out, BYTES(0x00, 0x9f));
	page_number(&out, UINT64_MAX);
	assert_bytes_equal(wr_view(&out),
			   text_bytes("<code>009f</code>18446744073709551615"));
	wr_done(&out);
}

static void test_page_text__no_room__is_said(void **state)
{
	struct writer out = wr_init(5);

	(void)state;
	page_line(&out, "a<");
	assert_int_equal(wr_err(&out), 0);
	page_line(&out, "<");
	assert_int_equal(wr_err(&out), TOBI_E_LIMIT);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_page_text__special__is_escaped),
	    cmocka_unit_test(test_page_text__each_byte__is_no_markup),
	    cmocka_unit_test(test_page_text__no_utf8__is_shown_as_bytes),
	    cmocka_unit_test(test_page_text__unseen__is_named),
	    cmocka_unit_test(test_page_lines__ends_and_tabs__stay),
	    cmocka_unit_test(test_page_url__all_but_plain__is_escaped),
	    cmocka_unit_test(test_page_time__any__is_said),
	    cmocka_unit_test(test_page_hash__bytes__are_digits),
	    cmocka_unit_test(test_page_text__no_room__is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
