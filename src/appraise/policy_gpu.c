#include "appraise/policy_gpu.h"

#include <ctype.h>
#include <string.h>

#include "appraise/policy_section.h"
#include "base/fault.h"
#include "base/hex.h"
#include "tee/nvidia_claims.h"
#include "tee/spdm_report.h"

static const char *const architectures[] = {"hopper", "blackwell", "ls10", NULL};

static enum tobi_err take_texts(struct tobi_policy *policy, const char *field,
				char **texts, unsigned count, struct gpu_texts *ret_texts,
				struct tobi_fault *fault)
{
	const char **items = arena_array(&policy->arena, count + 1u, sizeof(*items));

	if (!items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < count; i++) {
		if (!texts[i][0] || strlen(texts[i]) >= NVIDIA_TEXT_MAX)
			return policy_wrong(policy, field,
					    "an entry is empty, or over 31 characters",
					    fault);
		items[i] = arena_printf(&policy->arena, "%s", texts[i]);
		if (!items[i])
			return policy_no_memory(policy, fault);
	}
	*ret_texts = (struct gpu_texts){items, count};
	return TOBI_OK;
}

/* Up to 16, as many as can come. */
static enum tobi_err take_count(struct tobi_policy *policy, const char *text,
				struct policy_gpu *gpu, struct tobi_fault *fault)
{
	gpu->min_count = 1;
	if (!text)
		return TOBI_OK;
	if (!isdigit((unsigned char)text[0]) || strlen(text) > 2 ||
	    (text[1] && (text[0] == '0' || !isdigit((unsigned char)text[1]))))
		return policy_wrong(policy, "gpu.min-count", "0 to 16 are allowed",
				    fault);
	gpu->min_count = (uint32_t)(text[0] - '0');
	if (text[1])
		gpu->min_count = gpu->min_count * 10 + (uint32_t)(text[1] - '0');
	return gpu->min_count <= NVIDIA_DEVICES_MAX
		   ? TOBI_OK
		   : policy_wrong(policy, "gpu.min-count", "0 to 16 are allowed", fault);
}

/* A key with one value, which is to weaken or to ask for something: absent is the other.
 */
static enum tobi_err take_word(struct tobi_policy *policy, const char *field,
			       const char *text, const char *word, const char *wrong,
			       bool *ret_said, struct tobi_fault *fault)
{
	*ret_said = text != NULL;
	return !text || strcmp(text, word) == 0
		   ? TOBI_OK
		   : policy_wrong(policy, field, wrong, fault);
}

static enum tobi_err take_words(struct tobi_policy *policy, const struct yaml_gpu *yaml,
				struct policy_gpu *gpu, struct tobi_fault *fault)
{
	const char *pcie = yaml->protected_pcie;
	enum tobi_err err =
	    take_word(policy, "gpu.rim", yaml->rim, "optional",
		      "its one value is: optional", &gpu->rim_optional, fault);

	if (!err)
		err = take_word(policy, "gpu.ocsp", yaml->ocsp, "required",
				"its one value is: required", &gpu->ocsp_required, fault);
	if (!err)
		err = take_word(policy, "gpu.hold", yaml->hold, "allowed",
				"its one value is: allowed", &gpu->hold_allowed, fault);
	if (err || !pcie)
		return err;
	if (strcmp(pcie, "required") == 0)
		gpu->protected_pcie = SPDM_ON;
	else if (strcmp(pcie, "refused") == 0)
		gpu->protected_pcie = SPDM_OFF;
	else
		return policy_wrong(policy, "gpu.protected-pcie",
				    "its values are: required refused", fault);
	return TOBI_OK;
}

