/*
 * Appraises evidence under a policy: the input is the policy, a byte of zero, and the
 * evidence. There is a result for every evidence that can be read; it accepts only with
 * all that it owes passed; and it can be written in every form.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/tpm_scene.h"
#include "tobichi/verify.h"

enum { NONCE_BYTE = 0x11, NONCE_SIZE = 32 };

static void check_result(const struct tobi_result *result)
{
	bool accepts = tobi_result_verdict(result) == TOBI_ACCEPT;

	must(tobi_result_check_count(result) > 0);
	must(tobi_result_check(result, tobi_result_check_count(result)) == NULL);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		must(check->code && check->expected && check->found);
		must(!accepts || check->outcome == TOBI_PASSED ||
		     check->outcome == TOBI_NOT_ASKED);
	}
	must(accepts == (strcmp(tobi_result_reason(result), "accepted") == 0));
	for (int format = TOBI_FORMAT_TEXT; format <= TOBI_FORMAT_HTML; format++) {
		char *text = NULL;

		must(!tobi_result_write(result, (enum tobi_format)format, &text, NULL));
		must(text && strlen(text) > 20);
		free(text);
	}
}

bool fuzz_one(struct tobi_bytes input)
{
	uint8_t nonce[NONCE_SIZE];
	const uint8_t *end = input.size ? memchr(input.ptr, 0, input.size) : NULL;
	struct tobi_bytes yaml = {input.ptr,
				  end ? (size_t)(end - input.ptr) : input.size};
	struct tobi_verify_request request = {.nonce = {nonce, sizeof(nonce)},
					      .time = TEST_NOW};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	bool accepted = false;

	if (tobi_policy_parse(yaml, "policy", &policy, NULL))
		return false;
	memset(nonce, NONCE_BYTE, sizeof(nonce));
	if (end)
		request.evidence =
		    (struct tobi_bytes){end + 1, input.size - yaml.size - 1};
	if (tobi_verify(policy, &request, &result, &fault)) {
		must(result == NULL && fault.code != TOBI_OK);
	} else {
		check_result(result);
		accepted = tobi_result_verdict(result) == TOBI_ACCEPT;
	}
	tobi_result_free(result);
	tobi_policy_free(policy);
	return accepted;
}

static struct test_tpm tpm;
static struct writer submodule;

static void add_quote(struct test_scene *scene, struct tobi_bytes nonce)
{
	submodule = wr_init(LIMIT_TPM_EVIDENCE);
	test_tpm_quote(&tpm, scene->signs, nonce, &submodule);
	scene->claims.tpm = wr_view(&submodule);
}

/* Evidence of a TPM: right for a policy that asks for one, or for another nonce. */
static enum fuzz_seed tpm_seed(bool right, struct writer *out)
{
	struct test_scene scene;

	test_scene_make(&scene);
	test_tpm_make(&tpm, &scene.platform);
	tpm.for_another_nonce = !right;
	scene.claims.root_kind = (struct tobi_bytes){(const uint8_t *)"tpm", 3};
	scene.add = add_quote;
	scene.more = "tpm: {}\n";
	test_scene_policy(&scene, out);
	wr_u8(out, 0);
	test_scene_evidence(&scene, out);
	test_tpm_done(&tpm);
	test_scene_done(&scene);
	wr_done(&submodule);
	return right ? FUZZ_GOOD : FUZZ_BAD;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct test_scene scene;

	if (number >= 6)
		return FUZZ_NO_SEED;
	if (number >= 4)
		return tpm_seed(number == 4, out);
	test_scene_make(&scene);
	scene.damage_signature = number == 2;
	if (number == 1)
		scene.identity = "identity:\n  mode: any-instance\n";
	if (number == 3)
		scene.tiers = "tdx";
	test_scene_policy(&scene, out);
	wr_u8(out, 0);
	test_scene_evidence(&scene, out);
	test_scene_done(&scene);
	return number < 2 ? FUZZ_GOOD : FUZZ_BAD;
}
