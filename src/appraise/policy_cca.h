/* What a policy asks of Arm CCA: its section cca (docs/POLICY.md). */
#ifndef TOBI_APPRAISE_POLICY_CCA_H
#define TOBI_APPRAISE_POLICY_CCA_H

#include "appraise/policy_arm.h"

struct policy_cca {
	struct policy_arm arm; /* of the platform */
	/* None: not asked. */
	struct bytes_list configs, hashes, realm_instances;
	struct tobi_bytes rems[CCA_REMS]; /* empty: not asked */
	bool private_memory;
};

/* TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_cca_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);
/* Nothing, for evidence of another kind. */
void policy_cca_owe(struct tobi_result *result);
void policy_cca_run(struct tobi_result *result, const struct tobi_policy *policy);

#endif
