/* What a policy asks of the guest around an enclave: evidence of its hardware, over the
 * same claims as the enclave's token. */
#ifndef TOBI_APPRAISE_POLICY_GUEST_H
#define TOBI_APPRAISE_POLICY_GUEST_H

#include "appraise/policy.h"

struct yaml_policy;

struct policy_guest {
	const char **tiers;
	size_t tier_count;
	struct bytes_list images; /* measurements; any of them */
	/* What the guest starts; NULL: not asked. */
	const struct policy_boot *boot;
	const struct policy_tpm *tpm;
	struct tobi_bytes pcrs[TEE_PCRS];
};

/* The section. TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_guest_take(struct tobi_policy *policy,
					      const struct yaml_policy *yaml,
					      struct tobi_fault *fault);
/* After all sections: those of them that are about what a machine starts are the guest's,
 * for an enclave has no event log. TOBI_E_MALFORMED when nothing says which guest. */
TOBI_MUST_USE enum tobi_err policy_guest_settle(struct tobi_policy *policy,
						struct tobi_fault *fault);
/* The policy that the guest's evidence must meet by itself: its tiers and measurements,
 * and the sections for its kind. It borrows all from the whole. */
struct tobi_policy policy_guest_view(const struct tobi_policy *policy);

#endif
