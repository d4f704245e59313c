/* What a policy asks of tokens of attesters of any make: its section eat, and the checks
 * of it (docs/POLICY.md). */
#ifndef TOBI_APPRAISE_POLICY_EAT_H
#define TOBI_APPRAISE_POLICY_EAT_H

#include "appraise/appraise.h"
#include "appraise/policy_yaml.h"

struct policy_eat {
	/* Texts; empty: not asked, but of profiles the known ones count then. */
	struct bytes_list profiles, issuers, sw_names, hw_models, oem_ids, submods;
	struct bytes_list unproven; /* submodules on which nobody relies */
};

extern const struct check *const policy_eat_rows[]; /* NULL at the end */

TOBI_MUST_USE enum tobi_err policy_eat_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);
/* Owed by tokens; nothing for other evidence. */
void policy_eat_owe(struct tobi_result *result);
void policy_eat_run(struct tobi_result *result, const struct tobi_policy *policy);
/* Software or a model of hardware stands for an image. */
bool policy_eat_names(const struct tobi_policy *policy);

#endif
