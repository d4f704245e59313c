/* A build without tpm2-tss: what is in a TPM cannot be used. */
#include "root/provider.h"

const struct root_provider root_tpm_provider = {
    .kind = "tpm",
    .summary = "keys in a TPM 2.0 (not in this build)",
    .marker = "tpm.root",
};
