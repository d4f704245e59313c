/*
 * What a policy asks of TDX guests alone: its section tdx, but for what quotes of SGX
 * have too (policy_dcap.h), and the checks of it (docs/POLICY.md).
 */
#ifndef TOBI_APPRAISE_POLICY_TDX_H
#define TOBI_APPRAISE_POLICY_TDX_H

#include "appraise/appraise.h"
#include "appraise/policy_yaml.h"
#include "tee/tdx_report.h"

struct policy_tdx {
	struct bytes_list mr_seam;	    /* empty: not asked */
	struct tobi_bytes rtmrs[TDX_RTMRS]; /* empty: not asked */
	struct tobi_bytes config_id, owner; /* the same */
	struct tobi_bytes owner_config;	    /* the same */
	struct bytes_list service_td;	    /* empty: there must be none */
	uint64_t attributes;		    /* that a guest may have */
	bool allow_sept_ve;		    /* SEPT_VE_DISABLE need not be set */
	bool event_log;			    /* one must come with the quote */
};

/* TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_tdx_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);
/* Owed by quotes of TDX; nothing for other evidence. */
void policy_tdx_owe(struct tobi_result *result);
void policy_tdx_run(struct tobi_result *result, const struct tobi_policy *policy);
/* Whether it says what a guest may have started. MRTD, of images, is of the firmware
 * alone: the kernel and its command line are in RTMR1 and RTMR2. */
bool policy_tdx_names_start(const struct tobi_policy *policy);

#endif
