/* What the agent forbids itself before anything else. */
#ifndef AGENT_HARDEN_H
#define AGENT_HARDEN_H

#include <stdint.h>

#include "tobichi/error.h"

/* No dumps, hidden key memory, as many descriptors as there may be. Adds the bits of the
 * protections that are in force. */
TOBI_MUST_USE enum tobi_err harden(uint64_t *protections, struct tobi_fault *fault);

#endif
