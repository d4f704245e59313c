/* A policy from its file, with the files that it points to: for commands and services.
 * What appraises reads no files. */
#ifndef TOBI_APPRAISE_POLICY_FILES_H
#define TOBI_APPRAISE_POLICY_FILES_H

#include "tobichi/verify.h"

/* tobi_policy_free() it. Errors: those of file_read(), of tobi_policy_parse() and of
 * tobi_policy_give_reference(). */
TOBI_MUST_USE enum tobi_err policy_read_file(const char *path,
					     struct tobi_policy **ret_policy,
					     struct tobi_fault *fault);
/* For a policy that came without a file, and so has none beside it: TOBI_E_UNSUPPORTED
 * when it names a file that was not given. */
TOBI_MUST_USE enum tobi_err policy_is_whole(const struct tobi_policy *policy,
					    const char *object, struct tobi_fault *fault);

#endif
