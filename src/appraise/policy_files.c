#include "appraise/policy_files.h"

#include <stdio.h>
#include <string.h>

#include "appraise/policy_reference.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"

DEFINE_CLEANUP(struct tobi_policy *, tobi_policy_free)

/* A name without a slash at its start is below the policy's folder. */
static enum tobi_err read_one(struct tobi_policy *policy, const char *path, size_t index,
			      struct tobi_fault *fault)
{
	const char *name = tobi_policy_reference_file(policy, index);
	const char *slash = strrchr(path, '/');
	int folder = slash && name[0] != '/' ? (int)(slash - path) + 1 : 0;
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_CORIM);
	char whole[2 * LIMIT_PATH];
	enum tobi_err err;

	if (snprintf(whole, sizeof(whole), "%.*s%s", folder, path, name) >=
	    (int)sizeof(whole))
		return fault_set(fault, TOBI_E_LIMIT, "reference values", "",
				 "the path is too long");
	err = file_read(whole, LIMIT_CORIM, "reference values", &bytes, fault);
	return err ? err
		   : tobi_policy_give_reference(policy, index, wr_view(&bytes), fault);
}

enum tobi_err policy_read_file(const char *path, struct tobi_policy **ret_policy,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	enum tobi_err err = file_read(path, LIMIT_POLICY, "policy", &yaml, fault);

	if (!err)
		err = tobi_policy_parse(wr_view(&yaml), path, &policy, fault);
	for (size_t i = 0; !err && tobi_policy_reference_file(policy, i); i++)
		err = read_one(policy, path, i, fault);
	if (!err)
		*ret_policy = TAKE(policy);
	return err;
}

enum tobi_err policy_is_whole(const struct tobi_policy *policy, const char *object,
			      struct tobi_fault *fault)
{
	const struct policy_reference *reference = policy->reference;

	for (size_t i = 0; reference && i < reference->count; i++) {
		if (!reference->documents[i].document)
			return fault_set(fault, TOBI_E_UNSUPPORTED, object,
					 "reference-values.files",
					 "there is no file beside it here: put the "
					 "document itself under "
					 "reference-values.documents");
	}
	return TOBI_OK;
}
