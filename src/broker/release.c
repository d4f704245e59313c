#include "broker/release.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/decision.h"
#include "broker/evidence.h"
#include "broker/resource.h"

enum { REASON_MAX = 600, TRIES = 3 };

/* One request, from the name to the secret. */
struct asking {
	struct broker *broker;
	const struct resource_name *name;
	const struct presented *presented;
	uint64_t version; /* as it was asked for */
	int64_t now;
	struct resource_found found;
	const struct cached_policy *policy; /* or NULL: there is none */
	struct tobi_result *result;	    /* or NULL: it could not be read */
	bool accepted;
	char reason[REASON_MAX];
};

static void refuse(struct asking *asking, const char *reason)
{
	asking->accepted = false;
	snprintf(asking->reason, sizeof(asking->reason), "%s", reason);
}

/* ---- 1: find ---- */

/* Its policy may be replaced while it is read. */
static enum tobi_err find_policy(struct asking *asking, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_E_SIGNATURE;

	for (unsigned i = 0; i < TRIES && err == TOBI_E_SIGNATURE; i++) {
		struct policy_info info;

		err = policy_find(asking->broker, asking->name, asking->found.owner,
				  &info, fault);
		if (err == TOBI_E_NOT_FOUND)
			return TOBI_OK;
		if (!err)
			err = policy_get(asking->broker, &info, &asking->policy, fault);
	}
	return err;
}

static enum tobi_err find(struct asking *asking, struct tobi_fault *fault)
{
	enum tobi_err err = resource_find(asking->broker, asking->name, asking->version,
					  &asking->found, fault);

	return err ? err : find_policy(asking, fault);
}

/* ---- 2: appraise ---- */

/* What does not hang on evidence. It is looked at after the appraisal, which so is done
 * whether there is such a resource or not. */
static void judge_resource(struct asking *asking)
{
	const struct resource_found *found = &asking->found;

	if (!found->exists)
		refuse(asking, "there is no such resource, or not in this version");
	else if (!asking->policy)
		refuse(asking, "no policy releases it");
	else if (found->expires && asking->now >= found->expires)
		refuse(asking, "this version has expired");
	else if (found->releases == 0)
		refuse(asking, "its releases are used up");
}

static enum tobi_err appraise(struct asking *asking, struct tobi_fault *fault)
{
	const struct cached_policy *stand_in =
	    asking->policy ? NULL : policy_stand_in(asking->broker);
	const struct cached_policy *used = asking->policy ? asking->policy : stand_in;
	const struct tobi_policy *policy =
	    used ? used->policy : policy_of_nothing(asking->broker);
	struct tobi_fault why = {0};
	enum tobi_err err =
	    broker_appraise(policy, asking->broker->setup.collateral, asking->presented,
			    asking->now, &asking->result, &why);

	policy_unref(asking->broker, stand_in);
	if (err && err != TOBI_E_REFUSED)
		return fault_set(fault, err, why.object, why.field, "%s", why.message);
	if (err) {
		refuse(asking, why.message);
	} else {
		refuse(asking, tobi_result_reason(asking->result));
		asking->accepted =
		    asking->policy && tobi_result_verdict(asking->result) == TOBI_ACCEPT;
	}
	judge_resource(asking);
	return TOBI_OK;
}

/* ---- 3: log ---- */

static enum tobi_err write_down(struct asking *asking, uint64_t *ret_index,
				struct tobi_fault *fault)
{
	const struct resource_found *found = &asking->found;
	char name[RESOURCE_NAME_SIZE];
	const struct decision decision = {
	    .kind = DECISION_RELEASE,
	    .time = asking->now,
	    .accepted = asking->accepted,
	    .remote = asking->presented->remote,
	    .channel = asking->presented->channel,
	    .principal = found->exists ? found->owner : NULL,
	    .resource = name,
	    .version = found->exists ? found->version : asking->version,
	    .action = "release",
	    .reason = asking->reason,
	    .evidence = asking->presented->evidence,
	    .result = asking->policy ? asking->result : NULL,
	    .policy = asking->policy ? asking->policy->text_hash : NULL};

	resource_name_write(asking->name, name);
	return decision_log_append(asking->broker->log, &decision, ret_index, fault);
}

/* ---- 4 and 5: count, and open ---- */

/* The log says that it was given: so it has to be told what became of it. */
static enum tobi_err take_back(struct asking *asking, const char *reason,
			       struct release *release, struct tobi_fault *fault)
{
	refuse(asking, reason);
	return write_down(asking, &release->index, fault);
}

static enum tobi_err open_secret(struct asking *asking, bool counted,
				 struct release *release, struct tobi_fault *fault)
{
	struct tobi_fault second = {0};
	enum tobi_err err = resource_open(asking->broker, asking->name, &asking->found,
					  &release->secret, fault);

	if (!err) {
		release->outcome = RELEASE_GIVEN;
		release->version = asking->found.version;
		return TOBI_OK;
	}
	/* Nothing was given, so nothing is used up. */
	if (counted)
		IGNORE(resource_uncount(asking->broker, asking->name,
					asking->found.version, &second));
	if (err == TOBI_E_NOT_FOUND)
		return take_back(asking, "not given: it was deleted meanwhile", release,
				 fault);
	IGNORE(take_back(asking, "not given: it could not be opened", release, &second));
	return err;
}

static enum tobi_err count_and_open(struct asking *asking, struct release *release,
				    struct tobi_fault *fault)
{
	bool counts = asking->found.releases != RESOURCE_ANY_RELEASES, taken = false;
	enum tobi_err err = TOBI_OK;

	if (counts)
		err = resource_count(asking->broker, asking->name, asking->found.version,
				     &taken, fault);
	if (err)
		return err;
	if (counts && !taken)
		return take_back(asking, "not given: its releases were used up meanwhile",
				 release, fault);
	return open_secret(asking, counts, release, fault);
}

static enum tobi_err run(struct asking *asking, struct release *release,
			 struct tobi_fault *fault)
{
	enum tobi_err err = find(asking, fault);

	if (!err)
		err = appraise(asking, fault);
	if (!err)
		err = write_down(asking, &release->index, fault);
	return !err && asking->accepted ? count_and_open(asking, release, fault) : err;
}

enum tobi_err broker_release(struct broker *broker, const struct resource_name *name,
			     uint64_t version, const struct presented *presented,
			     struct release *ret_release, struct tobi_fault *fault)
{
	struct asking asking = {.broker = broker,
				.name = name,
				.presented = presented,
				.version = version,
				.now = broker->setup.now()};
	struct release release = {.outcome = RELEASE_DENIED};
	enum tobi_err err = run(&asking, &release, fault);

	policy_unref(broker, asking.policy);
	tobi_result_free(asking.result);
	if (err)
		secret_done(&release.secret);
	else
		*ret_release = release;
	return err;
}
