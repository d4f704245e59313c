/* Documents of AWS Nitro: of enclaves, and of a NitroTPM (docs/PROTOCOL.md section 14.5).
 */
#ifndef TOBI_TEE_NITRO_H
#define TOBI_TEE_NITRO_H

#include "tee/tee.h"

extern const struct tee_verifier tee_nitro;
extern const struct tee_verifier tee_nitro_tpm;

#endif
