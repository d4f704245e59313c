/* UTF-8 (RFC 3629) and what of it may be shown. */
#ifndef TOBI_BASE_UTF8_H
#define TOBI_BASE_UTF8_H

#include <stdbool.h>

#include "base/writer.h"

/* Well formed, and without control characters (C0, DEL, C1). */
bool utf8_is_text(struct tobi_bytes bytes);
/* Well formed, and without zero bytes: line ends and other controls may be in it. */
bool utf8_is_valid(struct tobi_bytes bytes);
/* Appends what came from outside for people to read: all else becomes \xNN. */
void utf8_write_escaped(struct writer *out, struct tobi_bytes bytes);

#endif
