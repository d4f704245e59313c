/* The table that tells where the event log of a TDX guest lies, which may come beside its
 * quote and log. */
#ifndef TOBI_TEE_TDX_LOG_H
#define TOBI_TEE_TDX_LOG_H

#include "tee/tee.h"

/* Among the pieces and the endorsements; nothing is asked where there is none. Errors:
 * TOBI_E_EXISTS for a second one, _MALFORMED for one without a log, _MISMATCH for one of
 * another log. */
TOBI_MUST_USE enum tobi_err tdx_table_check(const struct tee_request *request,
					    struct tobi_fault *fault);

#endif
