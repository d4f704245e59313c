/* A policy that is read keeps its limits, and is whole. */
#include "appraise/policy.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "tests/evidence.h"

static void check_list(const struct bytes_list *list, bool hash)
{
	must(list->count <= LIMIT_POLICY_ITEMS);
	for (size_t i = 0; i < list->count; i++)
		must(list->items[i].ptr && (!hash || list->items[i].size == 48));
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	if (tobi_policy_parse(input, "policy.yaml", &policy, &fault)) {
		must(policy == NULL && fault.code != TOBI_OK);
		return false;
	}
	must(policy->tier_count > 0 && policy->tier_count <= LIMIT_POLICY_ITEMS);
	must(policy->root_count <= LIMIT_POLICY_ITEMS);
	check_list(&policy->images, true);
	check_list(&policy->signers, true);
	check_list(&policy->agents, true);
	check_list(&policy->hardware, false);
	must(policy->config_id.size == 0 || policy->config_id.size == 48);
	must(policy->identity != IDENTITY_OWNER || policy->owner.size == 48);
	must(policy->max_age > 0);
	tobi_policy_free(policy);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const identities[] = {
	    NULL, "identity:\n  mode: any-instance\n", "identity:\n  mode: config-id\n"};
	struct test_scene scene;

	if (number >= 3)
		return FUZZ_NO_SEED;
	test_scene_make(&scene);
	scene.identity = identities[number];
	test_scene_policy(&scene, out);
	test_scene_done(&scene);
	return FUZZ_GOOD;
}
