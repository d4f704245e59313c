/* The part of a policy that is about one kind of hardware, in a file of its own. */
#ifndef TOBI_APPRAISE_POLICY_SECTION_H
#define TOBI_APPRAISE_POLICY_SECTION_H

#include "appraise/appraise.h"

struct yaml_policy;

struct policy_section {
	/* Takes its keys; whatever is absent is left as it is. */
	enum tobi_err (*take)(struct tobi_policy *policy, const struct yaml_policy *yaml,
			      struct tobi_fault *fault);
	/* Owes its checks when the evidence is of its kind. */
	void (*owe)(struct tobi_result *result);
	/* Records them. */
	void (*run)(struct tobi_result *result, const struct tobi_policy *policy);
};

/* The last has no functions. */
extern const struct policy_section policy_sections[];

#endif
