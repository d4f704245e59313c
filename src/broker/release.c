#include "broker/release.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/judge.h"
#include "broker/resource.h"

/* One request, from the name to the secret. */
struct asking {
	struct judging judging;
	uint64_t version; /* as it was asked for */
	struct resource_found found;
};

/* ---- 1: find ---- */

static enum tobi_err find(struct asking *asking, struct tobi_fault *fault)
{
	struct judging *judging = &asking->judging;
	const struct resource_found *found = &asking->found;
	enum tobi_err err = resource_find(judging->broker, judging->name, asking->version,
					  &asking->found, fault);

	if (err)
		return err;
	judging->version = found->exists ? found->version : asking->version;
	if (found->exists)
		bytes_copy(judging->owner, sizeof(judging->owner), found->owner,
			   sizeof(found->owner));
	return judging_find_policy(judging, fault);
}

/* ---- 2: judge ---- */

/* What does not hang on evidence. It is looked at after the appraisal, which so is done
 * whether there is such a resource or not. */
static void judge_resource(struct asking *asking)
{
	struct judging *judging = &asking->judging;
	const struct resource_found *found = &asking->found;

	if (!found->exists)
		judging_refuse(judging,
			       "there is no such resource, or not in this version");
	else if (!judging->policy)
		judging_refuse(judging, "no policy releases it");
	else if (found->expires && judging->now >= found->expires)
		judging_refuse(judging, "this version has expired");
	else if (found->releases == 0)
		judging_refuse(judging, "its releases are used up");
}

/* ---- 3 and 4, once the log has it: count, and open ---- */

static enum tobi_err open_secret(struct asking *asking, bool counted,
				 struct release *release, struct tobi_fault *fault)
{
	struct judging *judging = &asking->judging;
	struct tobi_fault second = {0};
	enum tobi_err err = resource_open(judging->broker, judging->name, &asking->found,
					  &release->secret, fault);

	if (!err) {
		release->outcome = RELEASE_GIVEN;
		release->version = asking->found.version;
		return TOBI_OK;
	}
	/* Nothing was given, so nothing is used up. */
	if (counted)
		IGNORE(resource_uncount(judging->broker, judging->name,
					asking->found.version, &second));
	if (err == TOBI_E_NOT_FOUND)
		return judging_take_back(judging, "not given: it was deleted meanwhile",
					 fault);
	IGNORE(judging_take_back(judging, "not given: it could not be opened", &second));
	return err;
}

static enum tobi_err count_and_open(struct asking *asking, struct release *release,
				    struct tobi_fault *fault)
{
	struct judging *judging = &asking->judging;
	bool counts = asking->found.releases != RESOURCE_ANY_RELEASES, taken = false;
	enum tobi_err err = TOBI_OK;

	if (counts)
		err = resource_count(judging->broker, judging->name,
				     asking->found.version, &taken, fault);
	if (err)
		return err;
	if (counts && !taken)
		return judging_take_back(
		    judging, "not given: its releases were used up meanwhile", fault);
	return open_secret(asking, counts, release, fault);
}

static enum tobi_err run(struct asking *asking, struct release *release,
			 struct tobi_fault *fault)
{
	struct judging *judging = &asking->judging;
	enum tobi_err err = find(asking, fault);

	if (!err)
		err = judging_appraise(judging, fault);
	if (err)
		return err;
	judge_resource(asking);
	err = judging_write(judging, fault);
	if (!err && judging->accepted)
		err = count_and_open(asking, release, fault);
	release->index = judging->index;
	return err;
}

enum tobi_err broker_release(struct broker *broker, const struct resource_name *name,
			     uint64_t version, const struct presented *presented,
			     struct release *ret_release, struct tobi_fault *fault)
{
	struct asking asking = {.judging = {.broker = broker,
					    .name = name,
					    .presented = presented,
					    .kind = DECISION_RELEASE,
					    .action = "release",
					    .now = broker->setup.now()},
				.version = version};
	struct release release = {.outcome = RELEASE_DENIED};
	enum tobi_err err = run(&asking, &release, fault);

	judging_done(&asking.judging);
	if (err)
		secret_done(&release.secret);
	else
		*ret_release = release;
	return err;
}
