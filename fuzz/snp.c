/*
 * Appraises a report of AMD SEV-SNP: the input is the policy with the root that it
 * trusts, a byte of zero, the size of the evidence (two bytes, big-endian), the evidence,
 * and one piece beside it.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/snp_scene.h"

static void check_result(const struct tobi_result *result)
{
	bool accepts = tobi_result_verdict(result) == TOBI_ACCEPT;
	char *text = NULL;

	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		must(!accepts || check->outcome == TOBI_PASSED ||
		     check->outcome == TOBI_NOT_ASKED);
	}
	must(accepts == (strcmp(tobi_result_reason(result), "accepted") == 0));
	must(!tobi_result_write(result, TOBI_FORMAT_JSON, &text, NULL));
	free(text);
}

static bool appraise(const struct tobi_policy *policy, struct tobi_bytes rest)
{
	size_t size = rest.size >= 2 ? (size_t)rest.ptr[0] << 8 | rest.ptr[1] : 0;
	struct tobi_verify_request request = {
	    .nonce = text_of("a nonce of the test"), .time = SNP_NOW, .piece_count = 1};
	struct tobi_bytes piece;
	struct tobi_result *result = NULL;
	bool accepted = false;

	if (rest.size < 2 || size > rest.size - 2)
		return false;
	request.evidence = (struct tobi_bytes){rest.ptr + 2, size};
	piece = (struct tobi_bytes){rest.ptr + 2 + size, rest.size - 2 - size};
	request.pieces = &piece;
	/* Twice: the second time with what is remembered of the first. */
	for (int i = 0; i < 2; i++) {
		if (tobi_verify(policy, &request, &result, NULL)) {
			must(i == 0);
			return false;
		}
		check_result(result);
		must(i == 0 || accepted == (tobi_result_verdict(result) == TOBI_ACCEPT));
		accepted = tobi_result_verdict(result) == TOBI_ACCEPT;
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
	bool accepted;

	if (!end || tobi_policy_parse(yaml, "policy", &policy, NULL))
		return false;
	accepted =
	    appraise(policy, (struct tobi_bytes){end + 1, input.size - yaml.size - 1});
	tobi_policy_free(policy);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct snp_scene scene;
	struct writer evidence = wr_init(UINT16_MAX), block = wr_init(UINT16_MAX);

	if (number > 6)
		return FUZZ_NO_SEED;
	snp_scene_make(&scene);
	if (number == 1)
		snp_scene_product(&scene, "Turin");
	if (number == 2)
		snp_scene_vlek(&scene);
	if (number == 3)
		snp_scene_id_block(&scene, &block);
	if (number == 4)
		scene.revoked = scene.ask_serial;
	if (number == 5)
		scene.leaf_issuer_key = SNP_OTHER_ARK;
	if (number == 6)
		snp_scene_set(&scene, 0, 4, 4);
	snp_scene_policy(&scene, out);
	wr_u8(out, 0);
	snp_scene_extended(&scene, &evidence);
	wr_uint_be(out, evidence.size, 2);
	wr_bytes(out, evidence.ptr, evidence.size);
	wr_bytes(out, block.ptr, block.size);
	wr_done(&evidence);
	wr_done(&block);
	snp_scene_done(&scene);
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
