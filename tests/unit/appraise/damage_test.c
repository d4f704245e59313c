/* Evidence that was cut short or changed: never accepted, never a crash, and what is not
 * readable is named with its place. */
#include "appraise/appraise.h"
#include "tests/check.h"
#include "tests/evidence.h"

struct stage {
	struct test_scene scene;
	struct writer evidence;
	struct tobi_policy *policy;
};

static void stage_make(struct stage *stage)
{
	struct writer yaml = wr_init(LIMIT_POLICY);

	test_scene_make(&stage->scene);
	stage->evidence = wr_init(LIMIT_EVIDENCE);
	test_scene_evidence(&stage->scene, &stage->evidence);
	test_scene_policy(&stage->scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &stage->policy, NULL),
			 0);
	wr_done(&yaml);
}

static void stage_done(struct stage *stage)
{
	tobi_policy_free(stage->policy);
	wr_done(&stage->evidence);
	test_scene_done(&stage->scene);
}

/* From a heap block of the exact size, so that reading past it is seen. */
static enum tobi_verdict verify(const struct stage *stage, const uint8_t *bytes,
				size_t size, enum tobi_err *ret_err,
				struct tobi_fault *fault)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct tobi_verify_request request = {.evidence = {copy, size},
					      .nonce = stage->scene.given_nonce,
					      .time = TEST_NOW};
	struct tobi_result *result = NULL;
	enum tobi_verdict verdict;

	memcpy(copy, bytes, size);
	*ret_err = tobi_verify(stage->policy, &request, &result, fault);
	verdict = tobi_result_verdict(result);
	tobi_result_free(result);
	free(copy);
	return verdict;
}

static void test_verify__truncated__fails(void **state)
{
	struct stage stage;

	(void)state;
	stage_make(&stage);
	for (size_t size = 0; size < stage.evidence.size; size++) {
		struct tobi_fault fault = {0};
		enum tobi_err err;

		assert_int_equal(verify(&stage, stage.evidence.ptr, size, &err, &fault),
				 TOBI_REFUSE);
		assert_int_not_equal(err, TOBI_OK);
		assert_true(fault.object[0] && fault.has_offset);
		assert_true(fault.offset <= size);
	}
	stage_done(&stage);
}

static void test_verify__trailing__fails(void **state)
{
	struct tobi_fault fault = {0};
	struct stage stage;
	enum tobi_err err;

	(void)state;
	stage_make(&stage);
	wr_u8(&stage.evidence, 0);
	assert_int_equal(
	    verify(&stage, stage.evidence.ptr, stage.evidence.size, &err, &fault),
	    TOBI_REFUSE);
	assert_int_equal(err, TOBI_E_TRAILING);
	stage_done(&stage);
}

/*
 * Every bit, save those of the CA certificate that comes along: it is help that nobody
 * has to believe, since the chain ends at the policy's own copy of it.
 */
static void test_verify__any_bit__refused(void **state)
{
	struct stage stage;
	const struct writer *ca = &stage.scene.platform.ca;
	const uint8_t *skipped;

	(void)state;
	stage_make(&stage);
	skipped = memmem(stage.evidence.ptr, stage.evidence.size, ca->ptr, ca->size);
	assert_non_null(skipped);
	for (size_t bit = 0; bit < 8 * stage.evidence.size; bit++) {
		uint8_t *byte = &stage.evidence.ptr[bit / 8];
		enum tobi_err err;

		if (byte >= skipped && byte < skipped + ca->size)
			continue;
		*byte ^= (uint8_t)(1 << bit % 8);
		if (verify(&stage, stage.evidence.ptr, stage.evidence.size, &err, NULL) ==
		    TOBI_ACCEPT)
			fail_msg("bit %zu of byte %zu is not covered", bit % 8, bit / 8);
		*byte ^= (uint8_t)(1 << bit % 8);
	}
	stage_done(&stage);
}

static void test_verify__too_large__fails(void **state)
{
	uint8_t *large = calloc(1, LIMIT_EVIDENCE + 1);
	struct tobi_fault fault = {0};
	struct stage stage;
	enum tobi_err err;

	(void)state;
	stage_make(&stage);
	assert_int_equal(verify(&stage, large, LIMIT_EVIDENCE + 1, &err, &fault),
			 TOBI_REFUSE);
	assert_int_equal(err, TOBI_E_LIMIT);
	assert_string_equal(fault.object, "evidence");
	free(large);
	stage_done(&stage);
}

static void test_verify__no_result__refuses(void **state)
{
	(void)state;
	assert_int_equal(tobi_result_verdict(NULL), TOBI_REFUSE);
	assert_int_equal(tobi_result_check_count(NULL), 0);
	assert_null(tobi_result_check(NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verify__truncated__fails),
	    cmocka_unit_test(test_verify__trailing__fails),
	    cmocka_unit_test(test_verify__any_bit__refused),
	    cmocka_unit_test(test_verify__too_large__fails),
	    cmocka_unit_test(test_verify__no_result__refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
