/* Security advisories of Intel's that apply to a platform, and those that a policy lets
 * pass: of SGX, of TDX and of EPID alike. */
#ifndef TOBI_APPRAISE_ADVISORIES_H
#define TOBI_APPRAISE_ADVISORIES_H

#include "appraise/appraise.h"

struct advisory_names {
	const char *const *names;
	size_t count;
};

/* Records the check: each that applies is named, or any is taken. A failure names all
 * that are not; what passes so is said with the verdict. */
void advisories_run(struct tobi_result *result, const struct check *check,
		    struct advisory_names apply, struct advisory_names named, bool any);

#endif
