/* What a program asks a result for, besides its verdict and its checklist. */
#include "appraise/explain.h"

const char *tobi_result_tier(const struct tobi_result *result)
{
	return result && result->claims.tier ? result->claims.tier : "";
}

const char *tobi_result_tier_meaning(const struct tobi_result *result)
{
	return result && result->claims.tier ? explain_tier(result->claims.tier) : "";
}

const char *tobi_result_identity(const struct tobi_result *result)
{
	return result && result->identity ? result->identity : "";
}

const char *tobi_result_allowance(const struct tobi_result *result, size_t index)
{
	return result ? explain_allowance(result, index) : NULL;
}
