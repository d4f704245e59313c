#include "broker/keyring_provider.h"

#include <string.h>

#include "base/fault.h"

static const struct key_provider_ops *const providers[] = {
    &key_provider_file, &key_provider_pkcs11, &key_provider_tpm, &key_provider_vault,
    &key_provider_enclave};

enum { PROVIDERS = sizeof(providers) / sizeof(providers[0]) };

const struct key_provider_ops *key_provider_find(const char *location,
						 const char **ret_place)
{
	for (size_t i = 0; i < PROVIDERS; i++) {
		const size_t size = strlen(providers[i]->kind);

		if (!strncmp(location, providers[i]->kind, size) &&
		    location[size] == ':') {
			*ret_place = location + size + 1;
			return providers[i];
		}
	}
	return NULL;
}

static enum tobi_err unknown(struct tobi_fault *fault)
{
	struct writer kinds = wr_init(128);

	for (size_t i = 0; i < PROVIDERS; i++)
		wr_printf(&kinds, "%s%s:", i ? ", " : "", providers[i]->kind);
	fault_set(fault, TOBI_E_ARGUMENT, "keys", "",
		  "a place of keys starts with one of %.*s", (int)kinds.size,
		  (const char *)kinds.ptr);
	wr_done(&kinds);
	return TOBI_E_ARGUMENT;
}

enum tobi_err key_provider_open(const char *location, const char *pin_file,
				const char *wanted, struct key_provider **ret_provider,
				struct tobi_fault *fault)
{
	const char *place = NULL;
	const struct key_provider_ops *ops = key_provider_find(location, &place);
	struct key_provider *provider = NULL;
	enum tobi_err err;

	if (!ops)
		return unknown(fault);
	err = ops->open(place, pin_file, wanted, &provider, fault);
	if (err)
		return err;
	if (wanted && strcmp(provider->id, wanted) != 0) {
		err = fault_set(fault, TOBI_E_MISMATCH, "keys", "",
				"%.100s has the wrap key %.100s", location, provider->id);
		key_provider_close(provider);
		return err;
	}
	*ret_provider = provider;
	return TOBI_OK;
}

void key_provider_close(struct key_provider *provider)
{
	if (provider)
		provider->ops->close(provider);
}
