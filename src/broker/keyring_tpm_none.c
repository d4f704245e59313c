#include "base/fault.h"
#include "broker/keyring_provider.h"

static enum tobi_err open_tpm(const char *place, const char *pin_file, const char *wanted,
			      struct key_provider **ret_provider,
			      struct tobi_fault *fault)
{
	(void)place;
	(void)pin_file;
	(void)wanted;
	(void)ret_provider;
	return fault_set(fault, TOBI_E_UNSUPPORTED, "keys", "",
			 "this build has no support for TPMs");
}

/* Never opened, and so without the rest. */
const struct key_provider_ops key_provider_tpm = {.kind = "tpm", .open = open_tpm};
