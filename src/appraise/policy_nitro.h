/*
 * What a policy asks of documents of AWS Nitro: its sections nitro and nitro-tpm, and the
 * checks of it (docs/POLICY.md).
 */
#ifndef TOBI_APPRAISE_POLICY_NITRO_H
#define TOBI_APPRAISE_POLICY_NITRO_H

#include "appraise/appraise.h"
#include "appraise/policy_yaml.h"
#include "tee/nitro_claims.h"

/* Of one section. */
struct policy_nitro {
	struct tobi_bytes pcrs[NITRO_PCRS]; /* 48 bytes, or empty: not asked */
	/* Any of them; none: not asked. Texts, and what a PCR is when one was measured.
	 */
	struct bytes_list modules, roles, role_pcrs, instances, instance_pcrs;
	/* ptr NULL: there must be none. */
	bool asks_public_key, asks_user_data;
	struct tobi_bytes public_key, user_data;
};

extern const struct check *const policy_nitro_rows[]; /* NULL at the end */

/* Both sections. TOBI_E_MALFORMED, _MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err policy_nitro_take(struct tobi_policy *policy,
					      const struct yaml_policy *yaml,
					      struct tobi_fault *fault);
/* Owed by documents of Nitro; nothing for other evidence. */
void policy_nitro_owe(struct tobi_result *result);
void policy_nitro_run(struct tobi_result *result, const struct tobi_policy *policy);

#endif
