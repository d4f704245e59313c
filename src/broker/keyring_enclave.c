/*
 * A broker inside an enclave: its agent seals store keys, so that only this image
 * ("enclave:image"), or one of the same signer and product ("enclave:",
 * "enclave:signer"), opens them, on this platform.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "broker/keyring_provider.h"
#include "tobichi/seal.h"

struct enclave_provider {
	struct key_provider provider;
	struct tobi_seal_policy policy;
};

static const struct tobi_bytes bound = {(const uint8_t *)"tobichi broker store key", 24};

static void close_enclave(struct key_provider *provider)
{
	free(provider);
}

static enum tobi_err open_enclave(const char *place, const char *pin_file,
				  const char *wanted, struct key_provider **ret_provider,
				  struct tobi_fault *fault)
{
	const bool to_image = strcmp(place, "image") == 0;
	struct enclave_provider *enclave;

	(void)pin_file;
	(void)wanted;
	if (!to_image && *place && strcmp(place, "signer") != 0)
		return fault_set(fault, TOBI_E_ARGUMENT, "keys", "",
				 "an enclave seals to enclave:image or enclave:signer");
	enclave = calloc(1, sizeof(*enclave));
	if (!enclave)
		return TOBI_E_MEMORY;
	enclave->provider.ops = &key_provider_enclave;
	enclave->policy.to = to_image ? TOBI_SEAL_TO_IMAGE : TOBI_SEAL_TO_SIGNER;
	snprintf(enclave->provider.id, sizeof(enclave->provider.id), "%s",
		 to_image ? "image" : "signer");
	*ret_provider = &enclave->provider;
	return TOBI_OK;
}

static enum tobi_err wrap(struct key_provider *provider, struct tobi_bytes plain,
			  struct writer *out, struct tobi_fault *fault)
{
	const struct enclave_provider *enclave = (struct enclave_provider *)provider;
	uint8_t *sealed = NULL;
	size_t size = 0;
	enum tobi_err err =
	    tobi_seal(&enclave->policy, plain, bound, &sealed, &size, fault);

	if (err)
		return err;
	wr_bytes(out, sealed, size);
	tobi_seal_free(sealed, size);
	return wr_err(out);
}

/* The agent tells DENIED (another image, signer) from MISMATCH (changed, another
 * platform): either way the key is lost here. */
static enum tobi_err unwrap(struct key_provider *provider, struct tobi_bytes wrapped,
			    struct secret *ret_plain, struct tobi_fault *fault)
{
	struct secret plain = {0};
	uint8_t *content = NULL;
	size_t size = 0;
	enum tobi_err err = tobi_unseal(wrapped, bound, &content, &size, fault);

	(void)provider;
	if (!err)
		err = secret_new(size, &plain, fault);
	if (!err) {
		bytes_copy(plain.ptr, plain.size, content, size);
		*ret_plain = plain;
	}
	tobi_seal_free(content, size);
	return err;
}

const struct key_provider_ops key_provider_enclave = {
    .kind = "enclave",
    .open = open_enclave,
    .close = close_enclave,
    .wrap = wrap,
    .unwrap = unwrap,
};
