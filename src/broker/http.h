/*
 * What the broker's handlers see of HTTP: a request that was read whole, and a reply to
 * fill in. They know no socket: the server in daemons/broker/ calls them in a worker's
 * thread, and tests call them as they are.
 */
#ifndef TOBI_BROKER_HTTP_H
#define TOBI_BROKER_HTTP_H

#include <stdbool.h>

#include "base/writer.h"

struct broker;
struct principal;
struct presented;

enum http_method { HTTP_GET = 1, HTTP_POST = 2, HTTP_PUT = 4, HTTP_DELETE = 8 };

/* Everything is borrowed, untrusted, and without zero bytes. */
struct broker_request {
	enum http_method method;
	const char *path;  /* decoded once, UTF-8, without "//", "/./", "/../" */
	const char *query; /* as it came, without the question mark; may be empty */
	struct tobi_bytes body;
	const char *remote; /* address of the client, without its port */
	bool secure;	    /* TLS, or the broker listens inside an enclave */
	/* SHA-384 of the key of the client's TLS certificate, or NULL. */
	const uint8_t *client_key;
	int64_t now; /* seconds since 1970 */
	/* Who asks, of ROUTE_OWNER and ROUTE_ADMIN: what principal_of() said to the
	 * server, which asks it once, as a signature counts once. */
	const struct principal *principal;
	/* What the client has proven of itself in the attested TLS that this request came
	 * by (broker/release.h); NULL: it came by another channel. */
	const struct presented *presented;
	/* A header's value, NULL when it is not there; name in small letters. A header
	 * that came more than once was refused before. */
	const char *(*header)(const struct broker_request *request, const char *name);
	void *context; /* of header */
};

enum { HTTP_REPLY_HEADERS = 8 };

struct broker_reply {
	int status;		  /* 200 when a handler leaves it */
	const char *content_type; /* a literal; NULL without a body */
	struct {
		const char *name; /* a literal */
		char *value;	  /* heap, owned: broker_reply_header() */
	} headers[HTTP_REPLY_HEADERS];
	size_t header_count;
	struct writer body; /* wiped when it was sent */
	bool secret;	    /* never written to a log, and not to be cached */
};

/* TOBI_E_MEMORY, TOBI_E_LIMIT; TOBI_E_MALFORMED for a control character. */
TOBI_MUST_USE enum tobi_err broker_reply_header(struct broker_reply *reply,
						const char *name, const char *format, ...)
    TOBI_PRINTF(3, 4);
void broker_reply_done(struct broker_reply *reply);

/*
 * TOBI_OK: the reply is filled in, errors of the protocol included. Anything else is the
 * broker's own failure: the server answers 500 without details, and logs the fault.
 */
typedef enum tobi_err broker_handler(struct broker *broker,
				     const struct broker_request *request,
				     struct broker_reply *reply,
				     struct tobi_fault *fault);

/* Who may call. Checked by the server before the handler: it was forgotten otherwise.
 * What it found is the request's principal. */
enum route_access {
	ROUTE_OPEN, /* everybody; limited per address */
	/* Attested TLS alone: the request has something presented. It is judged by no
	 * policy yet: that is for the handler. */
	ROUTE_ATTESTED,
	ROUTE_OWNER, /* principal_of() (broker/principal.h) must know who asks */
	ROUTE_ADMIN, /* the same, and it must be the broker's operator */
};

struct broker_route {
	unsigned methods; /* of enum http_method */
	/* {} stands for one segment, a last {...} for one or more:
	 * "/kbs/v0/resource/{}/{}/{}". */
	const char *pattern;
	enum route_access access;
	size_t body_limit; /* 0: no body is taken */
	broker_handler *handler;
	const char *name; /* for metrics and logs */
};

/* Each part has a table; a row without a pattern ends it. */
extern const struct broker_route kbs_routes[], admin_routes[], log_routes[],
    page_routes[], direct_routes[], counter_routes[], certificate_routes[];

#endif
