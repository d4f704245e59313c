/* An appraisal that accepts what a test tells it to, until the real one is linked. Weak:
 * where the real one is linked this file has no effect. */
#include <stdlib.h>

#include "appraise/appraise.h"

__attribute__((weak)) enum tobi_err appraisal_new(const struct tobi_policy *policy,
						  int64_t time,
						  struct tobi_result **ret_result,
						  struct tobi_fault *fault)
{
	struct tobi_result *result = calloc(1, sizeof(*result));

	(void)policy, (void)fault;
	result->arena = arena_init(1 << 20);
	result->list.arena = &result->arena;
	result->time = time;
	*ret_result = result;
	return TOBI_OK;
}

/* "yes" as evidence is accepted. */
__attribute__((weak)) enum tobi_err appraisal_run(struct tobi_result *result,
						  const struct tobi_policy *policy,
						  const struct appraisal_request *request,
						  struct tobi_fault *fault)
{
	(void)policy, (void)fault;
	result->verdict = request->evidence.size == 3 ? TOBI_ACCEPT : TOBI_REFUSE;
	return TOBI_OK;
}

__attribute__((weak)) enum tobi_verdict appraisal_conclude(struct tobi_result *result)
{
	for (size_t i = 0; i < result->list.count; i++) {
		if (result->list.records[i].outcome == TOBI_FAILED)
			result->verdict = TOBI_REFUSE;
	}
	return result->verdict;
}

__attribute__((weak)) enum tobi_verdict
tobi_result_verdict(const struct tobi_result *result)
{
	return result ? result->verdict : TOBI_REFUSE;
}

__attribute__((weak)) void tobi_result_free(struct tobi_result *result)
{
	if (result)
		arena_done(&result->arena);
	free(result);
}

__attribute__((weak)) const struct tee_verifier *tee_verifier_at(size_t index)
{
	static const struct tee_verifier eat = {
	    .tier = "soft", .media_type = "application/vnd.tobichi.eat"};

	return index == 0 ? &eat : NULL;
}
