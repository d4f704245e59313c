#include "broker/http_head.h"

#include <string.h>
#include <strings.h>

static int refuse(struct http_head *head, int status, const char *wrong)
{
	head->wrong = wrong;
	return status;
}

/* The next line without its end, terminated in place; NULL when its end is another. */
static char *take_line(char **at, const char *end)
{
	char *line = *at, *stop = memchr(line, '\r', (size_t)(end - line));

	if (!stop || stop + 1 >= end || stop[1] != '\n')
		return NULL;
	*stop = 0;
	*at = stop + 2;
	return line;
}

/* Of a line: what may be shown, spaces and tabs. A lone LF or CR, and a zero, are not. */
static bool is_plain(const char *line, const char *end)
{
	for (; line < end; line++) {
		if ((*line < ' ' && *line != '\t') || *line > '~')
			return false;
	}
	return true;
}

static bool is_token(const char *text)
{
	static const char signs[] = "!#$%&'*+-.^_`|~";

	if (!*text)
		return false;
	for (; *text; text++) {
		bool letter = (*text >= 'a' && *text <= 'z') ||
			      (*text >= 'A' && *text <= 'Z') ||
			      (*text >= '0' && *text <= '9');

		if (!letter && !strchr(signs, *text))
			return false;
	}
	return true;
}

static int read_method(struct http_head *head, const char *name)
{
	static const struct {
		const char *name;
		enum http_method method;
	} ours[] = {{"GET", HTTP_GET},
		    {"POST", HTTP_POST},
		    {"PUT", HTTP_PUT},
		    {"DELETE", HTTP_DELETE}};
	static const char *const others[] = {"HEAD", "OPTIONS", "PATCH", "TRACE",
					     "CONNECT"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (strcmp(name, ours[i].name) == 0) {
			head->method = ours[i].method;
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(name, others[i]) == 0)
			return refuse(head, 405, "a method that nothing here has");
	}
	return is_token(name) ? refuse(head, 501, "an unknown method")
			      : refuse(head, 400, "no method");
}

/* "HTTP/1.1" or "HTTP/1.0". */
static int read_version(struct http_head *head, const char *text)
{
	if (strcmp(text, "HTTP/1.1") == 0 || strcmp(text, "HTTP/1.0") == 0) {
		head->keep_alive = text[7] == '1';
		return 0;
	}
	if (strlen(text) == 8 && strncmp(text, "HTTP/", 5) == 0 && text[6] == '.' &&
	    strspn(text + 5, "0123456789.") == 3)
		return refuse(head, 505, "another version of HTTP");
	return refuse(head, 400, "no version of HTTP");
}

/* Exactly one space between the three parts. */
static int read_request_line(struct http_head *head, char *line, char **ret_target)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	int status;

	if (!version || strchr(line, '\t'))
		return refuse(head, 400, "no request line");
	*target++ = 0;
	*version++ = 0;
	if (strchr(version, ' ') || !*target)
		return refuse(head, 400, "no request line");
	status = read_version(head, version);
	if (!status)
		status = read_method(head, line);
	if (!status && strlen(target) > HTTP_HEAD_TARGET)
		status = refuse(head, 414, "a target that is too long");
	*ret_target = target;
	return status;
}

static void to_small(char *text)
{
	for (; *text; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + 'a' - 'A');
	}
}

/* No space before the colon, and none at the start of a line: some join such a line to
 * the one before. */
static int read_header(struct http_head *head, char *line)
{
	char *colon = strchr(line, ':'), *value, *end;

	if (!colon)
		return refuse(head, 400, "a header without a colon");
	*colon = 0;
	if (!is_token(line))
		return refuse(head, 400, "a header's name that is none");
	value = colon + 1 + strspn(colon + 1, " \t");
	for (end = value + strlen(value); end > value; end--) {
		if (end[-1] != ' ' && end[-1] != '\t')
			break;
	}
	*end = 0;
	to_small(line);
	if (http_head_find(head, line))
		return refuse(head, 400, "a header that comes twice");
	if (head->header_count == HTTP_HEAD_HEADERS)
		return refuse(head, 431, "too many headers");
	head->headers[head->header_count++] = (struct http_header){line, value};
	return 0;
}

const char *http_head_find(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->header_count; i++) {
		if (strcmp(head->headers[i].name, name) == 0)
			return head->headers[i].value;
	}
	return NULL;
}

/* Whether a list such as that of Connection has a word. */
static bool has_word(const char *list, const char *word)
{
	size_t size = strlen(word);

	while (list && *list) {
		size_t item = strcspn(list, ",");
		const char *start = list + strspn(list, " \t");
		size_t left = item - (size_t)(start - list) * (start < list + item);

		if (start < list + item && left >= size &&
		    strncasecmp(start, word, size) == 0 &&
		    strspn(start + size, " \t") >= left - size)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

/* How long the body is may be said in one way only. */
static int read_length(struct http_head *head)
{
	const char *length = http_head_find(head, "content-length");
	size_t digits = length ? strspn(length, "0123456789") : 0;

	if (http_head_find(head, "transfer-encoding"))
		return length ? refuse(head, 400, "a body with two lengths")
			      : refuse(head, 411, "a body without its length");
	if (!length)
		return 0;
	if (!digits || length[digits])
		return refuse(head, 400, "a body's length that is no number");
	if (digits > HTTP_HEAD_LENGTH_DIGITS)
		return refuse(head, 413, "a body that is too large");
	for (; *length; length++)
		head->length = 10 * head->length + (uint64_t)(*length - '0');
	return 0;
}

static int read_host(struct http_head *head, bool needed, const char **ret_host)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.-_:[]";
	const char *host = http_head_find(head, "host");

	if (!host && needed)
		return refuse(head, 400, "no Host");
	if (host && (!*host || host[strspn(host, allowed)]))
		return refuse(head, 400, "a Host that is none");
	*ret_host = host;
	return 0;
}

static int read_rest(struct http_head *head, char *target)
{
	const char *expect = http_head_find(head, "expect");
	const char *connection = http_head_find(head, "connection"), *host = NULL;
	bool newer = head->keep_alive;
	int status = read_host(head, newer, &host);

	if (!status)
		status = read_length(head);
	if (!status && expect && strcasecmp(expect, "100-continue") != 0)
		status = refuse(head, 417, "something else is expected");
	if (status)
		return status;
	head->expects_continue = expect && newer;
	head->keep_alive =
	    newer ? !has_word(connection, "close") : has_word(connection, "keep-alive");
	return http_target_read(target, host, &head->path, &head->query, &head->wrong);
}

int http_head_read(char *text, size_t size, struct http_head *ret_head)
{
	char *at = text, *end = text + size, *line, *target = NULL;
	int status;

	*ret_head = (struct http_head){.query = ""};
	line = take_line(&at, end);
	if (!line || !is_plain(line, at - 2))
		return refuse(ret_head, 400, "no request line");
	status = read_request_line(ret_head, line, &target);
	while (!status) {
		line = take_line(&at, end);
		if (!line || !is_plain(line, at - 2))
			return refuse(ret_head, 400, "a header that is not plain text");
		if (!*line)
			break;
		status = read_header(ret_head, line);
	}
	return status ? status : read_rest(ret_head, target);
}
