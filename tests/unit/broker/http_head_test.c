#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "broker/http_head.h"

/* A copy of exactly its size, so that a step too far is seen. */
static char *copy_of(const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	assert_non_null(copy);
	bytes_copy(copy, size, text, size);
	copy[size] = 0;
	return copy;
}

static int read_text(const char *text, struct http_head *head, char **ret_copy)
{
	*ret_copy = copy_of(text, strlen(text));
	return http_head_read(*ret_copy, strlen(text), head);
}

static void expect(int status, const char *text)
{
	struct http_head head;
	char *copy;
	int got = read_text(text, &head, &copy);

	if (got != status || (status && !head.wrong))
		fail_msg("%d, not %d, for: %s", got, status, text);
	free(copy);
}

#define GOOD "POST /a%20b/c?d=%2Fe HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12\r\n"

static void test_http_head__good__fields(void **state)
{
	struct http_head head;
	char *copy;

	(void)state;
	assert_int_equal(read_text(GOOD "X-Y: \t a  b \t\r\nEmpty:\r\n"
					"Expect: 100-Continue\r\n\r\n",
				   &head, &copy),
			 0);
	assert_int_equal(head.method, HTTP_POST);
	assert_string_equal(head.path, "/a b/c");
	assert_string_equal(head.query, "d=%2Fe");
	assert_int_equal(head.length, 12);
	assert_true(head.keep_alive && head.expects_continue);
	assert_string_equal(http_head_find(&head, "x-y"), "a  b");
	assert_string_equal(http_head_find(&head, "empty"), "");
	assert_string_equal(http_head_find(&head, "host"), "h:1");
	assert_null(http_head_find(&head, "none"));
	free(copy);
}

static void test_http_head__connection__kept_or_not(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} cases[] = {
	    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: a, CLOSE ,b\r\n\r\n", false},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closer\r\n\r\n", true},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: ,,close\r\n\r\n", false},
	    {"GET / HTTP/1.0\r\n\r\n", false},
	    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_head head;
		char *copy;

		assert_int_equal(read_text(cases[i].text, &head, &copy), 0);
		if (head.keep_alive != cases[i].keep)
			fail_msg("%s", cases[i].text);
		free(copy);
	}
}

