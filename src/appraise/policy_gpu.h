/* What a policy asks of NVIDIA's devices, alone or beside a CPU: its key gpu. */
#ifndef TOBI_APPRAISE_POLICY_GPU_H
#define TOBI_APPRAISE_POLICY_GPU_H

#include "appraise/policy_checks.h"
#include "appraise/policy_yaml.h"

struct gpu_texts {
	const char **items; /* count 0: not asked */
	size_t count;
};

struct policy_gpu {
	uint32_t min_count;
	bool rim_optional, ocsp_required, hold_allowed;
	struct gpu_texts architectures, drivers, vbios, projects, project_skus, chip_skus,
	    boards;
	const char *min_driver; /* NULL: not asked */
	struct bytes_list fwids, chips;
	uint8_t protected_pcie; /* SPDM_ON, SPDM_OFF; 0: not asked */
};

/* Errors: TOBI_E_MALFORMED with the field; _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_gpu_take(struct tobi_policy *policy,
					    const struct yaml_policy *yaml,
					    struct tobi_fault *fault);
/* Nothing, where there is no device and none is asked for. */
void policy_gpu_owe(struct tobi_result *result);
void policy_gpu_run(struct tobi_result *result, const struct tobi_policy *policy);
/* What NVIDIA has published stands for an image, or the hashes of firmware. */
bool policy_gpu_names(const struct tobi_policy *policy);
/* Whether a device must come with the evidence of a CPU. */
bool policy_gpu_asks(const struct tobi_policy *policy);

#endif
