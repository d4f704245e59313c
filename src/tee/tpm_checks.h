/* Checks of a TPM's quote that a soft platform's token and a quote by itself both owe. */
#ifndef TOBI_TEE_TPM_CHECKS_H
#define TOBI_TEE_TPM_CHECKS_H

#include "tee/check.h"

extern const struct check tpm_check_type, tpm_check_signature, tpm_check_pcrs,
    tpm_check_ak_key, tpm_check_ak_chain;

#endif
