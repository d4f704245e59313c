/* Attestation results of other verifiers (EAR), as evidence: docs/PROTOCOL.md section 17.
 */
#ifndef TOBI_TEE_EAR_H
#define TOBI_TEE_EAR_H

#include "tee/tee.h"

extern const struct tee_verifier tee_ear;

#endif
