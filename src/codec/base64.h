/* Base64 (RFC 4648): one encoding for one value. Reading refuses whitespace and stray
 * bits: TOBI_E_MALFORMED. */
#ifndef TOBI_CODEC_BASE64_H
#define TOBI_CODEC_BASE64_H

#include "base/writer.h"

/* Section 4: padded, and padding must be there. Both append to out. */
void base64_write(struct writer *out, struct tobi_bytes bytes);
TOBI_MUST_USE enum tobi_err base64_read(struct tobi_bytes text, const char *object,
					struct writer *out, struct tobi_fault *fault);
/* Section 5 (base64url): "-" and "_", without padding, which must not be there. */
void base64url_write(struct writer *out, struct tobi_bytes bytes);
TOBI_MUST_USE enum tobi_err base64url_read(struct tobi_bytes text, const char *object,
					   struct writer *out, struct tobi_fault *fault);

#endif
