#include "tests/check.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/writer.h"
#include "codec/http_reply.h"

static const char golden[] = "HTTP/1.1 200 OK\r\n"
			     "Date: Fri, 27 Nov 2026 01:00:00 GMT\r\n"
			     "Content-Type: application/octet-stream\r\n"
			     "Content-Length: 6\r\n"
			     "Connection: close\r\n\r\n"
			     "s\0\r\n\xff!";

static struct http_reply reply;
static struct tobi_fault fault;

static enum tobi_err read_bytes(const void *bytes, size_t size)
{
	reply = (struct http_reply){0};
	fault = (struct tobi_fault){0};
	return http_reply_read((struct tobi_bytes){bytes, size}, 6, &reply, &fault);
}

static void expect(const char *text, enum tobi_err err, const char *field)
{
	if (read_bytes(text, strlen(text)) != err || strcmp(fault.field, field) != 0)
		fail_msg("%s: %s, %s", text, tobi_err_name(fault.code), fault.field);
	assert_int_equal(reply.status, 0);
}

static void test_http_reply_golden__is_read(void **state)
{
	(void)state;
	assert_int_equal(read_bytes(golden, sizeof(golden) - 1), TOBI_OK);
	assert_int_equal(reply.status, 200);
	assert_true(bytes_equal(reply.body,
				(struct tobi_bytes){(const uint8_t *)"s\0\r\n\xff!", 6}));
}

static void test_http_reply_spellings__are_read(void **state)
{
	static const char odd[] = "HTTP/1.1 599 \r\ncontent-LENGTH:\t0 \r\nX:\r\n\r\n";

	(void)state;
	assert_int_equal(read_bytes(odd, sizeof(odd) - 1), TOBI_OK);
	assert_int_equal(reply.status, 599);
	assert_int_equal(reply.body.size, 0);
}

static void test_http_reply_each_part_of_it__is_not_whole_yet(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(golden) - 1; size++)
		assert_int_equal(read_bytes(golden, size), TOBI_E_TRUNCATED);
}

static void test_http_reply_more_than_the_body__fails(void **state)
{
	(void)state;
	assert_int_equal(read_bytes(golden, sizeof(golden)), TOBI_E_TRAILING);
	assert_string_equal(fault.field, "body");
}

static void test_http_reply_status_line__is_strict(void **state)
{
	(void)state;
	expect("SSH-2.0-OpenSSH\r\n", TOBI_E_MALFORMED, "status");
	expect("\r\n", TOBI_E_MALFORMED, "status");
	expect("HTTP/1.0 200 OK\r\n", TOBI_E_UNSUPPORTED, "status");
	expect("HTTP/2 200 OK\r\n", TOBI_E_UNSUPPORTED, "status");
	expect("HTTP/1.1 200\r\n", TOBI_E_MALFORMED, "status");
	expect("HTTP/1.1 20x OK\r\n", TOBI_E_MALFORMED, "status");
	expect("HTTP/1.1 2000 OK\r\n", TOBI_E_MALFORMED, "status");
	expect("HTTP/1.1  200 OK\r\n", TOBI_E_MALFORMED, "status");
	/* An interim reply has another behind it. */
	expect("HTTP/1.1 100 Continue\r\n", TOBI_E_MALFORMED, "status");
	expect("HTTP/1.1 199 -\r\n", TOBI_E_MALFORMED, "status");
	expect("HTTP/1.1 600 -\r\n", TOBI_E_MALFORMED, "status");
}

#define LINE "HTTP/1.1 200 OK\r\n"

static void test_http_reply_headers__are_strict(void **state)
{
	(void)state;
	expect(LINE "X\r\n\r\n", TOBI_E_MALFORMED, "header");
	expect(LINE ": x\r\n\r\n", TOBI_E_MALFORMED, "header");
	expect(LINE "X : x\r\n\r\n", TOBI_E_MALFORMED, "header");
	expect(LINE "X: x\r\n folded: y\r\n\r\n", TOBI_E_MALFORMED, "header");
	expect(LINE "X: x\n\r\n", TOBI_E_MALFORMED, "head");
	expect(LINE "X: x\rY: y\r\n\r\n", TOBI_E_MALFORMED, "head");
	expect(LINE "X: \x7f\r\n\r\n", TOBI_E_MALFORMED, "head");
	expect(LINE "X: \x01\r\n\r\n", TOBI_E_MALFORMED, "head");
	assert_int_equal(read_bytes(LINE "X: \0\r\n", sizeof(LINE "X: \0\r\n") - 1),
			 TOBI_E_MALFORMED);
}

