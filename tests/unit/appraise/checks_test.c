/*
 * Each check of a file's appraisal, failing alone. The table must name every code that
 * the verifier can owe: a new check without a case here fails the test.
 */
#include "appraise/appraise.h"
#include "appraise/policy_checks.h"
#include "codec/cbor.h"
#include "tests/check.h"
#include "tests/evidence.h"
#include "token/claims_buffer.h"

#include <stdlib.h>

static const uint8_t other[48] = {0x99};
static struct test_platform stranger;

static struct tobi_bytes bytes_of(const char *literal)
{
	return (struct tobi_bytes){(const uint8_t *)literal, strlen(literal)};
}

#define CHANGE(name, ...)                                                                \
	static void name(struct test_scene *scene)                                       \
	{                                                                                \
		__VA_ARGS__;                                                             \
	}
CHANGE(of_another_tier, scene->tiers = "tdx")
CHANGE(of_another_image, scene->claims.image_id.ptr = other)
CHANGE(by_another_signer, scene->claims.signers[0].ptr = other)
CHANGE(without_signer, scene->claims.signer_count = 0)
CHANGE(of_another_product, scene->claims.product = 8)
CHANGE(too_old_a_version, scene->claims.svn = 2)
CHANGE(debugged, scene->claims.dbgstat = 0)
CHANGE(too_old, scene->claims.issued = TEST_NOW - 601)
CHANGE(of_another_launch, scene->claims.config_id.ptr = other)
CHANGE(of_another_agent, scene->claims.agent.ptr = other)
CHANGE(of_another_owner, scene->claims.owner.ptr = other)
CHANGE(of_no_owner, scene->claims.owner = (struct tobi_bytes){0})
CHANGE(of_other_hardware,
       scene->identity =
	   "identity:\n  mode: hardware\n  hardware: "
	   "[010000000000000000000000000000000000000000000000000000000000000000]\n")
CHANGE(by_name_only, scene->identity = "identity:\n  mode: any-instance\n";
       scene->given_nonce = (struct tobi_bytes){0})
CHANGE(other_nonce, scene->given_nonce = (struct tobi_bytes){other, 32})
CHANGE(unreadable_claims, scene->claims_buffer.size = 0;
       wr_u8(&scene->claims_buffer, 0xff))
CHANGE(another_profile,
       scene->claims.profile = bytes_of("tag:tobichi.example,2026:soft#2"))
CHANGE(unknown_anchor, scene->anchors_pem = (const char *)stranger.ca_pem.ptr)
CHANGE(expired_chain, scene->now = TEST_NOW + 3 * 24 * 3600;
       scene->claims.issued = (uint64_t)scene->now)
CHANGE(damaged, scene->damage_signature = true)
CHANGE(of_another_key, scene->claims.ueid.ptr = stranger.ueid)
CHANGE(for_other_claims, scene->keep_claims_nonce = true;
       scene->claims.nonce = (struct tobi_bytes){other, 32})
CHANGE(claims_another_tier, scene->claims.tier = bytes_of("tdx"))
CHANGE(from_the_future, scene->claims.issued = TEST_NOW + 61)
CHANGE(without_seccomp, scene->claims.protections &= ~(uint64_t)SOFT_SECCOMP)
CHANGE(without_limits, scene->claims.protections &= ~(uint64_t)SOFT_LIMIT_MEMORY)
CHANGE(by_a_user, scene->claims.by_user = 1;
       scene->claims.protections &= ~(uint64_t)(SOFT_LIMIT_MEMORY | SOFT_OWN_USER))
CHANGE(half_debugged, scene->claims.dbgstat = 2)
CHANGE(without_any_protection, scene->claims.protections = 0)

/* The platform's key is of a kind that the profile does not allow. */
static void of_another_algorithm(struct test_scene *scene)
{
	test_platform_done(&scene->platform);
	test_platform_make(&scene->platform, KEY_ED25519);
	scene->anchors_pem = (const char *)scene->platform.ca_pem.ptr;
}

#define FAILS(code, change)                                                              \
	{                                                                                \
		code, #change, change                                                    \
	}
