/* Whom a policy trusts: the tiers that there are, and the roots of each. */
#ifndef TOBI_APPRAISE_POLICY_ROOTS_H
#define TOBI_APPRAISE_POLICY_ROOTS_H

#include "appraise/policy.h"

struct yaml_policy;

/* In the roots alone: who may sign wrappers (CMW). No evidence is of this tier. */
#define POLICY_WRAPPERS "cmw"

/* TOBI_E_MALFORMED for a tier that there is not; the fault names those that there are. */
enum tobi_err policy_check_tier(const char *policy, const char *field, const char *tier,
				struct tobi_fault *fault);
/* PEM with one certificate or more, copied. */
enum tobi_err policy_take_pem(struct tobi_policy *policy, const char *field,
			      const char *text, struct tobi_bytes *ret_pem,
			      struct tobi_fault *fault);
/* Keys of the certificates in a PEM text. */
TOBI_MUST_USE enum tobi_err policy_pins_of(const struct tobi_policy *policy,
					   struct tobi_bytes pem,
					   struct key_pins *ret_pins,
					   struct tobi_fault *fault);
enum tobi_err policy_roots_take(struct tobi_policy *policy,
				const struct yaml_policy *yaml, struct tobi_fault *fault);
void policy_roots_done(struct tobi_policy *policy);
/* NULL when the policy names none for the tier. */
const struct policy_root *policy_root_of(const struct tobi_policy *policy,
					 const char *tier);
/* Whether evidence counts only in a wrapper that one of those has signed. */
bool policy_wants_wrapper(const struct tobi_policy *policy);
/* Whom the policy names for the tier, and nobody else; the vendors where it names none.
 */
struct key_pins policy_pins(const struct tobi_policy *policy, const char *tier);

#endif
