/* The target of a request: its path is decoded once, and has one spelling only. */
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "base/utf8.h"
#include "broker/http_head.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of "%XX"; -1 for another form, and for a zero. */
static int escaped(const char *at)
{
	int high = digit_of(at[1]), low = high < 0 ? -1 : digit_of(at[2]);

	return low < 0 || (high == 0 && low == 0) ? -1 : 16 * high + low;
}

/* An encoded slash would be one to some, and none to others: it is nobody's here. */
static const char *decode(char *path)
{
	char *out = path;

	for (const char *in = path; *in; in++) {
		int byte = (unsigned char)*in;

		if (byte == '%') {
			byte = escaped(in);
			if (byte < 0)
				return "a broken escape in the path";
			if (byte == '/')
				return "an encoded slash in the path";
			in += 2;
		}
		if (byte == '\\')
			return "a backslash in the path";
		*out++ = (char)byte;
	}
	*out = 0;
	return utf8_is_text(bytes_of_text(path)) ? NULL : "a path that is not text";
}

static const char *check_segments(const char *path)
{
	for (const char *at = path; *at;) {
		size_t size = strcspn(at + 1, "/");

		if (size == 0 && at[1])
			return "an empty segment in the path";
		if ((size == 1 && at[1] == '.') ||
		    (size == 2 && at[1] == '.' && at[2] == '.'))
			return "a dot segment in the path";
		at += 1 + size;
	}
	return NULL;
}

/* Escapes stay as they are, but must be some. */
static const char *check_query(const char *query)
{
	for (; *query; query++) {
		if (*query == '%' && escaped(query) < 0)
			return "a broken escape in the query";
	}
	return NULL;
}

/* "http://host/path" is the same as "/path" for that host. */
static char *after_authority(char *target, const char *host)
{
	size_t scheme = strncasecmp(target, "http://", 7) == 0	  ? 7
			: strncasecmp(target, "https://", 8) == 0 ? 8
								  : 0;
	size_t size = strcspn(target + scheme, "/?");

	if (!scheme || !host || strlen(host) != size ||
	    strncasecmp(target + scheme, host, size) != 0 || target[scheme + size] != '/')
		return NULL;
	return target + scheme + size;
}

int http_target_read(char *target, const char *host, char **ret_path,
		     const char **ret_query, const char **ret_wrong)
{
	char *path = target[0] == '/' ? target : after_authority(target, host);
	const char *query = "", *wrong = NULL;
	char *mark;

	if (!path) {
		*ret_wrong = "a target that is no path of this host";
		return 400;
	}
	if (strchr(path, '#'))
		wrong = "a fragment in the target";
	mark = strchr(path, '?');
	if (mark) {
		*mark = 0;
		query = mark + 1;
		wrong = wrong ? wrong : check_query(query);
	}
	wrong = wrong ? wrong : decode(path);
	wrong = wrong ? wrong : check_segments(path);
	if (wrong) {
		*ret_wrong = wrong;
		return 400;
	}
	*ret_path = path;
	*ret_query = query;
	return 0;
}
