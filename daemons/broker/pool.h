/*
 * Workers: threads that run what may wait (the database, a key's provider). The queue
 * before them is bounded. What is done comes back to the event loop.
 */
#ifndef TOBI_DAEMONS_BROKER_POOL_H
#define TOBI_DAEMONS_BROKER_POOL_H

#include <event2/event.h>

#include "daemons/broker/job.h"

struct pool;

struct pool_setup {
	unsigned workers, queue;
	struct event_base *base;
	void (*run)(void *context, struct job *job);  /* in a worker's thread */
	void (*done)(void *context, struct job *job); /* in the loop's */
	void *context;
};

TOBI_MUST_USE enum tobi_err pool_new(const struct pool_setup *setup,
				     struct pool **ret_pool, struct tobi_fault *fault);
/* Waits for those that work, and frees what waits and what is done. Accepts NULL. */
void pool_free(struct pool *pool);
/* False when the queue is full: the job is still the caller's. */
bool pool_submit(struct pool *pool, struct job *job);
void pool_load(struct pool *pool, uint64_t *ret_waiting, uint64_t *ret_working);

#endif
