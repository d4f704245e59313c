/* What a policy asks of PSA tokens: its section psa (docs/POLICY.md). */
#ifndef TOBI_APPRAISE_POLICY_PSA_H
#define TOBI_APPRAISE_POLICY_PSA_H

#include "appraise/policy_arm.h"

struct policy_psa {
	struct policy_arm arm;
	/* None: the profiles that are known; any client, any certificate. */
	struct bytes_list profiles, certifications;
	int64_t *clients;
	size_t client_count;
	bool no_measurements; /* a device that measures nothing is allowed */
};

/* TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_psa_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);
/* Nothing, for evidence of another kind. */
void policy_psa_owe(struct tobi_result *result);
void policy_psa_run(struct tobi_result *result, const struct tobi_policy *policy);
/* Components stand for an image, which a PSA token has not. */
bool policy_psa_names(const struct tobi_policy *policy);

#endif
