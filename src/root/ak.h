/*
 * The certificate of a TPM's attestation key (AK), by credential activation: the host
 * asks (request), a CA answers with a challenge whose secret only the TPM of that
 * endorsement key (EK) gives back, and only while it holds that AK; the secret opens the
 * certificate. Formats: docs/PROTOCOL.md section 7.4. None of this needs a TPM.
 */
#ifndef TOBI_ROOT_AK_H
#define TOBI_ROOT_AK_H

#include "pki/chain.h"
#include "tee/tpm_structs.h"

enum { LIMIT_AK_REQUEST = LIMIT_CERTIFICATE + 1024, LIMIT_AK_CHALLENGE = 64 << 10 };

/* Borrows. */
struct ak_request {
	struct tobi_bytes ek_certificate; /* DER; empty when the TPM has none */
	struct tobi_bytes ak_public;	  /* TPMT_PUBLIC */
};
void ak_request_write(struct writer *out, const struct ak_request *request);
TOBI_MUST_USE enum tobi_err ak_request_parse(struct tobi_bytes bytes,
					     struct ak_request *ret_request,
					     struct tobi_fault *fault);
/* The EK of a request, when its certificate chains to roots_pem at that time.
 * TOBI_E_NOT_FOUND without one: who knows the EK otherwise needs no request for it. */
TOBI_MUST_USE enum tobi_err ak_request_check(const struct ak_request *request,
					     struct tobi_bytes roots_pem, int64_t now,
					     EVP_PKEY **ret_ek, struct tobi_fault *fault);

/* Borrows. */
struct ak_challenge {
	struct tobi_bytes credential, encrypted; /* for TPM2_ActivateCredential */
	struct tobi_bytes nonce, sealed;	 /* AES-256-GCM */
};
/* Issues a certificate for the AK under a CA (whose certificates are in ca_pem, the
 * issuer first), sealed to that EK and AK. TOBI_E_UNSUPPORTED for a key that is no AK. */
TOBI_MUST_USE enum tobi_err ak_challenge_make(EVP_PKEY *ek, struct tobi_bytes ak_public,
					      struct tobi_bytes ca_pem, EVP_PKEY *ca_key,
					      int64_t now, struct writer *out,
					      struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err ak_challenge_parse(struct tobi_bytes bytes,
					       struct ak_challenge *ret_challenge,
					       struct tobi_fault *fault);
/* With the secret that the TPM gave: the AK's chain (PEM). */
TOBI_MUST_USE enum tobi_err ak_challenge_open(const struct ak_challenge *challenge,
					      struct tobi_bytes secret,
					      struct tobi_bytes ak_public,
					      struct writer *ret_pem,
					      struct tobi_fault *fault);

#endif
