/* The policy's section for AMD SEV-SNP: what it may say, and the checks of it. */
#ifndef TOBI_APPRAISE_POLICY_SNP_H
#define TOBI_APPRAISE_POLICY_SNP_H

#include "appraise/bytes_list.h"
#include "tee/snp_report.h"

struct tobi_policy;
struct tobi_result;
struct yaml_policy;

/* The least versions of a product, in its layout of TCB_VERSION. */
struct snp_least_tcb {
	const struct snp_product *product;
	uint8_t tcb[SNP_TCB_SIZE];
};
struct snp_least_list {
	struct snp_least_tcb *items;
	size_t count;
};

struct policy_snp {
	bool without_crl, provisional, migration;
	uint32_t max_vmpl;
	bool has_abi, has_firmware;
	uint8_t abi[2];	     /* major, minor */
	uint8_t firmware[3]; /* major, minor, build */
	struct bytes_list generations, refused_generations;
	struct bytes_list chips; /* 8 or 64 bytes */
	struct bytes_list csps;
	bool has_keys, vcek, vlek;
	struct bytes_list id_keys, author_keys;
	struct tobi_bytes family_id, image_id; /* empty: not asked */
	uint64_t policy_set, policy_clear;     /* bits of the guest's policy */
	uint64_t platform_set, platform_clear;
	uint64_t mitigations;
	struct snp_least_list tcb, launch_tcb;
};

/* Errors: TOBI_E_MALFORMED with the key, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_snp_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);

/* Of guest-policy and of platform: each word that the policy names; NULL past the end. */
const char *policy_snp_guest_word(const struct policy_snp *policy, size_t index);
const char *policy_snp_platform_word(const struct policy_snp *policy, size_t index);

/* For evidence of this kind, and for no other: they do nothing there. */
void policy_snp_owe(struct tobi_result *result);
void policy_snp_run(struct tobi_result *result, const struct tobi_policy *policy);

#endif
