/* What only TDX says of a guest, for the section "tdx" of a policy. */
#ifndef TOBI_TEE_TDX_CLAIMS_H
#define TOBI_TEE_TDX_CLAIMS_H

#include "tee/tdx_report.h"

struct tdx_claims {
	struct tdx_report report; /* its spans are in the arena */
	bool event_log;		  /* one came with it: TDX-EVENT-LOG is owed */
	size_t event_count;
};

#endif
