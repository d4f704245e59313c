#include "broker/judge.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/evidence.h"
#include "broker/owners.h"
#include "broker/resource.h"

enum { TRIES = 3 };

void judging_refuse(struct judging *judging, const char *reason)
{
	judging->accepted = false;
	snprintf(judging->reason, sizeof(judging->reason), "%s", reason);
}

/* Its policy may be replaced while it is read. */
enum tobi_err judging_find_policy(struct judging *judging, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_E_SIGNATURE;

	for (unsigned i = 0; i < TRIES && err == TOBI_E_SIGNATURE; i++) {
		struct policy_info info;

		err = policy_find(judging->broker, judging->name, judging->owner, &info,
				  fault);
		if (err == TOBI_E_NOT_FOUND)
			return TOBI_OK;
		if (!err)
			err = policy_get(judging->broker, &info, &judging->policy, fault);
	}
	return err;
}

enum tobi_err judging_appraise(struct judging *judging, struct tobi_fault *fault)
{
	struct broker *broker = judging->broker;
	const struct cached_policy *stand_in =
	    judging->policy ? NULL : policy_stand_in(broker);
	const struct cached_policy *used = judging->policy ? judging->policy : stand_in;
	const struct tobi_policy *policy =
	    used ? used->policy : policy_of_nothing(broker);
	struct tobi_fault why = {0};
	enum tobi_err err =
	    broker_appraise(policy, broker->setup.collateral, judging->presented,
			    judging->now, &judging->result, &why);

	policy_unref(broker, stand_in);
	if (err && err != TOBI_E_REFUSED)
		return fault_set(fault, err, why.object, why.field, "%s", why.message);
	if (err) {
		judging_refuse(judging, why.message);
		return TOBI_OK;
	}
	judging_refuse(judging, tobi_result_reason(judging->result));
	judging->accepted =
	    judging->policy && tobi_result_verdict(judging->result) == TOBI_ACCEPT;
	return TOBI_OK;
}

enum tobi_err judging_write(struct judging *judging, struct tobi_fault *fault)
{
	const struct cached_policy *policy = judging->policy;
	char name[RESOURCE_NAME_SIZE];
	const struct decision decision = {.kind = judging->kind,
					  .time = judging->now,
					  .accepted = judging->accepted,
					  .remote = judging->presented->remote,
					  .channel = judging->presented->channel,
					  .principal =
					      judging->owner[0] ? judging->owner : NULL,
					  .resource = name,
					  .version = judging->version,
					  .action = judging->action,
					  .reason = judging->reason,
					  .evidence = judging->presented->evidence,
					  .result = policy ? judging->result : NULL,
					  .policy = policy ? policy->text_hash : NULL};

	resource_name_write(judging->name, name);
	return decision_log_append(judging->broker->log, &decision, &judging->index,
				   fault);
}

enum tobi_err judging_take_back(struct judging *judging, const char *reason,
				struct tobi_fault *fault)
{
	judging_refuse(judging, reason);
	return judging_write(judging, fault);
}

void judging_done(struct judging *judging)
{
	policy_unref(judging->broker, judging->policy);
	tobi_result_free(judging->result);
	judging->policy = NULL;
	judging->result = NULL;
}

enum tobi_err broker_judge(struct judging *judging, judge_consider *consider,
			   void *context, struct tobi_fault *fault)
{
	enum tobi_err err = owner_of_repository(
	    judging->broker, judging->name->repository, judging->owner, fault);

	if (!err)
		err = judging_find_policy(judging, fault);
	if (!err)
		err = judging_appraise(judging, fault);
	if (err)
		return err;
	if (!judging->policy)
		judging_refuse(judging, judging->owner[0] ? "no policy allows it"
							  : "the repository is nobody's");
	if (judging->accepted && consider)
		err = consider(judging, context, fault);
	return err ? err : judging_write(judging, fault);
}
