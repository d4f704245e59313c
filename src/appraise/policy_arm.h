/* What the sections psa and cca of a policy have in common: which device, in which state,
 * running which firmware. */
#ifndef TOBI_APPRAISE_POLICY_ARM_H
#define TOBI_APPRAISE_POLICY_ARM_H

#include "appraise/appraise.h"
#include "appraise/policy_yaml.h"
#include "tee/arm_claims.h"

/* Empty members are not asked. */
struct policy_component {
	struct tobi_bytes type, value, signer, version;
};

struct policy_arm {
	struct bytes_list implementations, instances; /* none: not asked */
	unsigned lifecycles;			      /* a bit for each that is allowed */
	/* What the device's firmware may be; none: not asked. */
	struct policy_component *components;
	size_t component_count;
};

/* What stands for a section that is not there: devices in the field, and only them. */
#define POLICY_ARM_DEFAULT                                                               \
	{                                                                                \
		.lifecycles = 1u << ARM_SECURED                                          \
	}

/* Which checks of a section stand for it. */
struct policy_arm_rows {
	const struct check *lifecycle, *implementation, *instance, *components;
};

/* section: "psa", for faults. TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_arm_take(struct tobi_policy *policy,
					    const char *section,
					    const struct yaml_arm *yaml,
					    struct policy_arm *ret_arm,
					    struct tobi_fault *fault);
void policy_arm_run(struct tobi_result *result, const struct policy_arm *arm,
		    const struct policy_arm_rows *rows, const struct arm_claims *claims);

/* A list in hexadecimal, each of least to most bytes in steps. */
struct policy_arm_list {
	const char *section, *key;
	char **texts;
	unsigned count;
	size_t least, most, step;
};
TOBI_MUST_USE enum tobi_err policy_arm_take_hex(struct tobi_policy *policy,
						const struct policy_arm_list *list,
						struct bytes_list *ret_list,
						struct tobi_fault *fault);

#endif
