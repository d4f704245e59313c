/*
 * One document over HTTP, by libcurl, which is loaded when it is first needed: most
 * commands, `tobichi verify` first, never are a client of anything.
 *
 * HTTPS only, except to this host itself; no redirect is followed; what is received is
 * bounded while it comes, and so is the time.
 */
#ifndef TOBI_COLLATERAL_HTTP_H
#define TOBI_COLLATERAL_HTTP_H

#include <stdbool.h>

#include "base/writer.h"
#include "tobichi/error.h"

struct http_client;

struct http_settings {
	const char *ca_file; /* PEM; NULL: the system's */
	/* All tries of one document together, and the waits between them. */
	unsigned timeout_ms;
	unsigned tries;
};

/* http_client_free() it. Errors: TOBI_E_NOT_FOUND when there is no libcurl. */
TOBI_MUST_USE enum tobi_err http_client_new(const struct http_settings *settings,
					    struct http_client **ret_client,
					    struct tobi_fault *fault);
void http_client_free(struct http_client *client);

enum { HTTP_TYPES_MAX = 6, HTTP_LINES_MAX = 4 };

struct http_request {
	const char *url;
	size_t ceiling;			   /* of the body */
	const char *types[HTTP_TYPES_MAX]; /* content types that will do; NULL ends */
	/* A header that must come, and be kept: its name, or NULL; and another that it
	 * had before. */
	const char *header, *old_header;
	const char *lines[HTTP_LINES_MAX]; /* headers to send, whole; NULL ends */
	struct tobi_bytes body;		   /* not empty: POST */
	const char *method;		   /* another one: "PUT"; or NULL */
	/* An answer is one whatever its status says, once no other try is made; it may be
	 * empty. */
	bool any_status;
	/* The service that a cloud has for its guests, at an address that is the same in
	 * each and leads no further than the host: it may be asked by http, too. */
	bool of_this_host;
};

struct http_answer {
	struct writer body, header; /* the header's value */
	long status;
};
void http_answer_done(struct http_answer *answer);

/*
 * GET, or POST. 429 and 5xx, and connections that break, are tried again: after as many
 * seconds as the server asks for, else after ever longer waits, as long as time and tries
 * are left. Errors: TOBI_E_ARGUMENT (an address that is not allowed), _NOT_FOUND (404,
 * 410), _LIMIT (too large), _TIMEOUT, _PROTOCOL (all else that a server did wrong),
 * _SYSTEM (it cannot be reached), _MEMORY.
 */
TOBI_MUST_USE enum tobi_err http_get(struct http_client *client,
				     const struct http_request *request,
				     struct http_answer *ret_answer,
				     struct tobi_fault *fault);

#endif
