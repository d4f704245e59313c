/* AMD SEV and SEV-ES, without SNP (docs/PROTOCOL.md section 14.4). */
#ifndef TOBI_TEE_SEV_H
#define TOBI_TEE_SEV_H

#include "tee/tee.h"

extern const struct tee_verifier tee_sev;

#endif