static const struct {
	const char *code, *name;
	void (*change)(struct test_scene *scene);
} cases[] = {
    FAILS("POLICY-TIER", of_another_tier),
    FAILS("POLICY-IMAGE", of_another_image),
    FAILS("POLICY-SIGNER", by_another_signer),
    FAILS("POLICY-SIGNER", without_signer),
    FAILS("POLICY-PRODUCT", of_another_product),
    FAILS("POLICY-SVN", too_old_a_version),
    FAILS("POLICY-DEBUG", debugged),
    FAILS("POLICY-DEBUG", half_debugged),
    FAILS("POLICY-LAUNCHER", by_a_user),
    FAILS("POLICY-FRESHNESS", too_old),
    FAILS("POLICY-CONFIG", of_another_launch),
    FAILS("POLICY-AGENT", of_another_agent),
    FAILS("POLICY-IDENTITY", of_another_owner),
    FAILS("POLICY-IDENTITY", of_no_owner),
    FAILS("POLICY-IDENTITY", of_other_hardware),
    FAILS("CLAIMS-FORMAT", unreadable_claims),
    FAILS("CLAIMS-NONCE", other_nonce),
    FAILS("CLAIMS-NONCE", by_name_only),
    FAILS("SOFT-FORMAT", of_another_algorithm),
    FAILS("SOFT-PROFILE", another_profile),
    FAILS("SOFT-CHAIN", unknown_anchor),
    FAILS("SOFT-CHAIN", expired_chain),
    FAILS("SOFT-SIGNATURE", damaged),
    FAILS("SOFT-UEID", of_another_key),
    FAILS("SOFT-NONCE", for_other_claims),
    FAILS("SOFT-TIER", claims_another_tier),
    FAILS("SOFT-TIME", from_the_future),
    FAILS("SOFT-PROTECTIONS", without_seccomp),
    FAILS("SOFT-PROTECTIONS", without_limits),
    FAILS("SOFT-PROTECTIONS", without_any_protection),
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void test_verify__good__accepts(void **state)
{
	struct test_scene scene;
	struct tobi_result *result;

	(void)state;
	test_scene_make(&scene);
	result = test_scene_appraise(&scene);
	assert_string_equal(tobi_result_reason(result), "accepted");
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		bool elsewhere = strcmp(line->code, "POLICY-PCRS") == 0 ||
				 strcmp(line->code, "POLICY-COLLATERAL") == 0;

		assert_int_equal(line->outcome, elsewhere ? TOBI_NOT_ASKED : TOBI_PASSED);
		assert_true(line->proves[0] && line->source[0] && line->remedy[0]);
	}
	assert_null(tobi_result_check(result, tobi_result_check_count(result)));
	tobi_result_free(result);
	test_scene_done(&scene);
}

/* Exactly the check named fails, and that alone refuses. */
static void run_case(size_t index)
{
	struct test_scene scene;
	struct tobi_result *result;
	bool found = false;

	test_scene_make(&scene);
	cases[index].change(&scene);
	result = test_scene_appraise(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		if (line->outcome != TOBI_FAILED)
			continue;
		if (strcmp(line->code, cases[index].code) == 0)
			found = true;
		else if (strcmp(cases[index].code, "SOFT-FORMAT") != 0)
			fail_msg("%s: %s failed too (%s)", cases[index].name, line->code,
				 line->found);
	}
	if (!found)
		fail_msg("%s: %s did not fail", cases[index].name, cases[index].code);
	assert_non_null(strstr(tobi_result_reason(result), ":"));
	tobi_result_free(result);
	test_scene_done(&scene);
}

static void test_verify__each_check__refuses_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++)
		run_case(i);
}

static void require_case(const struct check *check)
{
	for (size_t i = 0; i < CASES; i++) {
		if (strcmp(cases[i].code, check->code) == 0)
			return;
	}
	fail_msg("%s has no case here", check->code);
}

static void test_cases__name_every_check(void **state)
{
	const struct tee_verifier *verifier = tee_verifier_named("eat");

	(void)state;
	for (size_t i = 0; policy_check_rows[i]; i++) {
		/* They want a TPM's quote, and vendors' documents: tpm_test.c,
		 * collateral_test.c. */
		if (strcmp(policy_check_rows[i]->code, "POLICY-PCRS") != 0 &&
		    strcmp(policy_check_rows[i]->code, "POLICY-COLLATERAL") != 0)
			require_case(policy_check_rows[i]);
	}
	for (size_t i = 0; claims_check_rows[i]; i++)
		require_case(claims_check_rows[i]);
	/* The kinds of vendors have files of their own: tests/unit/tee. */
	for (size_t i = 0; verifier->checks[i]; i++)
		require_case(verifier->checks[i]);
}