static enum tobi_err take_architectures(struct tobi_policy *policy,
					const struct yaml_gpu *yaml,
					struct policy_gpu *gpu, struct tobi_fault *fault)
{
	for (unsigned i = 0; i < yaml->architectures_count; i++) {
		const char *const *known = architectures;

		while (*known && strcmp(*known, yaml->architectures[i]) != 0)
			known++;
		if (!*known)
			return policy_wrong(policy, "gpu.architectures",
					    "the architectures are: hopper blackwell "
					    "ls10",
					    fault);
	}
	return take_texts(policy, "gpu.architectures", yaml->architectures,
			  yaml->architectures_count, &gpu->architectures, fault);
}

/* "550.90.07": numbers with points between. */
static bool is_version(const char *text)
{
	bool digit = false;

	for (; *text; text++) {
		if (*text == '.' && !digit)
			return false;
		if (*text != '.' && !isdigit((unsigned char)*text))
			return false;
		digit = *text != '.';
	}
	return digit;
}

static enum tobi_err take_versions(struct tobi_policy *policy,
				   const struct yaml_gpu *yaml, struct policy_gpu *gpu,
				   struct tobi_fault *fault)
{
	enum tobi_err err = take_texts(policy, "gpu.drivers", yaml->drivers,
				       yaml->drivers_count, &gpu->drivers, fault);

	if (!err)
		err = take_texts(policy, "gpu.vbios", yaml->vbios, yaml->vbios_count,
				 &gpu->vbios, fault);
	if (err || !yaml->min_driver)
		return err;
	if (strlen(yaml->min_driver) >= NVIDIA_TEXT_MAX || !is_version(yaml->min_driver))
		return policy_wrong(policy, "gpu.min-driver",
				    "a version like 550.90.07 is needed", fault);
	gpu->min_driver = arena_printf(&policy->arena, "%s", yaml->min_driver);
	return gpu->min_driver ? TOBI_OK : policy_no_memory(policy, fault);
}

static enum tobi_err take_boards(struct tobi_policy *policy, const struct yaml_gpu *yaml,
				 struct policy_gpu *gpu, struct tobi_fault *fault)
{
	enum tobi_err err = take_texts(policy, "gpu.projects", yaml->projects,
				       yaml->projects_count, &gpu->projects, fault);

	if (!err)
		err = take_texts(policy, "gpu.project-skus", yaml->project_skus,
				 yaml->project_skus_count, &gpu->project_skus, fault);
	if (!err)
		err = take_texts(policy, "gpu.chip-skus", yaml->chip_skus,
				 yaml->chip_skus_count, &gpu->chip_skus, fault);
	if (!err)
		err = take_texts(policy, "gpu.boards", yaml->boards, yaml->boards_count,
				 &gpu->boards, fault);
	if (!err)
		err = policy_hex_list(policy, "gpu.fwids", yaml->fwids, yaml->fwids_count,
				      NVIDIA_FWID_SIZE, &gpu->fwids, fault);
	return err ? err
		   : policy_hex_list(policy, "gpu.chips", yaml->chips, yaml->chips_count,
				     NVIDIA_UEID_SIZE, &gpu->chips, fault);
}

enum tobi_err policy_gpu_take(struct tobi_policy *policy, const struct yaml_policy *whole,
			      struct tobi_fault *fault)
{
	const struct yaml_gpu *yaml = whole->gpu;
	struct policy_gpu *gpu;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	gpu = arena_alloc(&policy->arena, sizeof(*gpu));
	if (!gpu)
		return policy_no_memory(policy, fault);
	err = take_count(policy, yaml->min_count, gpu, fault);
	if (!err)
		err = take_words(policy, yaml, gpu, fault);
	if (!err)
		err = take_architectures(policy, yaml, gpu, fault);
	if (!err)
		err = take_versions(policy, yaml, gpu, fault);
	if (!err)
		err = take_boards(policy, yaml, gpu, fault);
	if (!err)
		policy->gpu = gpu;
	return err;
}

bool policy_gpu_names(const struct tobi_policy *policy)
{
	return policy->gpu && (!policy->gpu->rim_optional || policy->gpu->fwids.count);
}

bool policy_gpu_asks(const struct tobi_policy *policy)
{
	return policy->gpu && policy->gpu->min_count > 0;
}
