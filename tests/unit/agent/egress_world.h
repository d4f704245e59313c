/* A program's ways out, with a service that the test plays. */
#ifndef TESTS_EGRESS_WORLD_H
#define TESTS_EGRESS_WORLD_H

#include "tests/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/fault.h"
#include "egress.h"
#include "tests/evidence.h"
#include "trust.h"

enum { WAYS = 2, PLAIN = 0, ATTESTED = 1, PATIENT = 3600 * 1000, MANY = 128 };

struct egress_world {
	struct event_base *base;
	struct test_scene scene;
	struct tobi_policy *policy;
	struct manifest manifest;
	struct atls_endpoint here, peer, ways[WAYS];
	struct writer certificate;
	struct evidence *evidence;
	struct egress *egress;
	/* What the service was asked, and not answered yet. */
	uint64_t requests[MANY];
	size_t entries[MANY], asked, most;
	size_t outstanding;
	struct tobi_fault failed;
	unsigned failures, idles;
	/* The far end of an attested way. */
	struct atls_conn *conn;
	bool opened, closed;
	struct tobi_fault why;
	char heard[64];
};
extern struct egress_world world;

/* What egress_open() has led to. */
struct egress_named {
	unsigned opened, refused;
	uint64_t number;
	int fds[2];
	struct tobi_fault why;
};
extern struct egress_named named;
/* The far end of an attested way: it attests, and answers "tell". */
extern const struct atls_events peer_events;

struct tobi_bytes text(const char *literal);
void make_with(size_t max_sessions, int64_t idle_ms);
int enter(void **state);
int leave(void **state);
int dial(size_t way);
void turn(void);
void await_asked(size_t count);
int give(size_t n);
void refuse(size_t n, enum tobi_err code);
ssize_t hear(int fd, char *ret_text, size_t room);
void assert_reset(int fd);

#endif
