/* The attestation key's certificates in the platform's folder, and the evidence that they
 * go into. */
#ifndef TOBI_ROOT_TPM_AK_H
#define TOBI_ROOT_TPM_AK_H

#include "root/tpm_activate.h"
#include "token/tpm_evidence.h"

/* ak.pem, and ak-owner.pem when there is one. */
struct tpm_ak_chains {
	struct writer bytes[TPM_EVIDENCE_CHAINS]; /* owned */
	struct tobi_bytes list[TPM_EVIDENCE_CHAINS][LIMIT_COSE_CHAIN];
	size_t sizes[TPM_EVIDENCE_CHAINS];
	size_t count;
};

TOBI_MUST_USE enum tobi_err tpm_ak_load(const char *folder,
					const struct tpm_record *record,
					struct tpm_ak_chains *ret_chains,
					struct tobi_fault *fault);
void tpm_ak_done(struct tpm_ak_chains *chains);

/* Plays host and CA in one: the AK is certified under the platform CA only after its TPM
 * has proven that it holds EK and AK. Writes ak.pem. */
TOBI_MUST_USE enum tobi_err tpm_ak_issue(const char *folder, struct tpm *tpm,
					 const struct tpm_record *record, EVP_PKEY *ca,
					 int64_t now, struct tobi_fault *fault);
/* The request to another CA. */
TOBI_MUST_USE enum tobi_err tpm_ak_request(struct tpm *tpm,
					   const struct tpm_record *record,
					   struct writer *out, struct tobi_fault *fault);
/* Its answer: writes ak-owner.pem. */
TOBI_MUST_USE enum tobi_err tpm_ak_accept(const char *folder, struct tpm *tpm,
					  const struct tpm_record *record,
					  struct tobi_bytes challenge,
					  struct tobi_fault *fault);
/* The submodule for a token with this nonce. */
TOBI_MUST_USE enum tobi_err tpm_ak_evidence(const struct tpm_record *record,
					    const struct tpm_ak_chains *chains,
					    struct tobi_bytes spki_hash,
					    struct tobi_bytes nonce, struct writer *out,
					    struct tobi_fault *fault);

#endif
