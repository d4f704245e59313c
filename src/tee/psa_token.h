/* PSA attestation tokens: reading bytes only (docs/PROTOCOL.md section 14.9). */
#ifndef TOBI_TEE_PSA_TOKEN_H
#define TOBI_TEE_PSA_TOKEN_H

#include "tee/arm_claims.h"
#include "tee/arm_token.h"

#define PSA_PROFILE_TFM "tag:psacertified.org,2023:psa#tfm"
#define PSA_PROFILE_2 "http://arm.com/psa/2.0.0"
#define PSA_PROFILE_1 "PSA_IOT_PROFILE_1"

/* By its envelope and the labels of its claims. */
bool psa_token_is(struct tobi_bytes bytes);
/* By the labels of the oldest profile, or the profile that it names; for an unknown one
 * as RFC 9783 has it. What is wrong with the claims is in them. */
TOBI_MUST_USE enum tobi_err psa_claims_read(struct tobi_bytes payload,
					    struct arm_claims *ret_claims,
					    struct tobi_fault *fault);

#endif
