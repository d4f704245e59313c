/*
 * What a policy asks of what a machine started: its section boot, and the checks of it
 * (docs/POLICY.md). It is of the claims that an event log gives (tee/boot_claims.h).
 */
#ifndef TOBI_APPRAISE_POLICY_BOOT_H
#define TOBI_APPRAISE_POLICY_BOOT_H

#include "appraise/appraise.h"
#include "tee/boot_claims.h"

struct yaml_policy;

struct policy_boot {
	bool secure_boot;			     /* must be on */
	struct bytes_list variables[BOOT_VARIABLES]; /* SHA-256; empty: not asked */
	/* Digests of any bank, 32 to 64 bytes; empty: not asked. */
	struct bytes_list loaders, kernels, initrds, files;
	/* Texts, and digests of them as they are measured; both empty: not asked. */
	struct bytes_list command_lines, command_line_digests;
	struct bytes_list ima_files; /* 20 to 64 bytes; empty: not asked */
	bool others;		     /* what is measured beside them is let pass */
	bool unfinished;	     /* firmware need not have given way */
};

/* TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_boot_take(struct tobi_policy *policy,
					     const struct yaml_policy *yaml,
					     struct tobi_fault *fault);
/* Owed by all evidence under a policy with such a section. */
void policy_boot_owe(struct tobi_result *result);
void policy_boot_run(struct tobi_result *result, const struct tobi_policy *policy);
/* Whether it says what may run: a kernel, and with which command line. */
bool policy_boot_names(const struct tobi_policy *policy);

#endif
