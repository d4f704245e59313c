/*
 * A TPM's endorsement key (EK) without a certificate, as who runs the TPM gives it: AWS
 * for an instance's NitroTPM (GetInstanceTpmEkPub, formats der and tpmt).
 *
 * Source: TCG EK Credential Profile 2.5, annex B, templates L-1, L-2 and H-3.
 */
#ifndef TOBI_TEE_TPM_EK_H
#define TOBI_TEE_TPM_EK_H

#include "pki/key.h"

/* One PUBLIC KEY (PEM), SubjectPublicKeyInfo (DER), TPMT_PUBLIC or TPM2B_PUBLIC; the last
 * two must be of an endorsement key. RSA, P-256 or P-384. Errors: TOBI_E_MALFORMED,
 * _TRUNCATED, _TRAILING, _UNSUPPORTED, _LIMIT, _MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err tpm_ek_read(struct tobi_bytes bytes, EVP_PKEY **ret_key,
					struct tobi_fault *fault);

#endif
