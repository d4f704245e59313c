#include "root/root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "pki/cert.h"
#include "root/certificates.h"
#include "root/counters.h"
#include "root/folder.h"
#include "root/settle.h"

DEFINE_CLEANUP(struct root *, root_free)

/* Trying them in this order is how root_open() finds out what a folder holds. */
static const struct root_provider *const providers[] = {
    &root_file_provider, &root_tpm_provider, &root_pkcs11_provider};

const struct root_provider *root_provider_at(size_t index)
{
	return index < sizeof(providers) / sizeof(providers[0]) ? providers[index] : NULL;
}

const struct root_provider *root_provider_find(const char *kind)
{
	const struct root_provider *provider;

	for (size_t i = 0; (provider = root_provider_at(i)); i++) {
		if (strcmp(provider->kind, kind) == 0)
			return provider;
	}
	return NULL;
}

const char *root_provider_kind(const struct root_provider *provider)
{
	return provider->kind;
}

const char *root_provider_summary(const struct root_provider *provider)
{
	return provider->summary;
}

const struct root_provider *root_find_marker(const char *folder)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
		/* What cannot be looked at is there: opening it says why. */
		if (providers[i]->marker &&
		    (!access(root_in_folder(folder, providers[i]->marker).text, F_OK) ||
		     errno != ENOENT))
			return providers[i];
	}
	return NULL;
}

static enum tobi_err new_root(const struct root_provider *provider,
			      struct root **ret_root, struct tobi_fault *fault)
{
	struct root *root = calloc(1, sizeof(*root));

	if (!root)
		return fault_set(fault, TOBI_E_MEMORY, "platform", "", "out of memory");
	root->provider = provider;
	root->use = -1;
	root->chain_bytes = wr_init(LIMIT_PEM);
	root->owner_bytes = wr_init(LIMIT_PEM);
	*ret_root = root;
	return TOBI_OK;
}

void root_free(struct root *root)
{
	if (!root)
		return;
	EVP_PKEY_free(root->key);
	key_external_done(&root->external);
	root->provider->close(root);
	wr_done(&root->chain_bytes);
	wr_done(&root->owner_bytes);
	fd_close(&root->use);
	free(root);
}

void root_sweep_devices(const char *folder)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
		if (providers[i]->sweep)
			providers[i]->sweep(folder);
	}
}

/* What an interrupted start left behind without a marker holds nothing that anybody
 * relies on. */
static enum tobi_err remove_leftovers(const char *folder, struct tobi_fault *fault)
{
	root_sweep_devices(folder);
	return root_wipe(folder, fault);
}

enum tobi_err root_make_in(const char *folder, const struct root_provider *provider,
			   const struct root_options *options, int64_t now,
			   struct tobi_fault *fault)
{
	CLEANUP(root_freep) struct root *root = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ca = NULL;
	enum tobi_err err = new_root(provider, &root, fault);

	if (!err)
		root->now = now;
	if (!err)
		err = key_new(KEY_P256, &ca, fault);
	if (!err)
		err = provider->make(folder, options, root, fault);
	if (!err)
		err = root_certificates_make(folder, ca, root->key, now, fault);
	if (!err)
		err = counters_make(root, folder, fault);
	if (!err)
		err = provider->save(folder, root, ca, fault);
	return err;
}

enum tobi_err root_provider_usable(const char *kind,
				   const struct root_provider **ret_provider,
				   struct tobi_fault *fault)
{
	const struct root_provider *provider = root_provider_find(kind);

	if (!provider)
		return fault_set(fault, TOBI_E_ARGUMENT, "platform", "root of trust",
				 "there is no kind '%s'; use file, tpm or pkcs11", kind);
	if (!provider->make)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "platform", "root of trust",
				 "'%s' is not in this build; use file", kind);
	*ret_provider = provider;
	return TOBI_OK;
}

static bool is_taken(const char *folder)
{
	return root_find_marker(folder) || root_is_unsettled(folder);
}

enum tobi_err root_init(const char *folder, const char *kind,
			const struct root_options *options, int64_t now,
			struct tobi_fault *fault)
{
	static const struct root_options none;
	const struct root_provider *provider = NULL;
	CLEANUP(fd_close) int lock = -1;
	enum tobi_err err = root_provider_usable(kind, &provider, fault);

