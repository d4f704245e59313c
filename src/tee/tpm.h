/* The quote of a TPM 2.0 by itself: a verifier (docs/PROTOCOL.md section 14.10). */
#ifndef TOBI_TEE_TPM_H
#define TOBI_TEE_TPM_H

#include "tee/tee.h"

extern const struct tee_verifier tee_tpm;

#endif
