/* The rows that a policy and an evidence file owe. */
#ifndef TOBI_APPRAISE_POLICY_CHECKS_H
#define TOBI_APPRAISE_POLICY_CHECKS_H

#include "appraise/appraise.h"

extern const struct check *const policy_check_rows[]; /* NULL at the end */
extern const struct check *const claims_check_rows[]; /* of an evidence file */
extern const struct check check_policy_identity;

/* Owes the first, POLICY-TIER, before the evidence is examined. */
void policy_checks_owe_tier(struct tobi_result *result);
/* Owes them all, after it. */
void policy_checks_owe(struct tobi_result *result, const struct tobi_policy *policy,
		       bool in_session);
/* Records the policy's rows over the claims of the result. */
void policy_checks_run(struct tobi_result *result, const struct tobi_policy *policy);
/* Raw evidence carries the nonce itself, as what it was made over; zero bytes may follow
 * it there. */
void nonce_check_run(struct tobi_result *result, const struct tobi_policy *policy,
		     struct tobi_bytes nonce);
/* The binding of an evidence file: its claims-buffer and the caller's nonce. */
void claims_checks_run(struct tobi_result *result, const struct tobi_policy *policy,
		       struct tobi_bytes claims_buffer, struct tobi_bytes nonce);

#endif
