/*
 * One request on its way: read by the loop, worked on by a worker, answered by the loop.
 * It belongs to one of them at a time; only the loop looks at conn.
 */
#ifndef TOBI_DAEMONS_BROKER_JOB_H
#define TOBI_DAEMONS_BROKER_JOB_H

#include <arpa/inet.h>

#include "broker/http_head.h"
#include "broker/principal.h"
#include "pki/key.h"

struct conn;
struct attested;

struct job {
	struct job *next;  /* in a queue */
	struct conn *conn; /* NULL: who asked is gone */
	char *text;	   /* of the head; wiped, too: cookies and tokens are in it */
	size_t text_size;
	struct http_head head;
	uint8_t *body; /* wiped when it is freed, as it may be a secret */
	size_t body_size, body_got;
	char remote[INET6_ADDRSTRLEN];
	bool secure, has_client_key;
	uint8_t client_key[SHA384_SIZE];
	struct attested *attested; /* of its connection, shared; NULL: none */
	const struct broker_route *route;
	uint64_t started_us; /* its last byte is here; monotonic */
	struct broker_reply reply;
	struct principal principal; /* of a route that is not open */
	bool denied;		    /* by principal_of(): no handler saw it */
	enum tobi_err err;
	struct tobi_fault fault;
};

/* With room for a text. NULL when there is no memory. */
struct job *job_new(size_t text_size);
/* Wipes text and body. Accepts NULL. */
void job_free(struct job *job);

#endif
