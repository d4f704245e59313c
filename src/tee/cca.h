/* Tokens of Arm's Confidential Compute Architecture (docs/PROTOCOL.md section 14.8). */
#ifndef TOBI_TEE_CCA_H
#define TOBI_TEE_CCA_H

#include "tee/tee.h"

extern const struct tee_verifier tee_cca;

#endif
