#include "broker/page_form.h"

#include <stdio.h>

#include "tests/bytes.h"

static struct page_field fields[2];

static bool read_form(const char *text)
{
	struct block block = block_new(text_bytes(text));
	bool good;

	fields[0] = (struct page_field){.name = "a"};
	fields[1] = (struct page_field){.name = "long.name"};
	good = page_form_read(block_view(block), fields, 2);
	block_done(block);
	return good;
}

static void test_page_form__good__is_decoded(void **state)
{
	(void)state;
	assert_true(read_form("a=b+c%2Fd%3d%C3%bc&long.name=%20"));
	assert_true(fields[0].there && fields[1].there);
	assert_string_equal(fields[0].value, "b c/d=\xc3\xbc");
	assert_string_equal(fields[1].value, " ");
	assert_true(read_form(""));
	assert_false(fields[0].there);
	assert_true(read_form("a="));
	assert_true(fields[0].there);
	assert_string_equal(fields[0].value, "");
	assert_true(read_form("a=b=c"));
	assert_string_equal(fields[0].value, "b=c");
	assert_true(read_form("%61=x"));
	assert_string_equal(fields[0].value, "x");
	assert_true(read_form("a='%20OR%20'1'='1"));
	assert_string_equal(fields[0].value, "' OR '1'='1");
}

static void test_page_form__bad__is_refused(void **state)
{
	static const char *const bad[] = {"a",
					  "=",
					  "=b",
					  "b=c",
					  "A=b",
					  "a=b&",
					  "&a=b",
					  "a=b&&",
					  "a=b&a=c",
					  "a=b&long.name",
					  "a=%",
					  "a=%4",
					  "a=%4g",
					  "a=%g4",
					  "a=%00",
					  "a=%0a",
					  "a=%7f",
					  "a=%ff",
					  "a=%c0%af",
					  "a=%ed%a0%80",
					  "a=\n",
					  "a=\x01",
					  "%=b",
					  "a%00=b",
					  "a=%c3",
					  "a[]=b",
					  "a=b;a=c&",
					  "a=%u0041",
					  "a=b&%61=c",
					  "long.name=x&y",
					  "a=%f4%90%80%80"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (read_form(bad[i]))
			fail_msg("'%s' was read", bad[i]);
	}
}

/* Not one byte is read behind the end: the block has none. */
static void test_page_form__cut__is_read_or_refused(void **state)
{
	static const char whole[] = "a=b%20c%C3%BC&long.name=%41";

	(void)state;
	for (size_t i = 0; i < sizeof(whole); i++) {
		char cut[sizeof(whole)];

		snprintf(cut, sizeof(cut), "%.*s", (int)i, whole);
		if (read_form(cut) && fields[0].there)
			assert_int_equal(strncmp(fields[0].value, "b c\xc3\xbc",
						 strlen(fields[0].value)),
					 0);
	}
	assert_true(read_form(whole));
}

static void test_page_form__limits__hold(void **state)
{
	static char text[LIMIT_PAGE_FORM + 2];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "a=", 2);
	text[2 + LIMIT_PAGE_VALUE] = 0;
	assert_true(read_form(text));
	assert_int_equal(strlen(fields[0].value), LIMIT_PAGE_VALUE);
	text[2 + LIMIT_PAGE_VALUE] = 'x';
	text[3 + LIMIT_PAGE_VALUE] = 0;
	assert_false(read_form(text));
	/* Three bytes for one: the most that a whole form may have. */
	text[0] = 0;
	for (size_t i = 0; i < LIMIT_PAGE_VALUE; i++)
		memcpy(text + 3 * i, "%61", 3);
	memmove(text + 2, text, (size_t)3 * LIMIT_PAGE_VALUE);
	memcpy(text, "a=", 2);
	text[2 + 3 * LIMIT_PAGE_VALUE] = 0;
	assert_true(read_form(text));
	memset(text, '&', sizeof(text));
	text[LIMIT_PAGE_FORM + 1] = 0;
	assert_false(read_form(text));
}

static char value[LIMIT_PAGE_VALUE + 1];

static bool read_cookie(const char *header)
{
	snprintf(value, sizeof(value), "untouched");
	return page_cookie_read(header, "__Host-t", value);
}

static void test_page_cookie__found__among_others(void **state)
{
	(void)state;
	assert_true(read_cookie("__Host-t=abc"));
	assert_string_equal(value, "abc");
	assert_true(read_cookie("a=b; __Host-t=abc; c=d"));
	assert_string_equal(value, "abc");
	assert_true(read_cookie("a=b;__Host-t=abc;"));
	assert_string_equal(value, "abc");
	assert_true(read_cookie("x__Host-t=1; __Host-t=2; __Host-tt=3"));
	assert_string_equal(value, "2");
	assert_true(read_cookie("__Host-t=a=b"));
	assert_string_equal(value, "a=b");
	assert_true(read_cookie("__Host-t="));
	assert_string_equal(value, "");
}

static void test_page_cookie__none_or_two__is_nobodys(void **state)
{
	static char huge[2 * LIMIT_PAGE_COOKIES];

	(void)state;
	assert_false(read_cookie(NULL));
	assert_false(read_cookie(""));
	assert_false(read_cookie("__Host-t"));
	assert_false(read_cookie("__host-t=a"));
	assert_false(read_cookie("a=__Host-t=b"));
	assert_false(read_cookie(";;; ; "));
	/* A neighbour's host may set another of the name: nobody knows which is ours. */
	assert_false(read_cookie("__Host-t=a; __Host-t=b"));
	assert_false(read_cookie("__Host-t=a; x=y; __Host-t=a"));
	memset(huge, 'x', sizeof(huge) - 1);
	memcpy(huge, "__Host-t=", 9);
	assert_false(read_cookie(huge));
	memcpy(huge, "__Host-t=a; y=", 14);
	assert_false(read_cookie(huge));
	huge[LIMIT_PAGE_COOKIES] = 0;
	assert_true(read_cookie(huge));
	assert_string_equal(value, "a");
	memcpy(huge, "__Host-t=xxxxx", 14);
	huge[9 + LIMIT_PAGE_VALUE] = 0;
	assert_true(read_cookie(huge));
	huge[9 + LIMIT_PAGE_VALUE] = 'x';
	huge[10 + LIMIT_PAGE_VALUE] = 0;
	assert_false(read_cookie(huge));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_page_form__good__is_decoded),
	    cmocka_unit_test(test_page_form__bad__is_refused),
	    cmocka_unit_test(test_page_form__cut__is_read_or_refused),
	    cmocka_unit_test(test_page_form__limits__hold),
	    cmocka_unit_test(test_page_cookie__found__among_others),
	    cmocka_unit_test(test_page_cookie__none_or_two__is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
