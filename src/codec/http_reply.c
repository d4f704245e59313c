#include "codec/http_reply.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"

#define OBJECT "http reply"

/* A length with more digits is over any limit. */
enum { LENGTH_DIGITS = 10, NUMBER_DIGITS = 18, VERSION_SIZE = 9, STATUS_SIZE = 3 };

struct head {
	struct tobi_bytes bytes;
	size_t at; /* of the next line */
	int status;
	bool has_length;
	uint64_t length;
};

static enum tobi_err refuse(const struct head *head, const char *field, const char *why,
			    struct tobi_fault *fault)
{
	return fault_at(fault, TOBI_E_MALFORMED, OBJECT, field, head->at, "%s", why);
}

/* The next line without its end. A lone CR, LF or zero in it is not plain. */
static enum tobi_err take_line(struct head *head, struct tobi_bytes *ret_line,
			       struct tobi_fault *fault)
{
	struct tobi_bytes rest = {head->bytes.ptr + head->at,
				  head->bytes.size - head->at};
	const uint8_t *stop = rest.size ? memchr(rest.ptr, '\r', rest.size) : NULL;
	size_t size = stop ? (size_t)(stop - rest.ptr) : rest.size;

	if (head->at + size >= LIMIT_HTTP_REPLY_HEAD)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "head",
				 "it has more than %d bytes", LIMIT_HTTP_REPLY_HEAD);
	for (size_t i = 0; i < size; i++) {
		if ((rest.ptr[i] < ' ' && rest.ptr[i] != '\t') || rest.ptr[i] > '~')
			return refuse(head, "head", "it is not plain text", fault);
	}
	if (rest.size < size + 2)
		return fault_set(fault, TOBI_E_TRUNCATED, OBJECT, "head",
				 "it ends before the empty line");
	if (rest.ptr[size + 1] != '\n')
		return refuse(head, "head", "a line's end that is none", fault);
	head->at += size + 2;
	*ret_line = (struct tobi_bytes){rest.ptr, size};
	return TOBI_OK;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 reason"; the reason may be empty, its space may not. */
static enum tobi_err read_status(struct head *head, struct tobi_fault *fault)
{
	struct tobi_bytes line = {0};
	enum tobi_err err = take_line(head, &line, fault);
	const uint8_t *digits;

	if (err)
		return err;
	if (line.size < VERSION_SIZE || memcmp(line.ptr, "HTTP/", 5) != 0)
		return refuse(head, "status", "it is no HTTP reply", fault);
	if (memcmp(line.ptr, "HTTP/1.1 ", VERSION_SIZE) != 0)
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "status",
				 "only HTTP/1.1 is spoken here");
	digits = line.ptr + VERSION_SIZE;
	if (line.size <= VERSION_SIZE + STATUS_SIZE || digits[STATUS_SIZE] != ' ')
		return refuse(head, "status", "a status is three digits", fault);
	for (size_t i = 0; i < STATUS_SIZE; i++) {
		if (!is_digit(digits[i]))
			return refuse(head, "status", "a status is three digits", fault);
		head->status = head->status * 10 + digits[i] - '0';
	}
	if (head->status < 200 || head->status > 599)
		return refuse(head, "status", "200 to 599 are answers", fault);
	return TOBI_OK;
}

static bool is_token(struct tobi_bytes text)
{
	static const char signs[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.ptr[i], small = c | 0x20;

		if (!is_digit(c) && !(small >= 'a' && small <= 'z') &&
		    !memchr(signs, c, sizeof(signs) - 1))
			return false;
	}
	return text.size > 0;
}

static bool is_named(struct tobi_bytes name, const char *wanted)
{
	return name.size == strlen(wanted) &&
	       strncasecmp((const char *)name.ptr, wanted, name.size) == 0;
}

