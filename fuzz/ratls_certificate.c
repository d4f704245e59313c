/*
 * A certificate with evidence under a policy: the input is the policy, a byte of zero,
 * and the certificate. There is an error or a result, and an accepted one carries the
 * warning; the default channel accepts none.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/ratls.h"
#include "tobichi/verify.h"

static bool appraise(const struct tobi_policy *policy, struct tobi_bytes file)
{
	struct tobi_verify_request request = {.evidence = file, .time = TEST_NOW};
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	bool accepted;

	if (tobi_verify(policy, &request, &result, &fault)) {
		must(result == NULL && fault.code != TOBI_OK);
		return false;
	}
	accepted = tobi_result_verdict(result) == TOBI_ACCEPT;
	must(tobi_result_check_count(result) > 0);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		must(!accepted || check->outcome == TOBI_PASSED ||
		     check->outcome == TOBI_NOT_ASKED);
	}
	must(!accepted || strstr(tobi_result_allowance(result, 0), "no session binding"));
	tobi_result_free(result);
	return accepted;
}

bool fuzz_one(struct tobi_bytes input)
{
	const uint8_t *end = input.size ? memchr(input.ptr, 0, input.size) : NULL;
	struct tobi_bytes yaml = {input.ptr,
				  end ? (size_t)(end - input.ptr) : input.size};
	struct tobi_policy *policy = NULL;
	bool accepted;

	/* An evidence file, a CBOR map, is for another target. */
	if (!end || end + 1 == input.ptr + input.size || end[1] >= 0x80 ||
	    tobi_policy_parse(yaml, "policy", &policy, NULL))
		return false;
	accepted =
	    appraise(policy, (struct tobi_bytes){end + 1, input.size - yaml.size - 1});
	must(!accepted || memmem(yaml.ptr, yaml.size, "ra-tls", 6));
	tobi_policy_free(policy);
	return accepted;
}

static void write_certificate(struct test_scene *scene, EVP_PKEY *key, bool legacy,
			      struct writer *out)
{
	static const uint8_t quote[600] = {3};
	struct writer token = wr_init(LIMIT_TOKEN), value = wr_init(LIMIT_CERTIFICATE);
	struct test_leaf leaf = {.key = key, .extension_count = legacy ? 2 : 1};
	struct ratls_evidence evidence = {.tag = RATLS_TAG_EAT};

	wr_done(&scene->claims_buffer);
	scene->claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER);
	test_claims_write(key, &(struct test_claims){.hash = CLAIMS_SHA256},
			  &scene->claims_buffer);
	test_scene_token(scene, &token);
	evidence.evidence = wr_view(&token);
	evidence.claims_buffer = wr_view(&scene->claims_buffer);
	ratls_evidence_write(&value, &evidence);
	leaf.extensions[0] =
	    (struct test_extension){&ratls_evidence_name, wr_view(&value), false};
	leaf.extensions[1] =
	    (struct test_extension){&ratls_gramine_name, {quote, sizeof(quote)}, false};
	test_leaf_write(&leaf, out);
	wr_done(&token);
	wr_done(&value);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	struct test_scene scene;
	EVP_PKEY *key;

	if (number >= 4)
		return FUZZ_NO_SEED;
	key = test_key_make(number == 1 ? TEST_P384 : TEST_P256);
	test_scene_make(&scene);
	scene.damage_signature = number == 3;
	scene.more = number == 2 ? "" : "channel: ra-tls\n";
	test_scene_policy(&scene, out);
	wr_u8(out, 0);
	write_certificate(&scene, key, number == 1, &der);
	if (number == 1)
		must(!chain_write_pem(wr_view(&der), out, NULL));
	else
		wr_bytes(out, der.ptr, der.size);
	test_scene_done(&scene);
	wr_done(&der);
	EVP_PKEY_free(key);
	return number < 2 ? FUZZ_GOOD : FUZZ_BAD;
}
