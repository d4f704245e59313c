/* A policy asks the same of a TPM when the evidence comes in a certificate; what cannot
 * come in one is refused. */
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/ratls.h"
#include "tests/tpm_scene.h"

#define RATLS "channel: ra-tls\n"

static struct test_tpm tpm;
static struct test_platform stranger;
static struct writer submodule;

static void add_quote(struct test_scene *scene, struct tobi_bytes nonce)
{
	wr_done(&submodule);
	submodule = wr_init(LIMIT_TPM_EVIDENCE);
	test_tpm_quote(&tpm, scene->signs, nonce, &submodule);
	scene->claims.tpm = wr_view(&submodule);
}

static void write_certificate(struct test_scene *scene, struct writer *out)
{
	struct writer token = wr_init(LIMIT_TOKEN), value = wr_init(LIMIT_CERTIFICATE);
	struct ratls_evidence evidence = {.tag = RATLS_TAG_EAT};
	struct test_claims claims = {0};
	EVP_PKEY *key = test_key_make(TEST_P256);
	struct test_leaf leaf = {.key = key, .extension_count = 1};

	wr_done(&scene->claims_buffer);
	scene->claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER);
	test_claims_write(key, &claims, &scene->claims_buffer);
	test_scene_token(scene, &token);
	evidence.claims_buffer = wr_view(&scene->claims_buffer);
	evidence.evidence = wr_view(&token);
	ratls_evidence_write(&value, &evidence);
	leaf.extensions[0] =
	    (struct test_extension){&ratls_evidence_name, wr_view(&value), false};
	test_leaf_write(&leaf, out);
	EVP_PKEY_free(key);
	wr_done(&token);
	wr_done(&value);
}

static struct tobi_result *appraise(struct test_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY), der = wr_init(2 * LIMIT_CERTIFICATE);
	struct tobi_verify_request request = {.time = scene->now};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	test_scene_policy(scene, &yaml);
	write_certificate(scene, &der);
	request.evidence = wr_view(&der);
	if (tobi_policy_parse(wr_view(&yaml), "scene.yaml", &policy, &fault) ||
	    tobi_verify(policy, &request, &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	tobi_policy_free(policy);
	wr_done(&yaml);
	wr_done(&der);
	return result;
}

/* Nothing fails but this; NULL: it accepts. */
static void expect(struct test_scene *scene, const char *code)
{
	struct tobi_result *result = appraise(scene);
	bool found = !code;

	assert_int_equal(tobi_result_verdict(result), code ? TOBI_REFUSE : TOBI_ACCEPT);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		if (line->outcome != TOBI_FAILED)
			continue;
		if (!code || strcmp(line->code, code) != 0)
			fail_msg("%s failed (%s)", line->code, line->found);
		found = true;
	}
	assert_true(found);
	tobi_result_free(result);
}

static void test_ratls__policy_with_tpm__takes_a_right_quote(void **state)
{
	struct test_scene scene;

	(void)state;
	test_scene_make(&scene);
	test_tpm_make(&tpm, &scene.platform);
	scene.claims.root_kind = (struct tobi_bytes){(const uint8_t *)"tpm", 3};
	scene.add = add_quote;
	scene.more = RATLS "tpm: {}\n";
	expect(&scene, NULL);
	test_tpm_done(&tpm);
	test_scene_done(&scene);
}

static void test_ratls__policy_with_tpm_and_keys_in_files__is_refused(void **state)
{
	struct test_scene scene;

	(void)state;
	test_scene_make(&scene);
	scene.more = RATLS;
	expect(&scene, NULL);
	scene.more = RATLS "tpm: {}\n";
	expect(&scene, "TPM-FORMAT");
	test_scene_done(&scene);
}

static void test_ratls__attestation_key_of_another_anchor__is_refused(void **state)
{
	char more[LIMIT_PEM];
	struct test_scene scene;
	size_t size = (size_t)snprintf(more, sizeof(more), RATLS "tpm:\n  anchors: |\n");

	(void)state;
	test_scene_make(&scene);
	test_tpm_make(&tpm, &scene.platform);
	scene.add = add_quote;
	for (const char *at = (const char *)stranger.ca_pem.ptr; *at;) {
		size_t line = strcspn(at, "\n");

		size += (size_t)snprintf(more + size, sizeof(more) - size, "    %.*s\n",
					 (int)line, at);
		at += line + (at[line] != 0);
	}
	scene.more = more;
	expect(&scene, "TPM-AK-CHAIN");
	test_tpm_done(&tpm);
	test_scene_done(&scene);
}

/* A certificate carries neither devices nor a guest's evidence. */
static void test_ratls__policy_with_what_is_beside__is_refused(void **state)
{
	static const char *const more[] = {
	    RATLS "gpu: {min-count: 1}\n",
	    RATLS "guest:\n  tiers: [snp]\n  images: "
		  "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]\n"};
	struct test_scene scene;

	(void)state;
	test_scene_make(&scene);
	scene.tiers = "soft";
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		struct tobi_result *result;

		scene.more = more[i];
		result = appraise(&scene);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		tobi_result_free(result);
	}
	test_scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls__policy_with_tpm__takes_a_right_quote),
	    cmocka_unit_test(test_ratls__policy_with_tpm_and_keys_in_files__is_refused),
	    cmocka_unit_test(test_ratls__policy_with_what_is_beside__is_refused),
	    cmocka_unit_test(test_ratls__attestation_key_of_another_anchor__is_refused),
	};
	int failed;

	test_platform_make(&stranger, KEY_P384);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_platform_done(&stranger);
	wr_done(&submodule);
	return failed;
}
