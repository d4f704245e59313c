/* What a policy asks of results of other verifiers: its section ear, and the checks of it
 * (docs/POLICY.md). */
#ifndef TOBI_APPRAISE_POLICY_EAR_H
#define TOBI_APPRAISE_POLICY_EAR_H

#include "appraise/appraise.h"
#include "appraise/policy_yaml.h"
#include "token/ear.h"

struct policy_ear {
	struct bytes_list profiles, verifiers, submods, policies; /* texts */
	struct bytes_list keys; /* 32 bytes each: SHA-256 of attesters' keys */
	enum ear_tier min_status;
	bool asks[AR4SI_CLAIMS];
	enum ear_tier claims[AR4SI_CLAIMS];
	bool bearer; /* a result that is bound to nobody counts, too */
};

extern const struct check *const policy_ear_rows[]; /* NULL at the end */

TOBI_MUST_USE enum tobi_err policy_ear_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);
/* Owed by results; nothing for other evidence. */
void policy_ear_owe(struct tobi_result *result);
void policy_ear_run(struct tobi_result *result, const struct tobi_policy *policy);
/* The verifier's own policies stand for images. */
bool policy_ear_names(const struct tobi_policy *policy);

#endif
