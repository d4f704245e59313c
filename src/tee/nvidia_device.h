/* The checks of one device: its report, chain, reference values and answers. */
#ifndef TOBI_TEE_NVIDIA_DEVICE_H
#define TOBI_TEE_NVIDIA_DEVICE_H

#include "tee/nvidia_evidence.h"
#include "tee/tee.h"

/* All of them, NULL at the end. */
extern const struct check *const nvidia_checks[];

struct nvidia_appraisal {
	const struct tee_request *request;
	const struct nvidia_material *material;
	struct checklist *list;
	/* What each device must have been asked with; empty: all with the same. */
	struct tobi_bytes nonce;
	const char *nonce_is; /* for messages */
};

/* Records the checks of devices[index], and fills in what the policy looks at. Errors:
 * TOBI_E_MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err nvidia_device_examine(const struct nvidia_appraisal *about,
						  size_t index,
						  struct nvidia_device *device,
						  struct tobi_fault *fault);
/* When all devices are done: what no document came for is not asked here. */
void nvidia_devices_finish(const struct nvidia_appraisal *about,
			   const struct nvidia_claims *claims);

#endif
