/*
 * TPM2_MakeCredential without a TPM: a secret that only the TPM which holds both an
 * endorsement key and the object of a Name gives back.
 *
 * Source: TCG TPM 2.0 Library, part 1, section 24 and annexes B.10.4 and C.6.4.
 */
#ifndef TOBI_TEE_TPM_CREDENTIAL_H
#define TOBI_TEE_TPM_CREDENTIAL_H

#include "base/writer.h"
#include "pki/key.h"

enum { TPM_CREDENTIAL_SECRET = 32, TPM_CREDENTIAL_MAX = 512 };

/* endorsement_key: RSA-2048 or P-256 (with SHA-256 and AES-128, templates L-1 and L-2),
 * or P-384 (SHA-384 and AES-256, template H-3). Appends the contents of TPM2B_ID_OBJECT
 * and of TPM2B_ENCRYPTED_SECRET. */
TOBI_MUST_USE enum tobi_err
tpm_credential_make(EVP_PKEY *endorsement_key, struct tobi_bytes name,
		    struct tobi_bytes secret, struct writer *ret_credential,
		    struct writer *ret_encrypted, struct tobi_fault *fault);

#endif
