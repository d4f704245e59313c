/* Appraising what was presented, under a policy, so that it is bound to who asks. */
#ifndef TOBI_BROKER_EVIDENCE_H
#define TOBI_BROKER_EVIDENCE_H

#include "appraise/appraise.h"
#include "broker/release.h"

/*
 * TOBI_OK with a result, which may refuse. Evidence that cannot be read, or that nothing
 * binds to who asks, is TOBI_E_REFUSED with the reason in the fault. TOBI_E_MEMORY and
 * _CRYPTO are the broker's own. tobi_result_free() it.
 */
TOBI_MUST_USE enum tobi_err broker_appraise(const struct tobi_policy *policy,
					    const struct tobi_collateral *collateral,
					    const struct presented *presented,
					    int64_t time, struct tobi_result **ret_result,
					    struct tobi_fault *fault);

#endif
