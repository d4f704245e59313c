/*
 * From a request that was read to a reply: who may call is checked, then the handler is
 * called, in a worker's thread. What can be reloaded (policy, collateral) changes while
 * no handler runs.
 */
#ifndef TOBI_DAEMONS_BROKER_DISPATCH_H
#define TOBI_DAEMONS_BROKER_DISPATCH_H

#include <pthread.h>

#include "broker/principal.h"
#include "daemons/broker/job.h"

struct dispatch {
	struct broker *broker;
	/* principal_of(), or a test's. */
	enum tobi_err (*principal)(struct broker *, const struct broker_request *,
				   struct principal *, struct tobi_fault *);
	int64_t (*now)(void);
	pthread_rwlock_t lock;
};

TOBI_MUST_USE enum tobi_err dispatch_init(struct dispatch *dispatch,
					  struct tobi_fault *fault);
void dispatch_done(struct dispatch *dispatch);
/* Fills in job->reply, whatever happens. */
void dispatch_run(struct dispatch *dispatch, struct job *job);
/* Takes the new ones in, once no handler runs; *policy and *collateral are then the old
 * ones, which nobody uses any more. */
void dispatch_swap(struct dispatch *dispatch, const struct tobi_policy **policy,
		   const struct tobi_collateral **collateral);

/* A reply of the server's own: {"type":"about:blank","status":404,"detail":"..."} (RFC
 * 9457), which clients of the key-broker protocol read, too. detail is plain text. */
void reply_problem(struct broker_reply *reply, int status, const char *detail);

#endif