static void test_http_reply_length__is_said_once_and_only_so(void **state)
{
	(void)state;
	expect(LINE "\r\n", TOBI_E_MALFORMED, "content-length");
	expect(LINE "Content-Length:\r\n\r\n", TOBI_E_MALFORMED, "content-length");
	expect(LINE "Content-Length: -1\r\n\r\n", TOBI_E_MALFORMED, "content-length");
	expect(LINE "Content-Length: +1\r\n\r\nx", TOBI_E_MALFORMED, "content-length");
	expect(LINE "Content-Length: 0x1\r\n\r\nx", TOBI_E_MALFORMED, "content-length");
	expect(LINE "Content-Length: 1, 1\r\n\r\nx", TOBI_E_MALFORMED, "content-length");
	expect(LINE "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", TOBI_E_MALFORMED,
	       "content-length");
	expect(LINE "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx",
	       TOBI_E_MALFORMED, "transfer-encoding");
	expect(LINE "transfer-encoding: identity\r\n\r\n", TOBI_E_MALFORMED,
	       "transfer-encoding");
	expect(LINE "Content-Length: 00000000001\r\n\r\nx", TOBI_E_LIMIT,
	       "content-length");
}

/* Before its bytes have come. */
static void test_http_reply_body__limit(void **state)
{
	(void)state;
	expect(LINE "Content-Length: 6\r\n\r\n", TOBI_E_TRUNCATED, "body");
	expect(LINE "Content-Length: 7\r\n\r\n", TOBI_E_LIMIT, "content-length");
	expect(LINE "Content-Length: 9999999999\r\n\r\n", TOBI_E_LIMIT, "content-length");
}

static void write_lines(struct writer *out, size_t count)
{
	*out = wr_init(1 << 20);
	wr_printf(out, LINE "Content-Length: 0\r\n");
	for (size_t i = 1; i < count; i++)
		wr_printf(out, "X: %zu\r\n", i);
	wr_printf(out, "\r\n");
}

static void test_http_reply_headers__limit(void **state)
{
	struct writer out;

	(void)state;
	write_lines(&out, LIMIT_HTTP_REPLY_LINES);
	assert_int_equal(read_bytes(out.ptr, out.size), TOBI_OK);
	wr_done(&out);
	write_lines(&out, LIMIT_HTTP_REPLY_LINES + 1);
	assert_int_equal(read_bytes(out.ptr, out.size), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "header");
	wr_done(&out);
}

/* One that never ends is not waited for. */
static void test_http_reply_head__limit(void **state)
{
	static char text[LIMIT_HTTP_REPLY_HEAD + 1];
	size_t size = sizeof(LINE) - 1;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, LINE, size);
	assert_int_equal(read_bytes(text, LIMIT_HTTP_REPLY_HEAD - 1), TOBI_E_TRUNCATED);
	assert_int_equal(read_bytes(text, LIMIT_HTTP_REPLY_HEAD), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "head");
}

static bool read_number(const char *headers, uint64_t *ret_number)
{
	char text[512];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%s\r\n",
		 headers);
	*ret_number = 77;
	assert_int_equal(read_bytes(text, strlen(text)), TOBI_OK);
	return http_reply_number((struct tobi_bytes){(const uint8_t *)text, strlen(text)},
				 "an-index", ret_number);
}

static void test_http_reply_number__is_there__is_read(void **state)
{
	uint64_t number;

	(void)state;
	assert_true(read_number("An-Index: 41\r\n", &number));
	assert_int_equal(number, 41);
	assert_true(read_number("x: 5\r\nAN-INDEX:\t0 \r\ny: 6\r\n", &number));
	assert_int_equal(number, 0);
	assert_true(read_number("an-index: 999999999999999999\r\n", &number));
	assert_int_equal(number, 999999999999999999);
}

static void test_http_reply_number__is_none__false(void **state)
{
	static const char *const wrong[] = {"",
					    "other: 4\r\n",
					    "an-index-: 4\r\n",
					    "an-index:\r\n",
					    "an-index: -1\r\n",
					    "an-index: 0x1\r\n",
					    "an-index: 1 2\r\n",
					    "an-index: 1000000000000000000\r\n",
					    "an-index: 4\r\nAn-Index: 4\r\n"};
	const char *end = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nan-index: ";
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(read_number(wrong[i], &number));
		assert_int_equal(number, 77);
	}
	/* What the body says is no header. */
	assert_false(http_reply_number(
	    (struct tobi_bytes){(const uint8_t *)end, strlen(end)}, "an-index", &number));
	assert_false(http_reply_number((struct tobi_bytes){0}, "an-index", &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_http_reply_golden__is_read),
	    cmocka_unit_test(test_http_reply_spellings__are_read),
	    cmocka_unit_test(test_http_reply_each_part_of_it__is_not_whole_yet),
	    cmocka_unit_test(test_http_reply_more_than_the_body__fails),
	    cmocka_unit_test(test_http_reply_status_line__is_strict),
	    cmocka_unit_test(test_http_reply_headers__are_strict),
	    cmocka_unit_test(test_http_reply_length__is_said_once_and_only_so),
	    cmocka_unit_test(test_http_reply_body__limit),
	    cmocka_unit_test(test_http_reply_headers__limit),
	    cmocka_unit_test(test_http_reply_head__limit),
	    cmocka_unit_test(test_http_reply_number__is_there__is_read),
	    cmocka_unit_test(test_http_reply_number__is_none__false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
