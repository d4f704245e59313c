/* For commands through whose memory secrets of others pass. */
#ifndef CLI_GUARD_H
#define CLI_GUARD_H

#include "tobichi/error.h"

/* No dumps and no debugger of this user's; what libevent and OpenSSL give back is wiped.
 * Call it before either has been used. */
TOBI_MUST_USE enum tobi_err guard_memory(struct tobi_fault *fault);

#endif
