/* An agent's client of its broker, with a service and a broker that the test plays. */
#ifndef TESTS_BROKER_WORLD_H
#define TESTS_BROKER_WORLD_H

#include "tests/check.h"

#include <event2/event.h>

#include "base/fault.h"
#include "broker_client.h"
#include "tests/evidence.h"

enum { BROKER_MANY = 32 };

#define BROKER_TARGET "broker.example:8443"
#define BROKER_OK(body) "HTTP/1.1 200 OK\r\nContent-Length: " body

/* What the broker does with one request after the other. */
struct broker_answer {
	const char *bytes;     /* NULL: says nothing */
	size_t size;	       /* 0: of the text */
	bool cut;	       /* breaks off behind it */
	bool closes;	       /* ends in order behind it */
	enum tobi_err connect; /* not OK: the service cannot reach it */
};

struct broker_world {
	struct event_base *base;
	struct test_scene scene;
	struct tobi_policy *policy; /* that the scene's evidence meets */
	struct atls_endpoint here, peer;
	struct writer certificates[2];
	uint8_t broker_key[48];
	struct evidence *evidence;
	struct broker_client_setup setup;
	struct broker_client *client;
	unsigned reports; /* the service was asked for */
	/* CONNECTs, answered from the loop unless the test holds them. */
	uint64_t requests[BROKER_MANY];
	size_t asked;
	bool held;
	const struct broker_answer *answers; /* by number of CONNECT */
	size_t answer_count;
	/* The broker. */
	struct atls_conn *conns[BROKER_MANY];
	bool other_session; /* its evidence is genuine, and of another session */
	bool has_evidence;  /* of the last session, for who judges */
	char heard[BROKER_MANY][1024];
	size_t heard_size[BROKER_MANY];
	size_t sessions;
	/* What came of the calls. */
	unsigned done;
	int status;
	struct writer body;
	struct tobi_fault why;
};
extern struct broker_world world;

/* pinned, attested: what the launch config asks of the broker; the broker attests in the
 * second case. */
void broker_world_make(bool pinned, bool attested);
int broker_world_enter(void **state); /* pinned */
int broker_world_leave(void **state);
/* The client anew, after the setup was changed. */
void broker_world_renew(void);

/* As if nothing had been asked. */
void broker_world_again(void);

/* GET of a path, with room for 64 bytes. */
void broker_world_get(const char *path);
/* The service answers CONNECT n with an error, or with a way to the broker. */
void broker_world_refuse(size_t n, enum tobi_err code);
void broker_world_give(size_t n);
/* Runs the loop until the condition holds; the test fails when it never does. */
#define broker_world_until(condition)                                                    \
	do {                                                                             \
		for (int tries_ = 0; tries_ < 5000 && !(condition); tries_++)            \
			broker_world_turn();                                             \
		assert_true(condition);                                                  \
	} while (0)
void broker_world_turn(void);

#endif
