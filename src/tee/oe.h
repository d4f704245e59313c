/* Evidence of Open Enclave: a quote, and the claims of the program (docs/PROTOCOL.md
 * section 14.16). */
#ifndef TOBI_TEE_OE_H
#define TOBI_TEE_OE_H

#include "tee/tee.h"

extern const struct tee_verifier tee_oe_sgx;
extern const struct tee_verifier tee_oe_tdx;

#endif
