#include "root/provider.h"

#include <string.h>

#include "base/fault.h"

/* Trying them in this order is how root_open() finds out what a folder holds. */
static const struct root_provider *const providers[] = {
    &root_file_provider,
    &(const struct root_provider){"tpm", "keys in a TPM 2.0 (not in this build)", NULL,
				  NULL},
    &(const struct root_provider){"pkcs11", "keys in a PKCS#11 token (not in this build)",
				  NULL, NULL},
};

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

enum tobi_err root_init(const char *folder, const char *kind, int64_t now,
			struct tobi_fault *fault)
{
	const struct root_provider *provider = root_provider_find(kind);

	if (!provider)
		return fault_set(fault, TOBI_E_ARGUMENT, "platform", "root of trust",
				 "there is no kind '%s'; use file", kind);
	if (!provider->init)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "platform", "root of trust",
				 "'%s' is not in this build; use file", kind);
	return provider->init(folder, now, fault);
}

enum tobi_err root_open(const char *folder, struct root **ret_root,
			struct tobi_fault *fault)
{
	const struct root_provider *provider;
	enum tobi_err err;

	for (size_t i = 0; (provider = root_provider_at(i)); i++) {
		if (!provider->open)
			continue;
		err = provider->open(folder, ret_root, fault);
		if (err != TOBI_E_NOT_FOUND)
			return err;
	}
	return fault_set(fault, TOBI_E_NOT_FOUND, "platform", "",
			 "there is no platform in %s; run `tobichi platform init`",
			 folder);
}

const char *root_kind(const struct root *root)
{
	return root->kind;
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
