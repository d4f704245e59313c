/* Appraising evidence from the text of the policy to the explanation. */
#include "tests/check.h"

#include <stdlib.h>

#include "tests/evidence.h"
#include "tests/torture/alloc.h"
#include "tobichi/verify.h"

struct appraisal {
	struct test_scene scene;
	struct test_platform other;
	struct writer yaml, evidence;
};

static struct appraisal *begin(void)
{
	struct appraisal *appraisal = calloc(1, sizeof(*appraisal));

	assert_non_null(appraisal);
	test_scene_make(&appraisal->scene);
	test_platform_make(&appraisal->other, KEY_P256);
	appraisal->yaml = wr_init(LIMIT_POLICY);
	appraisal->evidence = wr_init(LIMIT_EVIDENCE);
	return appraisal;
}

static void *end(struct appraisal *appraisal)
{
	test_scene_policy(&appraisal->scene, &appraisal->yaml);
	test_scene_evidence(&appraisal->scene, &appraisal->evidence);
	return appraisal;
}

static void *good(void)
{
	return end(begin());
}

static void *damaged(void)
{
	struct appraisal *appraisal = begin();

	appraisal->scene.damage_signature = true;
	return end(appraisal);
}

static void *of_another_root(void)
{
	struct appraisal *appraisal = begin();

	appraisal->scene.anchors_pem = (const char *)appraisal->other.ca_pem.ptr;
	return end(appraisal);
}

static void *old(void)
{
	struct appraisal *appraisal = begin();

	appraisal->scene.claims.svn = 0;
	return end(appraisal);
}

static void *of_another_nonce(void)
{
	struct appraisal *appraisal = end(begin());

	appraisal->scene.given_nonce.size = 16;
	return appraisal;
}

static void *without_a_protection(void)
{
	struct appraisal *appraisal = begin();

	appraisal->scene.claims.protections &= ~(uint64_t)(1 << 9);
	return end(appraisal);
}

static enum ending appraise(void *context)
{
	const struct appraisal *appraisal = context;
	struct tobi_verify_request request = {wr_view(&appraisal->evidence),
					      appraisal->scene.given_nonce,
					      appraisal->scene.now};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	enum ending ending = FAILED;

	if (!tobi_policy_parse(wr_view(&appraisal->yaml), "torture", &policy, &fault) &&
	    !tobi_verify(policy, &request, &result, &fault))
		ending = tobi_result_verdict(result) == TOBI_ACCEPT ? ACCEPTED : REFUSED;
	for (int format = TOBI_FORMAT_TEXT;
	     ending != FAILED && format <= TOBI_FORMAT_HTML; format++) {
		char *text = NULL;

		if (!tobi_result_write(result, (enum tobi_format)format, &text, &fault))
			free(text);
	}
	tobi_result_free(result);
	tobi_policy_free(policy);
	return ending;
}

static void done(void *context)
{
	struct appraisal *appraisal = context;

	test_scene_done(&appraisal->scene);
	test_platform_done(&appraisal->other);
	wr_done(&appraisal->yaml);
	wr_done(&appraisal->evidence);
	free(appraisal);
}

const struct scenario alloc_appraise[] = {
    {"appraise good evidence", ACCEPTED, good, appraise, done},
    {"appraise a damaged signature", REFUSED, damaged, appraise, done},
    {"appraise evidence of another root", REFUSED, of_another_root, appraise, done},
    {"appraise an old security version", REFUSED, old, appraise, done},
    {"appraise another nonce", REFUSED, of_another_nonce, appraise, done},
    {"appraise a missing protection", REFUSED, without_a_protection, appraise, done},
    {0},
};
