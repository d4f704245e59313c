/* What a policy asks of Azure's confidential VMs beside what it asks of their hardware:
 * its section azure, and the checks of it (docs/POLICY.md). */
#ifndef TOBI_APPRAISE_POLICY_AZURE_H
#define TOBI_APPRAISE_POLICY_AZURE_H

#include "appraise/appraise.h"
#include "appraise/policy_yaml.h"

struct policy_azure {
	bool secure_boot;	       /* must be on */
	bool no_console;	       /* must be off */
	struct bytes_list vms;	       /* ids in lower case; empty: not asked */
	struct bytes_list thumbprints; /* texts; empty: not asked */
	struct tobi_bytes user_data;   /* 64 bytes, or empty: not asked */
};

/* TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_azure_take(struct tobi_policy *policy,
					      const struct yaml_policy *yaml,
					      struct tobi_fault *fault);
/* Owed by evidence of Azure's; nothing for other evidence. */
void policy_azure_owe(struct tobi_result *result);
void policy_azure_run(struct tobi_result *result, const struct tobi_policy *policy);

#endif