static enum tobi_err read_length(struct head *head, struct tobi_bytes value,
				 struct tobi_fault *fault)
{
	if (head->has_length)
		return refuse(head, "content-length", "it comes twice", fault);
	if (!value.size)
		return refuse(head, "content-length", "it is no number", fault);
	head->has_length = true;
	for (size_t i = 0; i < value.size; i++) {
		if (!is_digit(value.ptr[i]))
			return refuse(head, "content-length", "it is no number", fault);
		if (i == LENGTH_DIGITS)
			return fault_set(fault, TOBI_E_LIMIT, OBJECT, "content-length",
					 "it has more than %d digits", LENGTH_DIGITS);
		head->length = head->length * 10 + (uint64_t)(value.ptr[i] - '0');
	}
	return TOBI_OK;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* False without a colon. */
static bool split_header(struct tobi_bytes line, struct tobi_bytes *ret_name,
			 struct tobi_bytes *ret_value)
{
	const uint8_t *colon = memchr(line.ptr, ':', line.size);
	struct tobi_bytes name, value;

	if (!colon)
		return false;
	name = (struct tobi_bytes){line.ptr, (size_t)(colon - line.ptr)};
	value = (struct tobi_bytes){colon + 1, line.size - name.size - 1};
	while (value.size && is_space(value.ptr[0])) {
		value.ptr++;
		value.size--;
	}
	while (value.size && is_space(value.ptr[value.size - 1]))
		value.size--;
	*ret_name = name;
	*ret_value = value;
	return true;
}

/* No space before the colon, and none at the start of a line: some join such a line to
 * the one before. */
static enum tobi_err read_header(struct head *head, struct tobi_bytes line,
				 struct tobi_fault *fault)
{
	struct tobi_bytes name, value;

	if (!split_header(line, &name, &value))
		return refuse(head, "header", "it has no colon", fault);
	if (!is_token(name))
		return refuse(head, "header", "its name is none", fault);
	if (is_named(name, "transfer-encoding"))
		return refuse(head, "transfer-encoding", "it is not spoken here", fault);
	return is_named(name, "content-length") ? read_length(head, value, fault)
						: TOBI_OK;
}

static enum tobi_err read_headers(struct head *head, struct tobi_fault *fault)
{
	struct tobi_bytes line = {0};
	enum tobi_err err;

	for (size_t count = 0;; count++) {
		err = take_line(head, &line, fault);
		if (err)
			return err;
		if (!line.size)
			break;
		if (count == LIMIT_HTTP_REPLY_LINES)
			return fault_set(fault, TOBI_E_LIMIT, OBJECT, "header",
					 "there are more than %d",
					 LIMIT_HTTP_REPLY_LINES);
		err = read_header(head, line, fault);
		if (err)
			return err;
	}
	return head->has_length ? TOBI_OK
				: refuse(head, "content-length", "it is missing", fault);
}

enum tobi_err http_reply_read(struct tobi_bytes bytes, size_t body_limit,
			      struct http_reply *ret_reply, struct tobi_fault *fault)
{
	struct head head = {.bytes = bytes};
	enum tobi_err err = read_status(&head, fault);
	size_t left;

	if (!err)
		err = read_headers(&head, fault);
	if (err)
		return err;
	left = bytes.size - head.at;
	if (head.length > body_limit)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "content-length",
				 "the body has more than %zu bytes", body_limit);
	if (left < head.length)
		return fault_set(fault, TOBI_E_TRUNCATED, OBJECT, "body",
				 "%zu of %zu bytes are there", left, (size_t)head.length);
	if (left > head.length)
		return fault_at(fault, TOBI_E_TRAILING, OBJECT, "body",
				head.at + head.length, "something follows it");
	*ret_reply =
	    (struct http_reply){head.status, {bytes.ptr + head.at, (size_t)head.length}};
	return TOBI_OK;
}

static bool read_number(struct tobi_bytes value, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!value.size || value.size > NUMBER_DIGITS)
		return false;
	for (size_t i = 0; i < value.size; i++) {
		if (!is_digit(value.ptr[i]))
			return false;
		number = 10 * number + (uint64_t)(value.ptr[i] - '0');
	}
	*ret_number = number;
	return true;
}

bool http_reply_number(struct tobi_bytes bytes, const char *wanted, uint64_t *ret_number)
{
	struct head head = {.bytes = bytes};
	struct tobi_bytes line, name, value;
	bool found = false;
	uint64_t number = 0;

	/* The status first. */
	if (take_line(&head, &line, NULL))
		return false;
	while (!take_line(&head, &line, NULL) && line.size) {
		if (!split_header(line, &name, &value) || !is_named(name, wanted))
			continue;
		if (found || !read_number(value, &number))
			return false;
		found = true;
	}
	if (found)
		*ret_number = number;
	return found;
}
