/* A policy that is read keeps its limits, and is whole. */
#include <stdlib.h>
#include <string.h>

#include "appraise/policy.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "tests/evidence.h"
#include "tobichi/trust.h"

/* may_be_short: a measurement of SGX will do. */
static void check_list(const struct bytes_list *list, bool hash, bool may_be_short)
{
	must(list->count <= LIMIT_POLICY_ITEMS);
	for (size_t i = 0; i < list->count; i++)
		must(list->items[i].ptr && (!hash || list->items[i].size == 48 ||
					    (may_be_short && list->items[i].size == 32)));
}

/* Whatever a policy or a certificate in it calls itself stays text. */
static void check_form(const struct tobi_trust *trust, enum tobi_format format)
{
	char *text = NULL;

	must(tobi_trust_write(trust, format, &text, NULL) == TOBI_OK);
	for (const char *at = text; *at; at++)
		must(*at == '\n' || ((unsigned char)*at >= 0x20 && *at != 0x7f));
	must(
	    format != TOBI_FORMAT_HTML ||
	    (!strstr(text, "<script") && !strstr(text, "<img") && !strstr(text, "<!--")));
	free(text);
}

static void check_trust(const struct tobi_policy *policy)
{
	struct tobi_trust *trust = NULL;
	const struct tobi_trust_line *line;
	unsigned depth = 0;

	must(tobi_trust_new(policy, &trust, NULL) == TOBI_OK);
	for (size_t i = 0; (line = tobi_trust_line(trust, i)); i++) {
		must(line->depth <= depth + (i > 0) && line->name && line->bad);
		depth = line->depth;
	}
	check_form(trust, TOBI_FORMAT_TEXT);
	check_form(trust, TOBI_FORMAT_JSON);
	check_form(trust, TOBI_FORMAT_HTML);
	tobi_trust_free(trust);
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
	check_list(&policy->images, true, true);
	check_list(&policy->signers, true, true);
	check_list(&policy->agents, true, false);
	check_list(&policy->hardware, false, true);
	must(policy->config_id.size <= 64 && policy->config_id.size % 16 == 0);
	must(policy->identity != IDENTITY_OWNER || policy->owner.size == 48);
	must(policy->max_age > 0);
	check_trust(policy);
	tobi_policy_free(policy);
	return true;
}

#define HASH                                                                             \
	"f19067a6a0dc0daab2fdb0929cfe090b46bcf694679e224fd852451a75b6a2fffdfd2fd18c7f82" \
	"8"                                                                              \
	"afe74bd8dabaa8c55"

/* What each kind of hardware has of its own. */
static const char hardware[] =
    "version: 1\nname: hardware\n"
    "tiers: [sgx, tdx, snp, sev, nitro, nitro-tpm, sgx-epid]\nsigners: [" HASH "]\n"
    "sgx:\n  tcb-status: [OutOfDate]\n  advisories: [INTEL-SA-00615]\n"
    "  fmspc: [00906ed50000]\n  platforms: [00112233445566778899aabbccddeeff]\n"
    "tdx:\n  advisories: [any]\n  min-tcb-evaluation: 17\n  mr-seam: [" HASH "]\n"
    "  rtmrs:\n    - index: 1\n      value: " HASH "\n"
    "snp:\n  generations: [Milan]\n  max-vmpl: 1\n  csp-ids: [\"a<b>\"]\n"
    "  chips: [0011223344556677]\n"
    "sev:\n  generations: [rome]\n  min-api: 0.24\n"
    "nitro:\n  role-arns: [\"arn:aws:iam::123456789012:role/<a>\"]\n"
    "sgx-epid:\n  status: [GROUP_OUT_OF_DATE]\n  advisories: [INTEL-SA-00615]\n"
    "collateral:\n  grace: 60\n  baseline: 2026-05-17T12:00:00Z\n"
    "identity:\n  mode: any-instance\n";

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const identities[] = {
	    NULL, "identity:\n  mode: any-instance\n", "identity:\n  mode: config-id\n",
	    "identity:\n  mode: any-instance\n"};
	struct test_scene scene;

	if (number > 4)
		return FUZZ_NO_SEED;
	if (number == 4) {
		wr_printf(out, "%s", hardware);
		return FUZZ_GOOD;
	}
	test_scene_make(&scene);
	scene.identity = identities[number];
	if (number == 3)
		scene.tiers = "soft, sgx, tdx, snp, sev, nitro, nitro-tpm, sgx-epid, cca";
	test_scene_policy(&scene, out);
	test_scene_done(&scene);
	return FUZZ_GOOD;
}
