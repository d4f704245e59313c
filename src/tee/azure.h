/* Confidential VMs of Azure: a virtual TPM that a paravisor keeps, and a report of
 * SEV-SNP or TDX that names its key (docs/PROTOCOL.md section 14.12). */
#ifndef TOBI_TEE_AZURE_H
#define TOBI_TEE_AZURE_H

#include "tee/tee.h"

extern const struct tee_verifier tee_azure_snp;
extern const struct tee_verifier tee_azure_tdx;

#endif
