/*
 * One whole HTTP/1.1 reply (RFC 9112), read strictly: a status line, headers, and a body
 * whose length is said once, by Content-Length. Knows no socket: what has come so far is
 * read again when there is more of it.
 *
 * Refused, beside what the RFC refuses: interim replies, Transfer-Encoding of every kind,
 * line ends other than CR LF, folded lines, bytes over 0x7e, no Content-Length, two of
 * them even when they agree, and anything behind the body.
 */
#ifndef TOBI_CODEC_HTTP_REPLY_H
#define TOBI_CODEC_HTTP_REPLY_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

struct http_reply {
	int status;		/* 200 to 599 */
	struct tobi_bytes body; /* borrowed */
};

/*
 * TOBI_E_TRUNCATED: what is there is good, and not whole yet. TOBI_E_LIMIT: a head of
 * more than LIMIT_HTTP_REPLY_HEAD bytes or LIMIT_HTTP_REPLY_LINES headers, or a body of
 * more than body_limit bytes, which is known before it has come. TOBI_E_MALFORMED,
 * _TRAILING, _UNSUPPORTED (another version).
 */
TOBI_MUST_USE enum tobi_err http_reply_read(struct tobi_bytes bytes, size_t body_limit,
					    struct http_reply *ret_reply,
					    struct tobi_fault *fault);

/* The value of a header of this name, of a reply that http_reply_read() has taken: false
 * when it is not there, comes twice, or is no whole number of 1 to 18 digits. */
bool http_reply_number(struct tobi_bytes bytes, const char *name, uint64_t *ret_number);

#endif
