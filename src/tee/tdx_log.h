/* The event log of a TDX guest (CCEL), which may come beside its quote, and what its
 * registers say of it. */
#ifndef TOBI_TEE_TDX_LOG_H
#define TOBI_TEE_TDX_LOG_H

#include "tee/event_log.h"
#include "tee/tdx_report.h"
#include "tee/tee.h"

struct tdx_log {
	bool found;
	struct tobi_bytes bytes; /* borrowed */
	bool has_table;		 /* the ACPI table came as well */
	struct tobi_bytes table;
};

/* Among the pieces and the endorsements. Errors: TOBI_E_EXISTS for a second one,
 * _MALFORMED for a table without a log. */
TOBI_MUST_USE enum tobi_err tdx_log_find(const struct tee_request *request,
					 struct tdx_log *ret_log,
					 struct tobi_fault *fault);
/* Whether it gives exactly the RTMRs of the report. Errors: TOBI_E_MISMATCH, those of
 * reading; _CRYPTO. */
TOBI_MUST_USE enum tobi_err tdx_log_replay(const struct tdx_log *log,
					   const struct tdx_report *td,
					   size_t *ret_events, struct tobi_fault *fault);

#endif
