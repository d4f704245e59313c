#include <string.h>

#include "base/fault.h"
#include "root/counters.h"
#include "root/root.h"

static enum tobi_err ask_hardware(void *context, bool increment, uint64_t *ret_value,
				  struct tobi_fault *fault)
{
	return root_counter(context, increment, ret_value, fault);
}

enum tobi_err counters_setup_of(struct root *root, const char *folder,
				struct counters_setup *ret_setup,
				struct tobi_fault *fault)
{
	struct counters_setup setup = {.folder = folder,
				       .anchor =
					   root_has_counter(root) ? ask_hardware : NULL,
				       .context = root};
	enum tobi_err err =
	    root_derive(root,
			(struct tobi_bytes){(const uint8_t *)COUNTERS_KEY_INFO,
					    sizeof(COUNTERS_KEY_INFO) - 1},
			setup.key, fault);

	if (!err)
		*ret_setup = setup;
	explicit_bzero(setup.key, sizeof(setup.key));
	return err;
}

enum tobi_err counters_make(struct root *root, const char *folder,
			    struct tobi_fault *fault)
{
	struct counters_setup setup;
	enum tobi_err err;

	if (!root_has_counter(root))
		return TOBI_OK;
	err = counters_setup_of(root, folder, &setup, fault);
	if (err)
		return err;
	err = counters_create(&setup, fault);
	explicit_bzero(setup.key, sizeof(setup.key));
	return err;
}
