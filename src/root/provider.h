/* What the providers of the root of trust share, and what each of them does. */
#ifndef TOBI_ROOT_PROVIDER_H
#define TOBI_ROOT_PROVIDER_H

#include "base/secret.h"
#include "pki/chain.h"
#include "pki/key_external.h"
#include "root/root.h"

struct root {
	const struct root_provider *provider;
	int use;		      /* the lock that says: it is open; -1: none */
	EVP_PKEY *key;		      /* the platform key */
	struct key_external external; /* key's, when it is in a device */
	void *state;		      /* the provider's own: whatever else it needs */
	struct writer chain_bytes, owner_bytes;
	struct tobi_bytes chain[LIMIT_COSE_CHAIN];
	size_t chain_count;
	struct tobi_bytes owner_chain[LIMIT_COSE_CHAIN];
	size_t owner_count;
	uint8_t ueid[33];
	int64_t now; /* while it is being made: seconds since 1970 */
};

struct root_provider {
	const char *kind;    /* "file" */
	const char *summary; /* one line */
	/* The file in the folder that says: this platform is of my kind, and whole. It is
	 * written last. */
	const char *marker;
	/* NULL in make and open: not in this build. */

	/* Makes platform key (root->key) and seal root, wherever they live, and state.
	 * The folder is locked. */
	enum tobi_err (*make)(const char *folder, const struct root_options *options,
			      struct root *root, struct tobi_fault *fault);
	/* After the certificates are written: the provider's files, marker last. ca: the
	 * platform CA's key, in memory; a provider may let it go. */
	enum tobi_err (*save)(const char *folder, struct root *root, EVP_PKEY *ca,
			      struct tobi_fault *fault);
	/* Finds root->key and state again. */
	enum tobi_err (*open)(const char *folder, struct root *root,
			      struct tobi_fault *fault);
	/* Frees state; NULL state is all right. The key is freed before it. */
	void (*close)(struct root *root);
	/* HKDF-SHA-256 over the seal root, without salt, 32 bytes. */
	enum tobi_err (*derive)(struct root *root, struct tobi_bytes info,
				uint8_t ret_key[static 32], struct tobi_fault *fault);
	/* NULL: there is no counter in hardware. */
	enum tobi_err (*counter)(struct root *root, bool increment, uint64_t *ret_value,
				 struct tobi_fault *fault);
	/* What HKDF's extract step makes of the seal root; wiped by the caller. NULL: it
	 * cannot leave. */
	enum tobi_err (*take_seal)(struct root *root, uint8_t ret_prk[static 32],
				   struct tobi_fault *fault);
	/* Removes the keys from the device. NULL: they are files in the folder. */
	enum tobi_err (*forget)(struct root *root, struct tobi_fault *fault);
	/* Removes what an interrupted make() has left in a device, as far as it can.
	 * NULL: it leaves nothing. */
	void (*sweep)(const char *folder);
	/* Whether the keys are there still. NULL: nothing takes them away. */
	enum tobi_err (*check)(struct root *root, struct tobi_fault *fault);
	/* NULL: no TPM. The token's submodule (tpm_evidence.h) for a nonce of 32 bytes.
	 */
	enum tobi_err (*quote)(struct root *root, struct tobi_bytes nonce,
			       struct writer *out, struct tobi_fault *fault);
	/* NULL: no TPM. The request for a certificate of its attestation key, and taking
	 * the answer. pin_file: the owner's authorisation, or NULL. */
	enum tobi_err (*ak_request)(struct root *root, const char *pin_file,
				    struct writer *out, struct tobi_fault *fault);
	enum tobi_err (*ak_accept)(struct root *root, const char *folder,
				   const char *pin_file, struct tobi_bytes challenge,
				   struct tobi_fault *fault);
	/* Which device, and what in it: for people. NULL: files in the folder. */
	void (*place)(const struct root *root, struct writer *out);
	bool opens_files; /* it opens files or devices after open() */
};

extern const struct root_provider root_file_provider;
extern const struct root_provider root_tpm_provider;
extern const struct root_provider root_pkcs11_provider;

/* Whose marker is in the folder; NULL: none of them has been here. */
const struct root_provider *root_find_marker(const char *folder);
/* What an interrupted root_make_in() has left in devices. */
void root_sweep_devices(const char *folder);
/* Of that kind, and in this build. */
TOBI_MUST_USE enum tobi_err
root_provider_usable(const char *kind, const struct root_provider **ret_provider,
		     struct tobi_fault *fault);
/* root_init() and root_open() in a folder that is there and locked by the caller. */
TOBI_MUST_USE enum tobi_err root_make_in(const char *folder,
					 const struct root_provider *provider,
					 const struct root_options *options, int64_t now,
					 struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err root_open_unlocked(const char *folder, struct root **ret_root,
					       struct tobi_fault *fault);

#endif
