/* The ready policy that `tobichi build` writes beside an image. */
#ifndef CLI_BUILD_POLICY_H
#define CLI_BUILD_POLICY_H

#include "image/manifest.h"
#include "pki/key.h"

struct build_policy {
	const struct manifest *manifest; /* written already: its name keeps the rule */
	const char *tier;		 /* "soft", or NULL for hardware */
	const uint8_t *image_id;	 /* SHA384_SIZE */
	EVP_PKEY *key;			 /* of the signer, or NULL */
	struct tobi_bytes host;		 /* of build_policy_host(), or empty */
	const char *config_id; /* 96 digits: of the launch that it accepts; NULL: one
				* without additions */
};

/* The anchor and the hardware id of this host, as YAML. Makes its keys at the first use.
 */
TOBI_MUST_USE enum tobi_err build_policy_host(struct writer *out,
					      struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err build_policy_write(const struct build_policy *policy,
					       const char *path,
					       struct tobi_fault *fault);

#endif
