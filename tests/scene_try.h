/* What scenes do with the evidence and the policy that they have written. */
#ifndef TESTS_SCENE_TRY_H
#define TESTS_SCENE_TRY_H

#include "base/writer.h"
#include "tests/check.h"
#include "tobichi/verify.h"

/* The evidence goes into the request; both are freed. The policy must be one, or the
 * error is the policy's. */
static inline enum tobi_err scene_try(const char *name, struct writer *yaml,
				      struct writer *evidence,
				      struct tobi_verify_request request,
				      struct tobi_result **ret_result,
				      struct tobi_fault *fault)
{
	struct tobi_policy *policy = NULL;
	enum tobi_err err;

	*ret_result = NULL;
	request.evidence = wr_view(evidence);
	err = tobi_policy_parse(wr_view(yaml), name, &policy, fault);
	if (!err)
		err = tobi_verify(policy, &request, ret_result, fault);
	tobi_policy_free(policy);
	wr_done(yaml);
	wr_done(evidence);
	return err;
}

/* The test fails when there is an error. */
static inline struct tobi_result *scene_result(enum tobi_err err,
					       struct tobi_result *result,
					       const struct tobi_fault *fault)
{
	if (err)
		fail_msg("%s: %s: %s", fault->object, fault->field, fault->message);
	return result;
}

#endif
