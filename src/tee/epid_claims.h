/* What a report of Intel's retired Attestation Service says beside what all evidence
 * says. Everything lies in the arena of the appraisal. */
#ifndef TOBI_TEE_EPID_CLAIMS_H
#define TOBI_TEE_EPID_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

enum { EPID_ADVISORIES_MAX = 64 };

struct epid_claims {
	const char *status; /* "GROUP_OUT_OF_DATE" */
	const char *const *advisories;
	size_t advisory_count;
	/* That whoever asked the service chose; "" where there is none. */
	const char *nonce;
};

#endif