static void test_http_head__request_line__refused(void **state)
{
	(void)state;
	expect(400, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(400, "GET /\r\nHost: a\r\n\r\n");
	expect(400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n");
	expect(400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(400, "GET / HTTP/1.1a\r\nHost: a\r\n\r\n");
	expect(400, "GET / HTTP/11\r\nHost: a\r\n\r\n");
	expect(400, "GET / http/1.1\r\nHost: a\r\n\r\n");
	expect(505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n");
	expect(505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n");
	expect(400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(501, "get / HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(405, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(400, "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(400, "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(400, "GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(0, "GET HTTPS://A/ HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void test_http_head__headers__refused(void **state)
{
	(void)state;
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nA: b\nC: d\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nA: b\rC: d\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nA: \x7f\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nA: \xc3\xa9\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\na: c\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nA: b\r\n\r\n");
	expect(417, "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100\r\n\r\n");
}

static void test_http_head__length__one_way_only(void **state)
{
	(void)state;
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 2\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n");
	expect(0, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999\r\n\r\n");
	expect(413,
	       "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000000\r\n\r\n");
	expect(411, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
		    "Transfer-Encoding: identity\r\n\r\n");
}

static void test_http_head__zero_byte__refused(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n";
	struct http_head head;
	char *copy;

	(void)state;
	for (size_t i = 0; i + 3 < sizeof(text); i++) {
		copy = copy_of(text, sizeof(text) - 1);
		copy[30] = 'x';
		copy[i] = 0;
		assert_int_not_equal(http_head_read(copy, sizeof(text) - 1, &head), 0);
		free(copy);
	}
}

static void test_http_head__truncated__refused(void **state)
{
	static const char text[] = GOOD "A: b\r\n\r\n";

	(void)state;
	for (size_t size = 0; size < sizeof(text) - 1; size++) {
		struct http_head head;
		char *copy = copy_of(text, size);

		assert_int_not_equal(http_head_read(copy, size, &head), 0);
		free(copy);
	}
}

static void test_http_head__limits__refused(void **state)
{
	static char text[16384];
	struct http_head head;
	size_t used;
	char *copy;

	(void)state;
	for (int more = 0; more < 2; more++) {
		used =
		    (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
		for (int i = 0; i < HTTP_HEAD_HEADERS - 1 + more; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "A%d: b\r\n", i);
		snprintf(text + used, sizeof(text) - used, "\r\n");
		assert_int_equal(read_text(text, &head, &copy), more ? 431 : 0);
		free(copy);
		snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\nHost: a\r\n\r\n",
			 HTTP_HEAD_TARGET - 1 + more, 0);
		assert_int_equal(read_text(text, &head, &copy), more ? 414 : 0);
		free(copy);
	}
}

static void expect_target(const char *path, const char *query, const char *target)
{
	char *copy = copy_of(target, strlen(target)), *got = NULL;
	const char *got_query = NULL, *wrong = NULL;
	int status = http_target_read(copy, "h", &got, &got_query, &wrong);

	if (!path && status == 0)
		fail_msg("taken: %s", target);
	assert_int_equal(status, path ? 0 : 400);
	if (path) {
		assert_string_equal(got, path);
		assert_string_equal(got_query, query);
	} else {
		assert_non_null(wrong);
	}
	free(copy);
}

static void test_http_target__spellings__one_each(void **state)
{
	(void)state;
	expect_target("/", "", "/");
	expect_target("/", "", "/?");
	expect_target("/a", "b?c", "/a?b?c");
	expect_target("/a/", "", "/a/");
	expect_target("/..a/.b/c..", "", "/..a/.b/c..");
	expect_target("/A", "", "/%41");
	expect_target("/%41", "", "/%2541");
	expect_target("/\xc3\xa9", "", "/%c3%A9");
	expect_target("/a", "", "http://h/a");
	expect_target(NULL, NULL, "/%");
	expect_target(NULL, NULL, "/%4");
	expect_target(NULL, NULL, "/%4g");
	expect_target(NULL, NULL, "/%00");
	expect_target(NULL, NULL, "/%0a");
	expect_target(NULL, NULL, "/%7f");
	expect_target(NULL, NULL, "/%c2%85");
	expect_target(NULL, NULL, "/%c0%ae");
	expect_target(NULL, NULL, "/%ff");
	expect_target(NULL, NULL, "/a%2fb");
	expect_target(NULL, NULL, "/a%5cb");
	expect_target(NULL, NULL, "/a\\b");
	expect_target(NULL, NULL, "//a");
	expect_target(NULL, NULL, "/a//b");
	expect_target(NULL, NULL, "/.");
	expect_target(NULL, NULL, "/./a");
	expect_target(NULL, NULL, "/a/..");
	expect_target(NULL, NULL, "/a/%2e./b");
	expect_target(NULL, NULL, "/a#b");
	expect_target(NULL, NULL, "/a?%00");
	expect_target(NULL, NULL, "/a?b%");
	expect_target(NULL, NULL, "http://hh/a");
	expect_target(NULL, NULL, "http:///a");
	expect_target(NULL, NULL, "");
	expect_target(NULL, NULL, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_http_head__good__fields),
	    cmocka_unit_test(test_http_head__connection__kept_or_not),
	    cmocka_unit_test(test_http_head__request_line__refused),
	    cmocka_unit_test(test_http_head__headers__refused),
	    cmocka_unit_test(test_http_head__length__one_way_only),
	    cmocka_unit_test(test_http_head__zero_byte__refused),
	    cmocka_unit_test(test_http_head__truncated__refused),
	    cmocka_unit_test(test_http_head__limits__refused),
	    cmocka_unit_test(test_http_target__spellings__one_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
