/* The files that `tobichi build` writes: the image, its policy, its reference values. */
#ifndef CLI_BUILD_OUTPUTS_H
#define CLI_BUILD_OUTPUTS_H

#include "image/manifest.h"
#include "pki/key.h"

struct build_outputs {
	char image[LIMIT_PATH], policy[LIMIT_PATH + 16], corim[LIMIT_PATH + 16];
};

/* image, policy: as the user named them, or NULL: by the manifest's name. Errors:
 * TOBI_E_LIMIT, and _ARGUMENT for a path that is there and no file. */
TOBI_MUST_USE enum tobi_err build_outputs_name(const char *image, const char *policy,
					       const struct manifest *manifest,
					       struct build_outputs *ret_outputs,
					       struct tobi_fault *fault);
/* The image's reference values, signed when there is a key. */
TOBI_MUST_USE enum tobi_err build_outputs_corim(const struct build_outputs *outputs,
						const struct manifest *manifest,
						const uint8_t *image_id, EVP_PKEY *key,
						struct tobi_fault *fault);

#endif
