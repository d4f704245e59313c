/* What the broker takes away from itself before it reads a byte from outside. */
#ifndef TOBI_DAEMONS_BROKER_SANDBOX_H
#define TOBI_DAEMONS_BROKER_SANDBOX_H

#include <stdint.h>

#include "tobichi/error.h"

/* No dumps, no debuggers, no new privileges; descriptors for that many connections, or
 * TOBI_E_LIMIT. */
TOBI_MUST_USE enum tobi_err sandbox_self(uint64_t connections, struct tobi_fault *fault);
/* Becomes that user, with its groups and no capability, for good. Who is not root already
 * must be that user: TOBI_E_DENIED. user may be NULL, unless root calls: to stay root
 * (still without capabilities) must be said. */
TOBI_MUST_USE enum tobi_err sandbox_user(const char *user, struct tobi_fault *fault);

#endif