/* An owner's chain: for this platform's key it counts, for another key it does not. */
static void endorse(struct test_scene *scene, EVP_PKEY *subject, struct writer *out)
{
	struct cert_request request = {.role = CERT_PLATFORM,
				       .common_name = "endorsed",
				       .not_before = TEST_NOW - 60,
				       .not_after = TEST_NOW + 60,
				       .key = subject};
	struct writer leaf = wr_init(LIMIT_CERTIFICATE);
	X509 *ca = NULL;

	assert_int_equal(chain_read_certificate(wr_view(&stranger.ca), "ca", &ca, NULL),
			 0);
	assert_int_equal(cert_make(&request, ca, stranger.ca_key, &leaf, NULL), 0);
	cbor_write_array(out, 2);
	cbor_write_bytes(out, wr_view(&leaf));
	cbor_write_bytes(out, wr_view(&stranger.ca));
	scene->endorse = wr_view(out);
	scene->anchors_pem = (const char *)stranger.ca_pem.ptr;
	X509_free(ca);
	wr_done(&leaf);
}

static void test_verify__owner_chain__counts_for_its_key_only(void **state)
{
	(void)state;
	for (int own = 0; own < 2; own++) {
		struct writer chain = wr_init(LIMIT_PEM);
		struct test_scene scene;
		struct tobi_result *result;

		test_scene_make(&scene);
		endorse(&scene, own ? scene.platform.key : stranger.key, &chain);
		result = test_scene_appraise(&scene);
		assert_int_equal(tobi_result_verdict(result),
				 own ? TOBI_ACCEPT : TOBI_REFUSE);
		if (!own)
			assert_non_null(strstr(tobi_result_reason(result), "SOFT-CHAIN"));
		tobi_result_free(result);
		test_scene_done(&scene);
		wr_done(&chain);
	}
}

/* What the policy allows by name is accepted, and every form of the result says so. */
static void test_verify__allowed__accepts_and_says_so(void **state)
{
	struct test_scene scene;
	struct tobi_result *result;
	char *text = NULL;

	(void)state;
	test_scene_make(&scene);
	scene.given_nonce = (struct tobi_bytes){0};
	scene.more = "allow: [no-nonce, debug, user-launch]\n";
	scene.claims.dbgstat = 0;
	by_a_user(&scene);
	result = test_scene_appraise(&scene);
	assert_string_equal(tobi_result_reason(result), "accepted");
	for (enum tobi_format format = TOBI_FORMAT_TEXT; format <= TOBI_FORMAT_HTML;
	     format++) {
		assert_int_equal(tobi_result_write(result, format, &text, NULL), 0);
		assert_non_null(strstr(text, "DEBUG: "));
		assert_non_null(strstr(text, "NO NONCE: "));
		assert_non_null(strstr(text, "USER LAUNCH: "));
		assert_non_null(strstr(text, "memory limit, own user"));
		if (format == TOBI_FORMAT_JSON)
			assert_non_null(strstr(text, "\"contraindicated\""));
		free(text);
	}
	tobi_result_free(result);
	test_scene_done(&scene);
}

static void test_verify__arguments__bounded(void **state)
{
	static const int64_t times[] = {-1, INT64_MIN, INT64_MAX, (INT64_C(1) << 53) + 1};
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_EVIDENCE);
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct test_scene scene;

	(void)state;
	test_scene_make(&scene);
	test_scene_policy(&scene, &yaml);
	test_scene_evidence(&scene, &evidence);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "p", &policy, NULL), 0);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct tobi_verify_request request = {wr_view(&evidence),
						      scene.given_nonce, times[i]};

		assert_int_equal(tobi_verify(policy, &request, &result, NULL),
				 TOBI_E_ARGUMENT);
		assert_null(result);
	}
	/* Nothing to appraise, or nothing to appraise it by. */
	assert_int_equal(tobi_verify(NULL, NULL, &result, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(tobi_verify(policy, NULL, &result, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(tobi_policy_parse((struct tobi_bytes){0}, "p", &policy, NULL),
			 TOBI_E_ARGUMENT);
	tobi_policy_free(policy);
	test_scene_done(&scene);
	wr_done(&yaml);
	wr_done(&evidence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verify__good__accepts),
	    cmocka_unit_test(test_verify__each_check__refuses_alone),
	    cmocka_unit_test(test_cases__name_every_check),
	    cmocka_unit_test(test_verify__owner_chain__counts_for_its_key_only),
	    cmocka_unit_test(test_verify__allowed__accepts_and_says_so),
	    cmocka_unit_test(test_verify__arguments__bounded),
	};
	int failed;

	test_platform_make(&stranger, KEY_P384);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_platform_done(&stranger);
	return failed;
}
