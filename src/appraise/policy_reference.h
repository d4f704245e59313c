/*
 * The reference values that a policy points to: CoRIM documents, who may sign them, and
 * the checks that compare evidence with them (docs/POLICY.md, PROTOCOL.md section 16).
 *
 * They may stand for the policy's images. Everything is refused until each document that
 * the policy names is there, holds, and counts.
 */
#ifndef TOBI_APPRAISE_POLICY_REFERENCE_H
#define TOBI_APPRAISE_POLICY_REFERENCE_H

#include "appraise/appraise.h"
#include "corim/signed.h"

struct yaml_policy;

struct reference_document {
	const char *name; /* a file, as the policy names it; or "document 1" */
	bool is_file;
	struct corim_document *document; /* NULL: not given yet */
	struct corim_proof proof;
};

struct policy_reference {
	struct corim_signers signers;
	bool allow_unsigned;
	struct bytes_list profiles; /* that count beside those known here */
	struct bytes_list endorsed; /* names that must be endorsed */
	struct reference_document documents[LIMIT_CORIM_DOCUMENTS];
	size_t count;
	/* Attestation keys of devices in them. */
	struct device_key *keys;
	struct device_keys device_keys;
};

extern const struct check *const policy_reference_rows[]; /* NULL at the end */

/* TOBI_E_MALFORMED, _LIMIT, _MEMORY, _CRYPTO, and those of corim_document_read(). */
TOBI_MUST_USE enum tobi_err policy_reference_take(struct tobi_policy *policy,
						  const struct yaml_policy *yaml,
						  struct tobi_fault *fault);
void policy_reference_done(struct tobi_policy *policy);
/* Owed by all evidence, where the policy has such a section. */
void policy_reference_owe(struct tobi_result *result, const struct tobi_policy *policy);
void policy_reference_run(struct tobi_result *result, const struct tobi_policy *policy);

#endif
