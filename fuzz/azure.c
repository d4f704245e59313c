/*
 * A whole appraisal of Azure's evidence, under roots of the tests: the input is the
 * policy with the root that it trusts, a byte of zero, and the evidence. The certificates
 * come beside it, the same for every input.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/azure_scene.h"

enum { SEEDS = 6 };

static void make(unsigned number, struct azure_scene *scene)
{
	azure_scene_make(scene, number & 1);
	if (number == 2)
		scene->form = AZURE_NUMBERS;
	scene->change_data = number == 4;
	scene->damage_signature = number == 5;
}

/* What lies beside the evidence; made once, the process ends with it. */
struct beside {
	struct azure_scene scenes[2];
	struct tobi_collateral *set;
};

static struct beside *beside(void)
{
	static struct beside *known;

	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	must(known != NULL);
	for (unsigned i = 0; i < 2; i++) {
		struct writer evidence = wr_init(LIMIT_EVIDENCE);

		make(i, &known->scenes[i]);
		azure_scene_evidence(&known->scenes[i], &evidence);
		wr_done(&evidence);
	}
	known->set = tobi_collateral_new();
	must(known->set != NULL);
	dcap_test_put(&known->scenes[1].td.scene, &known->scenes[1].td.collateral,
		      known->set);
	return known;
}

static bool appraise(const struct tobi_policy *policy, struct tobi_bytes evidence,
		     int64_t time)
{
	const struct azure_scene *snp = &beside()->scenes[0];
	struct tobi_verify_request request = {.evidence = evidence,
					      .nonce = snp->nonce,
					      .time = time,
					      .collateral = beside()->set,
					      .pieces = snp->pieces,
					      .piece_count = snp->piece_count};
	bool accepted = false;

	/* Twice: the second time with what is remembered of the first. */
	for (int i = 0; i < 2; i++) {
		struct tobi_result *result = NULL;
		char *text = NULL;

		if (tobi_verify(policy, &request, &result, NULL)) {
			must(i == 0);
			return false;
		}
		must(i == 0 || accepted == (tobi_result_verdict(result) == TOBI_ACCEPT));
		accepted = tobi_result_verdict(result) == TOBI_ACCEPT;
		must(!tobi_result_write(result, TOBI_FORMAT_JSON, &text, NULL));
		free(text);
		tobi_result_free(result);
	}
	return accepted;
}

bool fuzz_one(struct tobi_bytes input)
{
	const uint8_t *end = input.size ? memchr(input.ptr, 0, input.size) : NULL;
	struct tobi_bytes yaml = {input.ptr,
				  end ? (size_t)(end - input.ptr) : input.size};
	struct tobi_policy *policy = NULL;
	struct tobi_bytes evidence;
	bool accepted;

	if (!end || tobi_policy_parse(yaml, "policy", &policy, NULL))
		return false;
	evidence = (struct tobi_bytes){end + 1, input.size - yaml.size - 1};
	accepted = appraise(policy, evidence, SNP_NOW);
	accepted |= appraise(policy, evidence, DCAP_NOW);
	tobi_policy_free(policy);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct azure_scene scene;
	struct writer evidence = wr_init(LIMIT_EVIDENCE);

	if (number >= SEEDS)
		return FUZZ_NO_SEED;
	make(number, &scene);
	/* Its certificates are those beside it: of the same keys, but made once. */
	azure_scene_evidence(&scene, &evidence);
	azure_scene_policy(&scene, out);
	wr_u8(out, 0);
	wr_bytes(out, evidence.ptr, evidence.size);
	wr_done(&evidence);
	azure_scene_done(&scene);
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
