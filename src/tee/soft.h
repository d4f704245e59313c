/* The soft tier's evidence (docs/PROTOCOL.md section 3). */
#ifndef TOBI_TEE_SOFT_H
#define TOBI_TEE_SOFT_H

#include "tee/tee.h"

extern const struct tee_verifier tee_soft;

#endif
