/* The file provider: platform key, CA key and seal root as files of mode 0600. */
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/file.h"
#include "root/folder.h"
#include "root/provider.h"

enum { SEAL_ROOT_SIZE = 32 };

static enum tobi_err save_key(const char *folder, const char *name, EVP_PKEY *key,
			      struct tobi_fault *fault)
{
	struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err = key_write_private(key, &pem, fault);

	if (!err)
		err = file_write_new(root_in_folder(folder, name).text, 0600,
				     wr_view(&pem), "platform", fault);
	wr_done(&pem);
	return err;
}

static enum tobi_err make(const char *folder, const struct root_options *options,
			  struct root *root, struct tobi_fault *fault)
{
	struct secret *seal = calloc(1, sizeof(*seal));
	enum tobi_err err;

	(void)folder;
	root->state = seal;
	if (!seal)
		return fault_set(fault, TOBI_E_MEMORY, "platform", "", "out of memory");
	if (options->seal.size)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "platform", "seal root",
				 "files take none of another provider");
	err = key_new(KEY_P256, &root->key, fault);
	if (!err)
		err = secret_new(SEAL_ROOT_SIZE, seal, fault);
	if (!err && RAND_priv_bytes(seal->ptr, SEAL_ROOT_SIZE) != 1)
		err = fault_openssl(fault, "platform", "seal root", "no random bytes");
	return err;
}

static enum tobi_err save(const char *folder, struct root *root, EVP_PKEY *ca,
			  struct tobi_fault *fault)
{
	enum tobi_err err = save_key(folder, "platform-ca.key", ca, fault);

	if (!err)
		err = file_write_new(root_in_folder(folder, "seal-root").text, 0600,
				     secret_view(root->state), "platform", fault);
	if (!err)
		err = save_key(folder, "platform.key", root->key, fault);
	return err;
}

static enum tobi_err load_key(const char *folder, struct root *root,
			      struct tobi_fault *fault)
{
	struct secret pem = {0};
	enum tobi_err err = file_read_secret(root_in_folder(folder, "platform.key").text,
					     LIMIT_PEM, "platform.key", &pem, fault);

	if (!err)
		err = key_read_private(secret_view(&pem), "platform.key", &root->key,
				       fault);
	secret_done(&pem);
	return err;
}

static enum tobi_err open_files(const char *folder, struct root *root,
				struct tobi_fault *fault)
{
	struct secret *seal = calloc(1, sizeof(*seal));
	enum tobi_err err;

	root->state = seal;
	if (!seal)
		return fault_set(fault, TOBI_E_MEMORY, "platform", "", "out of memory");
	err = load_key(folder, root, fault);
	if (!err)
		err = file_read_secret(root_in_folder(folder, "seal-root").text,
				       SEAL_ROOT_SIZE, "seal-root", seal, fault);
	if (!err && seal->size != SEAL_ROOT_SIZE)
		err = fault_set(fault, TOBI_E_TRUNCATED, "seal-root", "",
				"it has %zu bytes, not %d", seal->size, SEAL_ROOT_SIZE);
	return err;
}

static void close_files(struct root *root)
{
	if (root->state)
		secret_done(root->state);
	free(root->state);
}

static enum tobi_err derive(struct root *root, struct tobi_bytes info,
			    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	if (hkdf_sha256(secret_view(root->state), info, ret_key, 32))
		return fault_set(fault, TOBI_E_CRYPTO, "seal key", "",
				 "cannot be derived");
	return TOBI_OK;
}

/* RFC 5869, section 2.2; no salt is as many zeros as the hash has. */
static enum tobi_err take_seal(struct root *root, uint8_t ret_prk[static 32],
			       struct tobi_fault *fault)
{
	static const uint8_t salt[SHA256_SIZE];
	const struct tobi_bytes seal = secret_view(root->state);
	unsigned size = SHA256_SIZE;

	if (!HMAC(EVP_sha256(), salt, sizeof(salt), seal.ptr, seal.size, ret_prk, &size))
		return fault_openssl(fault, "platform", "seal root", "no HMAC");
	return TOBI_OK;
}

const struct root_provider root_file_provider = {
    .kind = "file",
    .summary = "keys in files of mode 0600",
    .marker = "platform.key",
    .make = make,
    .save = save,
    .open = open_files,
    .close = close_files,
    .derive = derive,
    .take_seal = take_seal,
};
