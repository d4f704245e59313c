/* Certificates with a report of SEV-SNP (librats' form): it reaches its verifier, and is
 * bound to the certificate's key. */
#include "appraise/ratls.h"
#include "tests/alone.h"
#include "tests/ratls.h"
#include "tests/snp_scene.h"
#include "tobichi/verify.h"

enum { REPORT_DATA = 64, SNP_REPORT_DATA_AT = 0x50 };

static EVP_PKEY *key, *other_key;

static void accepted(const struct tobi_result *result)
{
	assert_string_equal(tobi_result_reason(result), "accepted");
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(strstr(tobi_result_allowance(result, 0), "RA-TLS"));
}

static void refused(const struct tobi_result *result, const char *code)
{
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	if (outcome_of(result, code) == TOBI_PASSED)
		fail_msg("%s passed", code);
}

struct snp_world {
	struct snp_scene scene;
	EVP_PKEY *claims_key;
	bool over_other_claims, longer;
};

static struct tobi_result *appraise_snp(struct snp_world *world)
{
	CLEANUP(wr_done) struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER);
	CLEANUP(wr_done) struct writer report = wr_init(LIMIT_EVIDENCE);
	CLEANUP(wr_done) struct writer value = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct snp_scene *scene = &world->scene;
	struct ratls_evidence evidence = {.tag = RATLS_TAG_SNP};
	struct test_leaf leaf = {
	    .key = key, .extension_count = 1, .from = SNP_NOW - 10, .to = SNP_NOW + 10};
	struct tobi_verify_request request = {.time = SNP_NOW};
	struct test_claims empty = {0};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	test_claims_write(world->claims_key, &empty, &claims);
	for (size_t i = 0; i < REPORT_DATA; i++)
		scene->report[SNP_REPORT_DATA_AT + i] = 0;
	assert_int_equal(
	    hash_sha256(wr_view(&claims), scene->report + SNP_REPORT_DATA_AT), 0);
	scene->report[SNP_REPORT_DATA_AT] ^= world->over_other_claims;
	snp_scene_report(scene, &report);
	if (world->longer)
		wr_u8(&report, 0);
	evidence.evidence = wr_view(&report);
	evidence.claims_buffer = wr_view(&claims);
	ratls_evidence_write(&value, &evidence);
	leaf.extensions[0] =
	    (struct test_extension){&ratls_evidence_name, wr_view(&value), false};
	test_leaf_write(&leaf, &der);
	scene->more = "channel: ra-tls\n";
	snp_scene_policy(scene, &yaml);
	if (tobi_policy_parse(wr_view(&yaml), "p", &policy, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	snp_scene_pieces(scene);
	request.evidence = wr_view(&der);
	request.pieces = scene->pieces;
	request.piece_count = scene->piece_count;
	if (world->longer)
		assert_int_equal(tobi_verify(policy, &request, &result, &fault),
				 TOBI_E_TRAILING);
	else if (tobi_verify(policy, &request, &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	tobi_policy_free(policy);
	return result;
}

#define SNP(change, then)                                                                \
	do {                                                                             \
		struct snp_world world = {.claims_key = key};                            \
		struct tobi_result *result;                                              \
                                                                                         \
		snp_scene_make(&world.scene);                                            \
		change;                                                                  \
		result = appraise_snp(&world);                                           \
		then;                                                                    \
		tobi_result_free(result);                                                \
		snp_scene_done(&world.scene);                                            \
	} while (0)

static void test_ratls_snp__report__reaches_its_verifier(void **state)
{
	(void)state;
	SNP((void)0, accepted(result));
	SNP(world.over_other_claims = true, {
		refused(result, "RATLS-BINDING");
		refused(result, "SNP-REPORT-DATA");
		assert_int_equal(outcome_of(result, "SNP-SIGNATURE"), TOBI_PASSED);
	});
	SNP(world.claims_key = other_key, refused(result, "RATLS-KEY"));
	SNP(world.scene.unsigned_report = true, refused(result, "SNP-SIGNATURE"));
	SNP(world.scene.without_leaf = true, refused(result, "SNP-SIGNATURE"));
	/* Only a table of certificates may follow. */
	SNP(world.longer = true, assert_null(result));
}

static int make_keys(void **state)
{
	(void)state;
	key = test_key_make(TEST_P256);
	other_key = test_key_make(TEST_P256);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls_snp__report__reaches_its_verifier),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
