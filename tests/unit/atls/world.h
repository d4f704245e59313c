/* Two connections on one loop, between real TLS ends. The client attests, with evidence
 * of a platform of the test's own, and the server appraises. */
#ifndef TESTS_UNIT_ATLS_WORLD_H
#define TESTS_UNIT_ATLS_WORLD_H

#include "tests/check.h"

#include <event2/event.h>

#include "appraise/appraise.h"
#include "atls/conn.h"
#include "tests/evidence.h"

struct end {
	struct atls_endpoint endpoint;
	struct writer certificate;
	struct test_scene *scene; /* what evidence is made of; NULL: none can be made */
	/* Makes evidence of its own kind instead; or NULL. */
	void (*attest)(struct end *end, struct tobi_bytes claims_buffer,
		       struct writer *out);
	struct atls_conn *conn;
	bool opened, closed, orderly;
	struct tobi_fault fault;
};

struct world {
	struct test_scene scene;
	struct event_base *base;
	struct tobi_policy *policy;
	struct end client, server;
	int fds[2];
};

/* A policy that the scene's evidence meets, identity any-instance. */
void world_init(struct world *world);
/* Another identity, in the policy's words. */
void world_init_as(struct world *world, const char *identity);
/* The end's leaf is another from now on (DER, taken over). */
void end_use_leaf(struct end *end, struct writer *certificate);
void world_done(struct world *world);
/* Hands fd to a new connection of this end. */
void end_start(struct end *end, struct event_base *base, int fd);
/* Lets the loop do all that there is to do. */
void turn(struct world *world);
/* The loop runs until it is so, or for so long that it never will be. */
bool eventually(struct world *world, const bool *what);

/* Of the appraisal that this connection made. */
enum tobi_outcome conn_outcome(const struct atls_conn *conn, const struct check *check);

#endif
