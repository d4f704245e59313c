/* What a policy asks of reports of Intel's retired Attestation Service: its key
 * sgx-epid. */
#ifndef TOBI_APPRAISE_POLICY_EPID_H
#define TOBI_APPRAISE_POLICY_EPID_H

#include "appraise/policy_checks.h"
#include "appraise/policy_yaml.h"

struct policy_epid {
	const char **statuses; /* beside OK */
	size_t status_count;
	const char **advisories;
	size_t advisory_count;
	const char *nonce; /* or NULL: not asked */
};

/* Errors: TOBI_E_MALFORMED with the field; _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_epid_take(struct tobi_policy *policy,
					     const struct yaml_policy *yaml,
					     struct tobi_fault *fault);
/* Nothing, for evidence of another kind. */
void policy_epid_owe(struct tobi_result *result);
void policy_epid_run(struct tobi_result *result, const struct tobi_policy *policy);

#endif
