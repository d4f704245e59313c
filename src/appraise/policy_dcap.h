/*
 * What a policy asks of platforms of Intel: the keys that its sections sgx and tdx share,
 * and the checks of them (docs/POLICY.md).
 */
#ifndef TOBI_APPRAISE_POLICY_DCAP_H
#define TOBI_APPRAISE_POLICY_DCAP_H

#include "appraise/appraise.h"
#include "appraise/policy_yaml.h"

struct policy_dcap {
	uint32_t statuses; /* bit by enum dcap_status: accepted, UpToDate always */
	bool any_advisory;
	const char **advisories; /* accepted */
	size_t advisory_count;
	uint64_t min_evaluation;
	struct bytes_list fmspc;	 /* 6 bytes each; empty: not asked */
	struct bytes_list fmspc_refused; /* 6 bytes each */
	struct bytes_list platforms;	 /* 16 bytes each; empty: not asked */
};

/* Of both sections. TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_dcap_take(struct tobi_policy *policy,
					     const struct yaml_policy *yaml,
					     struct tobi_fault *fault);
/* Owed by quotes of SGX and TDX; nothing for other evidence. */
void policy_dcap_owe(struct tobi_result *result);
void policy_dcap_run(struct tobi_result *result, const struct tobi_policy *policy);

#endif
