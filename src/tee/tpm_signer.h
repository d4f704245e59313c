/*
 * Whose the key of a TPM's quote is, and who vouches for it: a certificate that goes back
 * to a root of the policy's, or the policy itself, which names the key.
 */
#ifndef TOBI_TEE_TPM_SIGNER_H
#define TOBI_TEE_TPM_SIGNER_H

#include "pki/memo.h"
#include "tee/gce_identity.h"
#include "tee/tpm_certificate.h"
#include "tee/tpm_parts.h"
#include "tee/tpm_structs.h"

/* Shared and never changed once it is made: memo_unref(&signer->head). */
struct tpm_signer {
	struct memo_value head;
	EVP_PKEY *key; /* owned; NULL: no key came */
	const struct verifying
	    *verifying; /* by it: of its own, or the policy's; or NULL */
	struct verifying own;
	uint8_t spki[SHA256_SIZE];
	bool has_public; /* as TPMT_PUBLIC: its attributes are known */
	bool is_ak;
	unsigned scheme, hash; /* of a bare signature; 0: not known */
	bool named;	       /* the policy names the key */
	bool certified;	       /* the path below holds */
	char path[320];	       /* what is wrong with it; "" */
	const char *profile;   /* what is wrong with the certificate, "" or NULL: none */
	/* What the certificate says; counts when it is certified. */
	char name[96], root[96];
	struct tpm_maker maker;
	bool has_gce, has_ek;
	struct gce_identity gce;
	uint8_t ek[SHA256_SIZE];
	/* A certificate of an endorsement key that came along. */
	bool ek_came;
	char ek_path[320]; /* what is wrong with it; "" */
	struct tpm_maker ek_maker;
	struct chain_window window;
};

/* certified: the Name of the object that a statement of TPM2_Certify is about, which is
 * not the attestation key; or empty. Errors: TOBI_E_MEMORY, _CRYPTO; _LIMIT and others
 * for a key that is none. */
TOBI_MUST_USE enum tobi_err tpm_signer_get(const struct tee_request *request,
					   const struct tpm_parts *parts,
					   struct tobi_bytes certified,
					   struct tpm_signer **ret_signer,
					   struct tobi_fault *fault);

/* Whether the public area is the object of that Name. */
bool tpm_is_named(struct tobi_bytes public, struct tobi_bytes name);

#endif
