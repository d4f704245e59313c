/* Evidence of Intel SGX: a quote of DCAP (docs/PROTOCOL.md, section 14.1). */
#ifndef TOBI_TEE_SGX_H
#define TOBI_TEE_SGX_H

#include "tee/tee.h"

extern const struct tee_verifier tee_sgx;

#endif
