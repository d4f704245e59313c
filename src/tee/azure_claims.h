/* What only evidence of an Azure confidential VM says, for the section "azure" of a
 * policy. */
#ifndef TOBI_TEE_AZURE_CLAIMS_H
#define TOBI_TEE_AZURE_CLAIMS_H

#include <stdbool.h>

#include "tobichi/bytes.h"

enum { AZURE_USER_DATA_SIZE = 64 };

/* Older paravisors do not say all of it. */
enum azure_flag { AZURE_NOT_SAID, AZURE_NO, AZURE_YES };

/* All of it is the paravisor's word, and bound to the hardware's report. Borrowed from
 * the appraisal's arena. */
struct azure_claims {
	enum azure_flag secure_boot, console;
	const char *vm_id;	     /* or NULL */
	const char *thumbprint;	     /* of the owner's root certificate, or NULL */
	struct tobi_bytes user_data; /* 64 bytes, or empty: there is no such member */
};

#endif
