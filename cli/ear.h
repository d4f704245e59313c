/* `tobichi verify --ear`: the verdict, signed for others. */
#ifndef CLI_EAR_H
#define CLI_EAR_H

#include "tobichi/verify.h"

struct ear_options {
	const char *out, *key, *certificate;
	const char *form, *profile, *verifier, *lifetime;
};

/* What is wrong with them, or NULL. */
const char *ear_options_wrong(const struct ear_options *options);
/* Signs and writes; nothing when --ear was not given. */
TOBI_MUST_USE enum tobi_err ear_write(const struct ear_options *options,
				      const struct tobi_result *result,
				      struct tobi_fault *fault);

#endif
