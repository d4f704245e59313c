#include "tee/tpm_checks.h"

#define SPEC "Tobichi protocols, sections 3.5 and 14.10"
#define TPM2 "TPM 2.0 Library, part 2"

const struct check tpm_check_type = {
    "TPM-QUOTE-TYPE", "the TPM itself made the statement, and it is a quote",
    TPM2 ", section 10.12; " SPEC,
    "Somebody signed what only looks like a quote. Do not use it."};
const struct check tpm_check_signature = {
    "TPM-QUOTE-SIGNATURE", "the attestation key signed exactly this quote",
    TPM2 ", section 11.3.4", "The quote was changed after it was signed. Do not use it."};
const struct check tpm_check_pcrs = {
    "TPM-QUOTE-PCRS", "the PCR values are those that the TPM quoted",
    TPM2 ", section 10.12.1; " SPEC,
    "The values were changed, or belong to another quote. Ask for both again."};
const struct check tpm_check_ak_key = {
    "TPM-AK-KEY",
    "the attestation key is fixed in a TPM and signs nothing but what that TPM says",
    TPM2 ", section 8.3",
    "The platform uses a key that can sign anything. Do not use it."};
const struct check tpm_check_ak_chain = {
    "TPM-AK-CHAIN",
    "the attestation key is one that the policy trusts: by its certificate, or named",
    SPEC,
    "If you trust this TPM's attestation key, add the CA that certified it to the "
    "policy, "
    "under tpm or under roots; or, of a quote by itself, the key under roots. Give its "
    "certificates with --with."};
