/*
 * What a policy asks of SGX enclaves alone: its section sgx, but for what quotes of TDX
 * have too (policy_dcap.h), and the checks of it (docs/POLICY.md).
 */
#ifndef TOBI_APPRAISE_POLICY_SGX_H
#define TOBI_APPRAISE_POLICY_SGX_H

#include "appraise/appraise.h"
#include "appraise/policy_yaml.h"

struct policy_sgx {
	struct tobi_bytes family, ext_product; /* 16, or empty: not asked */
	bool asks_config_svn;
	uint64_t min_config_svn;
	uint64_t attributes; /* SGX_PROVISION_KEY, ... that the policy names */
};

/* TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_sgx_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);
/* Owed by quotes of SGX; nothing for other evidence. */
void policy_sgx_owe(struct tobi_result *result);
void policy_sgx_run(struct tobi_result *result, const struct tobi_policy *policy);
/* Each attribute that the policy names; NULL past the end. */
const char *policy_sgx_attribute(const struct policy_sgx *sgx, size_t index);
/* What the policy lets pass although it weakens the proof; NULL: nothing. */
const char *policy_sgx_allowance(const struct tobi_result *result);

#endif
