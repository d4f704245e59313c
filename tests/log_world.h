/* A log of decisions in the database of tests/db_world.h, and its key, made anew. */
#ifndef TESTS_LOG_WORLD_H
#define TESTS_LOG_WORLD_H

#include "broker/decision.h"
#include "tests/db_world.h"

struct log_world {
	EVP_PKEY *key, *stranger;
	uint8_t id[SHA384_SIZE]; /* of key */
	struct decision_log *log;
};

extern struct log_world log_world;

/* After db_world_argument(). Set-up and tear-down of each test. */
int log_world_enter(void **state);
int log_world_leave(void **state);
/* As when the broker starts again. */
void log_world_again(void);

/* A release at that time. */
struct decision log_world_decision(const char *owner, int64_t time);
/* That many of them, at 1000, 1001, ...; of "alice". */
void log_world_fill(unsigned count);

#endif
