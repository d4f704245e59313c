/* What only a report of AMD SEV-SNP says, for the policy (appraise/policy_snp.c). */
#ifndef TOBI_TEE_SNP_CLAIMS_H
#define TOBI_TEE_SNP_CLAIMS_H

#include "tee/snp_report.h"

struct snp_claims {
	struct snp_report report; /* borrows from a copy in the appraisal's arena */
	const struct snp_product *product; /* as its certificate says; NULL: not known */
	/* Of the certificate: AMD says it, not the report. */
	bool has_leaf;
	bool has_crl;
	enum snp_key key;
	const char *csp; /* of a VLEK; else "" */
};

#endif
