/* The keys of a platform in a TPM: making them, and what they do. */
#ifndef TOBI_ROOT_TPM_KEYS_H
#define TOBI_ROOT_TPM_KEYS_H

#include "root/tpm_objects.h"

enum tpm_key {
	TPM_KEY_PLATFORM, /* ECDSA on P-256, signs any digest */
	TPM_KEY_SEAL,	  /* HMAC-SHA-256 */
	TPM_KEY_AK,	  /* ECDSA on P-256, signs what the TPM itself says, only */
};

/* A session salted to a key of the moment: where there is no storage key. */
TOBI_MUST_USE enum tobi_err tpm_session_alone(struct tpm *tpm, struct tobi_fault *fault);
/* The storage key: the usual one when it is of use, else one of ours is made and kept. */
TOBI_MUST_USE enum tobi_err tpm_storage_make(struct tpm *tpm,
					     struct tpm_object *ret_object,
					     ESYS_TR *ret_storage,
					     struct tobi_fault *fault);
/* A key below the storage key, kept under a free handle. secret: the HMAC key itself, 32
 * bytes, when it comes from elsewhere; empty: the TPM makes it. ret_public: its
 * TPMT_PUBLIC. */
TOBI_MUST_USE enum tobi_err tpm_key_make(struct tpm *tpm, ESYS_TR storage,
					 enum tpm_key kind, struct tobi_bytes secret,
					 const uint8_t auth[static TPM_AUTH_SIZE],
					 struct tpm_object *ret_object,
					 struct tpm_blob *ret_public, ESYS_TR *ret_key,
					 struct tobi_fault *fault);

/* All of these open the TPM of the record for one command. */

/* r || s over a SHA-256 digest, appended. */
TOBI_MUST_USE enum tobi_err tpm_key_sign(const struct tpm_record *record,
					 struct tobi_bytes digest,
					 struct writer *ret_signature,
					 struct tobi_fault *fault);
/* HKDF-Expand (RFC 5869 section 2.3), 32 bytes, with the seal root as PRK. */
TOBI_MUST_USE enum tobi_err tpm_key_expand(const struct tpm_record *record,
					   struct tobi_bytes info,
					   uint8_t ret_key[static 32],
					   struct tobi_fault *fault);

/* The TPM of the record with a session salted to its storage key, and one of its objects
 * ready for use. */
TOBI_MUST_USE enum tobi_err tpm_open_object(const struct tpm_record *record,
					    const struct tpm_object *object,
					    const char *what, struct tpm *ret_tpm,
					    ESYS_TR *ret_object,
					    struct tobi_fault *fault);
/* A further object of it. */
TOBI_MUST_USE enum tobi_err tpm_use_object(struct tpm *tpm,
					   const struct tpm_record *record,
					   const struct tpm_object *object,
					   const char *what, ESYS_TR *ret_object,
					   struct tobi_fault *fault);

#endif
