/* Base64 (RFC 4648, section 4): padded, one encoding for one value. */
#ifndef TOBI_CODEC_BASE64_H
#define TOBI_CODEC_BASE64_H

#include "base/writer.h"

void base64_write(struct writer *out, struct tobi_bytes bytes);
/* Appended to out. Refuses whitespace, missing padding and stray bits:
 * TOBI_E_MALFORMED. */
TOBI_MUST_USE enum tobi_err base64_read(struct tobi_bytes text, const char *object,
					struct writer *out, struct tobi_fault *fault);

#endif
