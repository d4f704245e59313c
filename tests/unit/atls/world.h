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
void world_done(struct world *world);
/* Hands fd to a new connection of this end. */
void end_start(struct end *end, struct event_base *base, int fd);
/* Lets the loop do all that there is to do. */
void turn(struct world *world);

/* Of the appraisal that this connection made. */
enum tobi_outcome conn_outcome(const struct atls_conn *conn, const struct check *check);

#endif
