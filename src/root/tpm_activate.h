/* A TPM's endorsement key (EK), its certificate, and credential activation. */
#ifndef TOBI_ROOT_TPM_ACTIVATE_H
#define TOBI_ROOT_TPM_ACTIVATE_H

#include "pki/key.h"
#include "root/ak.h"
#include "root/tpm_objects.h"

struct tpm_ek {
	ESYS_TR object; /* held */
	bool by_policy; /* its use is authorised by the endorsement hierarchy's */
	EVP_PKEY *key;	/* owned */
	struct writer certificate; /* DER; empty when its maker put none into the TPM */
};

/* The first kind of which the TPM has a certificate; without one, a P-256 key. The
 * session of tpm is started. */
TOBI_MUST_USE enum tobi_err tpm_ek_find(struct tpm *tpm, struct tpm_ek *ret_ek,
					struct tobi_fault *fault);
/* The one that a challenge with so long an encrypted secret is for: each kind of key has
 * its own length. Whether it has a certificate is not asked. */
TOBI_MUST_USE enum tobi_err tpm_ek_for(struct tpm *tpm, size_t encrypted_size,
				       struct tpm_ek *ret_ek, struct tobi_fault *fault);
/* Accepts a zeroed one. */
void tpm_ek_done(struct tpm_ek *ek);
/* The secret of a challenge for this EK and an AK, which is authorised. */
TOBI_MUST_USE enum tobi_err tpm_activate(struct tpm *tpm, const struct tpm_ek *ek,
					 ESYS_TR ak, const struct ak_challenge *challenge,
					 struct writer *ret_secret,
					 struct tobi_fault *fault);

#endif
