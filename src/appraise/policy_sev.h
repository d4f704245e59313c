/* What a policy asks of AMD SEV and SEV-ES: its key sev. */
#ifndef TOBI_APPRAISE_POLICY_SEV_H
#define TOBI_APPRAISE_POLICY_SEV_H

#include "appraise/policy_checks.h"
#include "appraise/policy_yaml.h"

struct policy_sev {
	const char **generations; /* count 0: any that has a trusted root */
	size_t generation_count;
	uint32_t guest_policy; /* bits that must be there: enum sev_policy */
	bool has_min_api, has_min_build;
	uint8_t min_major, min_minor, min_build;
	struct bytes_list owners; /* SHA-256 of keys; count 0: not asked */
	bool owner_required;
	bool platform_only;
};

/* Errors: TOBI_E_MALFORMED with the field; _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_sev_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);
/* Nothing, for evidence of another kind. */
void policy_sev_owe(struct tobi_result *result);
void policy_sev_run(struct tobi_result *result, const struct tobi_policy *policy);
/* Of a platform without a guest there is no image to name. */
bool policy_sev_names(const struct tobi_policy *policy);

#endif
