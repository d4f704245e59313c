/* The attestation report of AMD SEV-SNP (docs/PROTOCOL.md section 14.3). */
#ifndef TOBI_TEE_SNP_H
#define TOBI_TEE_SNP_H

#include "tee/tee.h"

extern const struct tee_verifier tee_snp;

#endif
