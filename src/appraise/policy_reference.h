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

/* One device, or all of one class. */
struct reference_device {
	const struct corim_environment *environment; /* of a document */
	struct anchor_keys keys;
};

struct policy_reference {
	struct corim_signers signers;
	bool allow_unsigned;
	struct bytes_list profiles; /* that count beside those known here */
	struct bytes_list endorsed; /* names that must be endorsed */
	struct reference_document documents[LIMIT_CORIM_DOCUMENTS];
	size_t count;
	struct reference_device *devices; /* whose attestation keys are in them */
	size_t device_count;
};

extern const struct check *const policy_reference_rows[]; /* NULL at the end */

/* TOBI_E_MALFORMED, _LIMIT, _MEMORY, _CRYPTO, and those of corim_document_read(). */
TOBI_MUST_USE enum tobi_err policy_reference_take(struct tobi_policy *policy,
						  const struct yaml_policy *yaml,
						  struct tobi_fault *fault);
void policy_reference_done(struct tobi_policy *policy);
/* Attestation keys that the documents name for a device, for kinds of evidence whose keys
 * have no certificates (tee_request.find_keys); NULL where they name none. context: the
 * policy_reference. Whether the documents count is a check of its own, of each
 * appraisal. */
const struct anchor_keys *
policy_reference_keys(const void *context, const struct tee_environment *environment);
bool policy_reference_has_keys(const struct tobi_policy *policy);
/* Owed by all evidence, where the policy has such a section. */
void policy_reference_owe(struct tobi_result *result, const struct tobi_policy *policy);
void policy_reference_run(struct tobi_result *result, const struct tobi_policy *policy);

#endif
