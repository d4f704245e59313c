/* Whom the program runs as. */
#ifndef AGENT_USER_H
#define AGENT_USER_H

#include <sys/types.h>

#include "image/manifest.h"

/* The image's user and group, where this user namespace has them; else (uid_t)-1 and
 * (gid_t)-1: an ordinary user's launch, in which all are the agent's own. A map that
 * cannot be read is an error, and not such a launch. */
TOBI_MUST_USE enum tobi_err user_find(const struct manifest *manifest, uid_t *ret_uid,
				      gid_t *ret_gid, struct tobi_fault *fault);

#endif