	if (!err)
		err = root_folder_make(folder, fault);
	if (!err)
		err = root_folder_lock(folder, &lock, fault);
	if (err)
		return err;
	if (is_taken(folder))
		return fault_set(fault, TOBI_E_EXISTS, "platform", "",
				 "there is a platform in %s already; it is left as it is",
				 folder);
	err = remove_leftovers(folder, fault);
	return err ? err
		   : root_make_in(folder, provider, options ? options : &none, now,
				  fault);
}

/* There is a platform here, though not all of it: "not found" would be wrong. */
static enum tobi_err not_whole(const char *folder, struct tobi_fault *fault)
{
	char missing[sizeof(fault->object)];

	snprintf(missing, sizeof(missing), "%s", fault ? fault->object : "");
	return fault_set(
	    fault, TOBI_E_MALFORMED, "platform", missing,
	    "this file is missing in %s; restore it, or move the folder away "
	    "to begin anew",
	    folder);
}

static enum tobi_err no_platform(const char *folder, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_NOT_FOUND, "platform", "",
			 "there is no platform in %s; run `tobichi platform init`",
			 folder);
}

/* RFC 9711 §4.2.1.1: type RAND. */
static enum tobi_err name_it(struct root *root, struct tobi_fault *fault)
{
	root->ueid[0] = 1;
	return key_spki_sha256(root->key, root->ueid + 1, fault);
}

enum tobi_err root_open_unlocked(const char *folder, struct root **ret_root,
				 struct tobi_fault *fault)
{
	CLEANUP(root_freep) struct root *root = NULL;
	const struct root_provider *provider = root_find_marker(folder);
	enum tobi_err err;

	if (!provider)
		return no_platform(folder, fault);
	if (!provider->open)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "platform", "root of trust",
				 "the keys of %s are in '%s', which is not in this build",
				 folder, provider->kind);
	err = new_root(provider, &root, fault);
	if (!err)
		err = provider->open(folder, root, fault);
	if (!err)
		err = name_it(root, fault);
	if (!err)
		err = root_certificates_load(folder, root, fault);
	if (err == TOBI_E_NOT_FOUND)
		return not_whole(folder, fault);
	if (!err)
		*ret_root = TAKE(root);
	return err;
}

/* A migration that was interrupted is ended first, by who can have the folder alone. */
static enum tobi_err share_settled(const char *folder, int *ret_lock,
				   struct tobi_fault *fault)
{
	for (;;) {
		CLEANUP(fd_close) int lock = -1;
		bool left = false;
		enum tobi_err err = root_folder_share(folder, ret_lock, fault);

		if (err || !root_is_unsettled(folder))
			return err;
		fd_close(ret_lock);
		err = root_folder_lock(folder, &lock, fault);
		if (!err)
			err = root_settle(folder, &left, fault);
		if (err)
			return err;
	}
}

enum tobi_err root_open(const char *folder, struct root **ret_root,
			struct tobi_fault *fault)
{
	CLEANUP(root_freep) struct root *root = NULL;
	CLEANUP(fd_close) int lock = -1;
	enum tobi_err err = root_folder_check(folder, fault);

	if (err == TOBI_E_NOT_FOUND)
		return no_platform(folder, fault);
	if (!err)
		err = share_settled(folder, &lock, fault);
	if (!err)
		err = root_open_unlocked(folder, &root, fault);
	if (!err)
		err = root_folder_use(folder, false, &root->use, fault);
	if (!err)
		*ret_root = TAKE(root);
	return err;
}

const char *root_kind(const struct root *root)
{
	return root->provider->kind;
}

void root_place(const struct root *root, struct writer *out)
{
	if (root->provider->place)
		root->provider->place(root, out);
}

bool root_opens_files(const struct root *root)
{
	return root->provider->opens_files;
}

bool root_will_open_files(const char *folder)
{
	const struct root_provider *provider = root_find_marker(folder);

	return provider && provider->opens_files;
}

size_t root_chain(const struct root *root, const struct tobi_bytes **ret_certificates)
{
	*ret_certificates = root->chain;
	return root->chain_count;
}

size_t root_owner_chain(const struct root *root,
			const struct tobi_bytes **ret_certificates)
{
	*ret_certificates = root->owner_chain;
	return root->owner_count;
}

void root_ueid(const struct root *root, uint8_t ret_ueid[static 33])
{
	bytes_copy(ret_ueid, 33, root->ueid, sizeof(root->ueid));
}

