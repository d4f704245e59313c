/*
 * Roots of trust: who holds the platform key and the seal root. One const row for each
 * provider; "file" is the embedded default.
 */
#ifndef TOBI_ROOT_ROOT_H
#define TOBI_ROOT_ROOT_H

#include <stdbool.h>

#include "base/limits.h"
#include "codec/cose.h"
#include "pki/key.h"

struct root; /* an open root of trust */
struct root_provider;

/* Where a provider keeps its keys; the file provider needs none of these. */
struct root_options {
	const char *device;   /* tpm: a TCTI; pkcs11: the module's path */
	const char *token;    /* pkcs11: the token's label */
	const char *pin_file; /* 0600: the token's PIN, the TPM owner's authorisation */
	/* The seal root as HKDF's extract step gives it (32 bytes), to be taken over;
	 * empty: a new one is made. */
	struct tobi_bytes seal;
	uint32_t pcrs; /* tpm: bit n has PCR n quoted, beside 0 to 7 */
};

/* NULL past the end; NULL when there is none of that kind. */
const struct root_provider *root_provider_at(size_t index);
const struct root_provider *root_provider_find(const char *kind);
const char *root_provider_kind(const struct root_provider *provider);
/* One line. */
const char *root_provider_summary(const struct root_provider *provider);

/* Makes platform CA, platform certificate and seal root; the folder (0700) too. options:
 * NULL for none. TOBI_E_EXISTS when there is one already; TOBI_E_UNSUPPORTED when the
 * kind is not in this build. now: seconds since 1970. */
TOBI_MUST_USE enum tobi_err root_init(const char *folder, const char *kind,
				      const struct root_options *options, int64_t now,
				      struct tobi_fault *fault);
/* TOBI_E_NOT_FOUND when nothing was initialised; TOBI_E_DENIED when others may read a
 * file. While it is open it cannot be moved to another provider; a move that was
 * interrupted is ended first. */
TOBI_MUST_USE enum tobi_err root_open(const char *folder, struct root **ret_root,
				      struct tobi_fault *fault);
void root_free(struct root *root);

const char *root_kind(const struct root *root);
/* Where in a device the keys are, in words for people; nothing when they are files. */
void root_place(const struct root *root, struct writer *out);
/* DER, platform certificate first; borrowed. */
size_t root_chain(const struct root *root, const struct tobi_bytes **ret_certificates);
/* DER of the owner's chain for the same key; count 0 when there is none. */
size_t root_owner_chain(const struct root *root,
			const struct tobi_bytes **ret_certificates);
/* 01 || SHA-256(SPKI of the platform key). */
void root_ueid(const struct root *root, uint8_t ret_ueid[static 33]);
/* Raw ECDSA signature appended: ES384 or ES256, as the platform key is. */
TOBI_MUST_USE enum tobi_err root_sign(struct root *root, struct tobi_bytes message,
				      struct writer *ret_signature,
				      struct tobi_fault *fault);
/* HKDF-SHA-256 over the seal root, without salt. */
TOBI_MUST_USE enum tobi_err root_derive(struct root *root, struct tobi_bytes info,
					uint8_t ret_key[static 32],
					struct tobi_fault *fault);
/* The one counter of the provider's hardware, which no copy of a file turns back.
 * TOBI_E_UNSUPPORTED when it has none. */
bool root_has_counter(const struct root *root);
TOBI_MUST_USE enum tobi_err root_counter(struct root *root, bool increment,
					 uint64_t *ret_value, struct tobi_fault *fault);
/* Whether the keys can still be used: a device may go away. */
TOBI_MUST_USE enum tobi_err root_check(struct root *root, struct tobi_fault *fault);
/* A TPM's quote for a token with this nonce (32 bytes), as the token's submodule.
 * TOBI_E_UNSUPPORTED when the keys are not in a TPM. */
bool root_has_quote(const struct root *root);
TOBI_MUST_USE enum tobi_err root_quote(struct root *root, struct tobi_bytes nonce,
				       struct writer *out, struct tobi_fault *fault);
/* A request for a certificate of the TPM's attestation key, and taking a CA's answer.
 * pin_file: of the TPM's owner, or NULL. */
TOBI_MUST_USE enum tobi_err root_ak_request(struct root *root, const char *pin_file,
					    struct writer *out, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err root_ak_accept(struct root *root, const char *folder,
					   const char *pin_file,
					   struct tobi_bytes challenge,
					   struct tobi_fault *fault);
/* Whether signing opens files or devices: who closes itself in must leave that open. */
bool root_opens_files(const struct root *root);
/* The same before it is opened, and so whether opening it loads code that is not there
 * yet. false when there is no platform. */
bool root_will_open_files(const char *folder);
/* A request for an owner's CA (PEM), and taking its answer (PEM chain, leaf first), which
 * must certify the platform key. */
TOBI_MUST_USE enum tobi_err root_csr(struct root *root, struct writer *out,
				     struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err root_certify(struct root *root, const char *folder,
					 struct tobi_bytes chain_pem, int64_t now,
					 struct tobi_fault *fault);

#endif
