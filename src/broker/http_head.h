/*
 * The head of an HTTP/1.1 request (RFC 9112), read strictly: what two programs could read
 * in two ways is refused, so that nothing before this one (a proxy, a filter) and this
 * one ever see two different requests. Knows no socket.
 *
 * Refused, beside what the RFC refuses: line ends other than CR LF, folded lines, bytes
 * over 0x7e, any header that comes twice, Transfer-Encoding of every kind, empty
 * segments, dot segments, encoded slashes.
 */
#ifndef TOBI_BROKER_HTTP_HEAD_H
#define TOBI_BROKER_HTTP_HEAD_H

#include "broker/http.h"

enum {
	HTTP_HEAD_HEADERS = 64,
	HTTP_HEAD_TARGET = 4096,
	/* Content-Length with more digits is over any limit. */
	HTTP_HEAD_LENGTH_DIGITS = 15,
};

struct http_header {
	const char *name; /* in small letters */
	const char *value;
};

/* Everything points into the text that was read. */
struct http_head {
	enum http_method method;
	char *path; /* as struct broker_request says */
	const char *query;
	struct http_header headers[HTTP_HEAD_HEADERS];
	size_t header_count;
	uint64_t length; /* of the body */
	bool keep_alive;
	bool expects_continue;
	const char *wrong; /* what was refused, for the log: a literal */
};

/*
 * text is the head with the empty line at its end, and is changed; a zero byte follows
 * it. 0, or the status to refuse with: 400, 405 (a method that nobody here has), 411,
 * 414, 417, 431, 501, 505. After a refusal the connection cannot be used on: nobody knows
 * where the next request starts.
 */
int http_head_read(char *text, size_t size, struct http_head *ret_head);
/* NULL when it is not there. */
const char *http_head_find(const struct http_head *head, const char *name);
/* The path of a target, in place: 0 or 400. *ret_query is what follows the question mark.
 * Of the absolute form the authority must be the host's. host may be NULL. */
int http_target_read(char *target, const char *host, char **ret_path,
		     const char **ret_query, const char **ret_wrong);

#endif
