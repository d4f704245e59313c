/* PSA attestation tokens (docs/PROTOCOL.md section 14.9). */
#ifndef TOBI_TEE_PSA_H
#define TOBI_TEE_PSA_H

#include "tee/tee.h"

extern const struct tee_verifier tee_psa;

#endif
