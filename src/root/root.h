/*
 * Roots of trust: who holds the platform key and the seal root. One const row for each
 * provider; "file" is the embedded default, "tpm" and "pkcs11" have their places.
 */
#ifndef TOBI_ROOT_ROOT_H
#define TOBI_ROOT_ROOT_H

#include "base/limits.h"
#include "codec/cose.h"
#include "pki/key.h"

struct root; /* an open root of trust */

struct root_provider {
	const char *kind;    /* "file" */
	const char *summary; /* one line */
	/* NULL in all of these: not in this build; asking for it is TOBI_E_UNSUPPORTED.
	 */
	enum tobi_err (*init)(const char *folder, int64_t now, struct tobi_fault *fault);
	enum tobi_err (*open)(const char *folder, struct root **ret_root,
			      struct tobi_fault *fault);
};

/* NULL past the end; NULL when there is none of that kind. */
const struct root_provider *root_provider_at(size_t index);
const struct root_provider *root_provider_find(const char *kind);

/* Makes platform CA, platform certificate and seal root in folder (made, 0700).
 * TOBI_E_EXISTS when there is one already. now: seconds since 1970. */
TOBI_MUST_USE enum tobi_err root_init(const char *folder, const char *kind, int64_t now,
				      struct tobi_fault *fault);
/* TOBI_E_NOT_FOUND when nothing was initialised; TOBI_E_DENIED when others may read a
 * file. */
TOBI_MUST_USE enum tobi_err root_open(const char *folder, struct root **ret_root,
				      struct tobi_fault *fault);
void root_free(struct root *root);

const char *root_kind(const struct root *root);
/* DER, platform certificate first; borrowed. */
size_t root_chain(const struct root *root, const struct tobi_bytes **ret_certificates);
/* DER of the owner's chain for the same key; count 0 when there is none. */
size_t root_owner_chain(const struct root *root,
			const struct tobi_bytes **ret_certificates);
/* 01 || SHA-256(SPKI of the platform key). */
void root_ueid(const struct root *root, uint8_t ret_ueid[static 33]);
/* Raw ECDSA signature appended (ES384). */
TOBI_MUST_USE enum tobi_err root_sign(struct root *root, struct tobi_bytes message,
				      struct writer *ret_signature,
				      struct tobi_fault *fault);
/* HKDF over the seal root. */
TOBI_MUST_USE enum tobi_err root_derive(struct root *root, struct tobi_bytes info,
					uint8_t ret_key[static 32],
					struct tobi_fault *fault);
/* A request for an owner's CA (PEM), and taking its answer (PEM chain, leaf first), which
 * must certify the platform key. */
TOBI_MUST_USE enum tobi_err root_csr(struct root *root, struct writer *out,
				     struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err root_certify(struct root *root, const char *folder,
					 struct tobi_bytes chain_pem, int64_t now,
					 struct tobi_fault *fault);

#endif
