/*
 * What a policy asks of a TPM's quote, by itself or with another kind of evidence: its
 * section tpm, and the checks of it (docs/POLICY.md).
 */
#ifndef TOBI_APPRAISE_POLICY_TPM_H
#define TOBI_APPRAISE_POLICY_TPM_H

#include "appraise/appraise.h"
#include "appraise/policy_yaml.h"
#include "tee/tpm_claims.h"

struct policy_tpm_number {
	bool asked;
	uint64_t value;
};

struct policy_tpm {
	struct tpm_bank banks[TPM_BANKS_MAX]; /* values of PCRs that are named */
	size_t bank_count;
	bool weak;	 /* the bank of SHA-1 counts, too */
	uint32_t quoted; /* PCRs that must be among those quoted */
	/* Any of them; none: not asked. */
	struct bytes_list digests, firmware, eks, certified_keys;
	struct bytes_list projects, zones, instances;
	struct policy_tpm_number resets, min_resets, restarts, min_restarts, min_clock,
	    min_firmware;
	bool safe, needs_certificate, needs_public;
	struct key_pins pins; /* of its anchors */
};

extern const struct check *const policy_tpm_rows[]; /* NULL at the end */

/* TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_tpm_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);
/* Owed by evidence with a quote in it. */
void policy_tpm_owe(struct tobi_result *result);
void policy_tpm_run(struct tobi_result *result, const struct tobi_policy *policy);
/* Whether the section says what may have been started. */
bool policy_tpm_names(const struct tobi_policy *policy);
/* The values of PCRs, for POLICY-PCRS: NULL when they are as named, else the first that
 * is not. */
bool policy_tpm_asks_pcrs(const struct tobi_policy *policy);
const char *policy_tpm_wrong_pcr(struct tobi_result *result, const struct policy_tpm *tpm,
				 const char **ret_expected);

#endif
