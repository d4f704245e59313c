/*
 * What was presented, judged by the policy of a name: the one way to it, whatever is
 * asked for. A secret is given out by release.h; for other purposes, a counter, a
 * certificate, there is broker_judge().
 *
 * The order is fixed: find whose the name is and its policy, appraise (under some policy
 * where there is none, so that as much is done there as elsewhere), write the decision to
 * the log, and only then act on it. What is denied and what is absent have one answer.
 */
#ifndef TOBI_BROKER_JUDGE_H
#define TOBI_BROKER_JUDGE_H

#include "broker/decision.h"
#include "broker/policies.h"
#include "broker/principal.h"
#include "broker/release.h"

enum { JUDGE_REASON_MAX = 600 };

/* Begins with what is asked; judging_done() it. */
struct judging {
	struct broker *broker;
	const struct resource_name *name;
	const struct presented *presented;
	enum decision_kind kind; /* for the log, and so is action: a literal */
	const char *action;
	int64_t now;
	uint64_t version;		    /* for the log; 0: none */
	char owner[PRINCIPAL_NAME_MAX + 1]; /* empty: nobody's */
	const struct cached_policy *policy; /* or NULL: there is none */
	struct tobi_result *result;	    /* or NULL: it could not be read */
	bool accepted;
	char reason[JUDGE_REASON_MAX];
	uint64_t index; /* of the newest decision in the log */
};
/* Steps of broker_judge(), for release.c, which looks at more in between. */
TOBI_MUST_USE enum tobi_err judging_find_policy(struct judging *judging,
						struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err judging_appraise(struct judging *judging,
					     struct tobi_fault *fault);
void judging_refuse(struct judging *judging, const char *reason);
TOBI_MUST_USE enum tobi_err judging_write(struct judging *judging,
					  struct tobi_fault *fault);
/* The log says that it was given: so it has to be told what became of it. */
TOBI_MUST_USE enum tobi_err judging_take_back(struct judging *judging, const char *reason,
					      struct tobi_fault *fault);
void judging_done(struct judging *judging);

/*
 * Called for what the policy accepts, before it is written down: may refuse it
 * (judging_refuse()), and may say more in judging->reason. An error is the broker's own.
 */
typedef enum tobi_err judge_consider(struct judging *judging, void *context,
				     struct tobi_fault *fault);
/* Whether it is accepted is in judging->accepted; the log has it, on the disk. An error
 * is the broker's own: do nothing. consider may be NULL. */
TOBI_MUST_USE enum tobi_err broker_judge(struct judging *judging,
					 judge_consider *consider, void *context,
					 struct tobi_fault *fault);

#endif
