/* Appraising a quote of SGX, from the text of the policy to the explanation: by a policy
 * that knows nothing yet. */
#include "tests/check.h"

#include <stdlib.h>

#include "tests/dcap_collateral.h"
#include "tests/torture/alloc.h"
#include "tobichi/verify.h"

struct appraisal {
	struct dcap_scene scene;
	struct dcap_test_collateral documents;
	struct tobi_collateral *set;
	struct writer yaml, quote, pem;
	struct tobi_bytes piece;
};

static struct appraisal *begin(void)
{
	struct appraisal *appraisal = calloc(1, sizeof(*appraisal));

	assert_non_null(appraisal);
	dcap_scene_make(&appraisal->scene);
	dcap_test_collateral_make(&appraisal->scene, &appraisal->documents);
	appraisal->set = tobi_collateral_new();
	assert_non_null(appraisal->set);
	appraisal->yaml = wr_init(LIMIT_POLICY);
	appraisal->quote = wr_init(LIMIT_EVIDENCE);
	appraisal->pem = wr_init(LIMIT_PEM);
	return appraisal;
}

static void write_policy(struct appraisal *appraisal, enum dcap_scene_role root)
{
	struct writer *out = &appraisal->yaml;
	struct writer pem = wr_init(LIMIT_PEM);

	wr_printf(out, "version: 1\ntiers: [sgx]\nsigners: [");
	for (size_t i = 0; i < 32; i++)
		wr_printf(out, "%02x", appraisal->scene.body[128 + i]);
	wr_printf(out, "]\nallow: [no-nonce]\nidentity: {mode: any-instance}\n"
		       "roots:\n- tier: sgx\n  anchors: |\n    ");
	dcap_scene_pem(&appraisal->scene, root, &pem);
	for (size_t i = 0; i < pem.size; i++) {
		wr_u8(out, pem.ptr[i]);
		if (pem.ptr[i] == '\n')
			wr_printf(out, "    ");
	}
	wr_printf(out, "\n");
	wr_done(&pem);
}

static void *end(struct appraisal *appraisal, enum dcap_scene_role root)
{
	write_policy(appraisal, root);
	dcap_test_put(&appraisal->scene, &appraisal->documents, appraisal->set);
	dcap_scene_quote(&appraisal->scene, &appraisal->quote);
	dcap_scene_pem(&appraisal->scene, DCAP_PCK, &appraisal->pem);
	dcap_scene_pem(&appraisal->scene, DCAP_CA, &appraisal->pem);
	dcap_scene_pem(&appraisal->scene, DCAP_ROOT, &appraisal->pem);
	appraisal->piece = wr_view(&appraisal->pem);
	return appraisal;
}

static void *good(void)
{
	return end(begin(), DCAP_ROOT);
}

static void *named(void)
{
	struct appraisal *appraisal = begin();

	appraisal->scene.certification = DCAP_PPID_RSA3072;
	return end(appraisal, DCAP_ROOT);
}

static void *of_another_root(void)
{
	return end(begin(), DCAP_CA);
}

static void *revoked(void)
{
	struct appraisal *appraisal = begin();

	appraisal->scene.pck_crl.revoked[0] =
	    appraisal->scene.certificates[DCAP_PCK].serial;
	return end(appraisal, DCAP_ROOT);
}

static void *damaged(void)
{
	struct appraisal *appraisal = begin();

	appraisal->scene.damage_signature = true;
	return end(appraisal, DCAP_ROOT);
}

static enum ending appraise(void *context)
{
	struct appraisal *appraisal = context;
	struct tobi_verify_request request = {.evidence = wr_view(&appraisal->quote),
					      .time = DCAP_NOW,
					      .collateral = appraisal->set,
					      .pieces = &appraisal->piece,
					      .piece_count = 1};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	enum ending ending = FAILED;
	char *text = NULL;

	if (!tobi_policy_parse(wr_view(&appraisal->yaml), "p.yaml", &policy, NULL) &&
	    !tobi_verify(policy, &request, &result, NULL)) {
		ending = tobi_result_verdict(result) == TOBI_ACCEPT ? ACCEPTED : REFUSED;
		if (!tobi_result_write(result, TOBI_FORMAT_JSON, &text, NULL))
			free(text);
	}
	tobi_result_free(result);
	tobi_policy_free(policy);
	return ending;
}

static void done(void *context)
{
	struct appraisal *appraisal = context;

	wr_done(&appraisal->yaml);
	wr_done(&appraisal->quote);
	wr_done(&appraisal->pem);
	tobi_collateral_free(appraisal->set);
	free(appraisal);
}

const struct scenario alloc_quote[] = {
    {"quote", ACCEPTED, good, appraise, done},
    {"quote that names its certificate", ACCEPTED, named, appraise, done},
    {"quote of another root", REFUSED, of_another_root, appraise, done},
    {"quote of a platform that is revoked", REFUSED, revoked, appraise, done},
    {"quote that was changed", REFUSED, damaged, appraise, done},
    {0},
};
