/* For pack_program.c: small things in the staging folder. */
#ifndef TOBI_IMAGE_PACK_TOOLS_H
#define TOBI_IMAGE_PACK_TOOLS_H

#include "image/pack.h"

/* A file of our own. */
TOBI_MUST_USE enum tobi_err pack_write(struct pack *pack, const char *inside,
				       const char *text, struct tobi_fault *fault);
bool pack_has(const struct pack *pack, const char *inside);

#endif