enum tobi_err root_sign(struct root *root, struct tobi_bytes message,
			struct writer *ret_signature, struct tobi_fault *fault)
{
	struct cose_signer signer;
	enum tobi_err err = cose_signer_for_key(root->key, &signer, fault);

	root->external.fault = (struct tobi_fault){0};
	if (!err)
		err = signer.sign(signer.context, message, ret_signature, fault);
	/* The device's own reason says more than "cannot sign". */
	if (err && fault && root->external.fault.code)
		*fault = root->external.fault;
	return err && root->external.fault.code ? root->external.fault.code : err;
}

enum tobi_err root_derive(struct root *root, struct tobi_bytes info,
			  uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	return root->provider->derive(root, info, ret_key, fault);
}

bool root_has_counter(const struct root *root)
{
	return root->provider->counter != NULL;
}

enum tobi_err root_counter(struct root *root, bool increment, uint64_t *ret_value,
			   struct tobi_fault *fault)
{
	if (!root->provider->counter)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "platform", "counter",
				 "keys of kind '%s' have no counter in hardware",
				 root->provider->kind);
	return root->provider->counter(root, increment, ret_value, fault);
}

enum tobi_err root_check(struct root *root, struct tobi_fault *fault)
{
	return root->provider->check ? root->provider->check(root, fault) : TOBI_OK;
}

bool root_has_quote(const struct root *root)
{
	return root->provider->quote != NULL;
}

static enum tobi_err no_tpm(const struct root *root, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_UNSUPPORTED, "platform", "TPM",
			 "the keys are of kind '%s', not in a TPM", root->provider->kind);
}

enum tobi_err root_quote(struct root *root, struct tobi_bytes nonce, struct writer *out,
			 struct tobi_fault *fault)
{
	return root->provider->quote ? root->provider->quote(root, nonce, out, fault)
				     : no_tpm(root, fault);
}

enum tobi_err root_ak_request(struct root *root, const char *pin_file, struct writer *out,
			      struct tobi_fault *fault)
{
	return root->provider->ak_request
		   ? root->provider->ak_request(root, pin_file, out, fault)
		   : no_tpm(root, fault);
}

enum tobi_err root_ak_accept(struct root *root, const char *folder, const char *pin_file,
			     struct tobi_bytes challenge, struct tobi_fault *fault)
{
	return root->provider->ak_accept
		   ? root->provider->ak_accept(root, folder, pin_file, challenge, fault)
		   : no_tpm(root, fault);
}

enum tobi_err root_csr(struct root *root, struct writer *out, struct tobi_fault *fault)
{
	char name[64] = "";
	enum tobi_err err =
	    root_name_for(root->key, "platform", name, sizeof(name), fault);

	return err ? err : cert_make_csr(root->key, name, out, fault);
}

/* The owner's CA is this host's own choice: its last certificate is the anchor here. What
 * a relying party trusts is in its own policy. */
enum tobi_err root_certify(struct root *root, const char *folder,
			   struct tobi_bytes chain_pem, int64_t now,
			   struct tobi_fault *fault)
{
	struct writer bytes = wr_init(LIMIT_PEM), anchor = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *leaf = NULL;
	size_t count = 0;
	enum tobi_err err = chain_read_pem(chain_pem, "owner's chain", &bytes, list,
					   LIMIT_COSE_CHAIN, &count, fault);

	if (!err && count < 2)
		err = fault_set(
		    fault, TOBI_E_MALFORMED, "owner's chain", "",
		    "it needs the platform's certificate first, then those of the CA");
	if (!err)
		err = chain_write_pem(list[count - 1], &anchor, fault);
	if (!err) {
		struct chain_request request = {list, count,	      wr_view(&anchor),
						now,  CHAIN_PLATFORM, NULL};

		err = chain_verify(&request, "owner's chain", &leaf, fault);
	}
	if (!err && EVP_PKEY_eq(leaf, root->key) != 1)
		err = fault_set(fault, TOBI_E_MISMATCH, "owner's chain", "certificate 0",
				"it certifies another key than this platform's");
	if (!err)
		err = file_write(root_in_folder(folder, "owner.pem").text, 0600,
				 chain_pem, "owner's chain", fault);
	wr_done(&bytes);
	wr_done(&anchor);
	return err;
}
