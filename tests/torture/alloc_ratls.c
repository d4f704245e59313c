/* Certificates that carry evidence: what is wrong with one stays wrong without memory. */
#include "tests/check.h"

#include <stdlib.h>

#include "tests/ratls.h"
#include "tests/torture/alloc.h"
#include "tobichi/verify.h"

struct carried {
	struct test_scene scene;
	EVP_PKEY *key, *other;
	struct test_leaf leaf;
	struct writer yaml, der;
};

static struct carried *begin(void)
{
	struct carried *carried = calloc(1, sizeof(*carried));

	assert_non_null(carried);
	test_scene_make(&carried->scene);
	carried->scene.more = "channel: ra-tls\n";
	carried->key = test_key_make(TEST_P256);
	carried->other = test_key_make(TEST_P256);
	carried->leaf = (struct test_leaf){.key = carried->key,
					   .extensions = {{.name = &ratls_evidence_name}},
					   .extension_count = 1};
	carried->yaml = wr_init(LIMIT_POLICY);
	carried->der = wr_init(LIMIT_CERTIFICATE);
	return carried;
}

static void *end(struct carried *carried, EVP_PKEY *claims_key)
{
	struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER), token = wr_init(LIMIT_TOKEN),
		      value = wr_init(LIMIT_CERTIFICATE);
	struct ratls_evidence evidence = {.tag = RATLS_TAG_EAT};

	test_claims_write(claims_key, &(struct test_claims){.hash = CLAIMS_SHA256},
			  &claims);
	wr_done(&carried->scene.claims_buffer);
	carried->scene.claims_buffer = claims;
	test_scene_token(&carried->scene, &token);
	evidence.evidence = wr_view(&token);
	evidence.claims_buffer = wr_view(&claims);
	ratls_evidence_write(&value, &evidence);
	for (size_t i = 0; i < carried->leaf.extension_count; i++)
		carried->leaf.extensions[i].value = wr_view(&value);
	test_leaf_write(&carried->leaf, &carried->der);
	test_scene_policy(&carried->scene, &carried->yaml);
	wr_done(&token);
	wr_done(&value);
	return carried;
}

static void *good(void)
{
	struct carried *carried = begin();

	return end(carried, carried->key);
}

static void *not_named(void)
{
	struct carried *carried = begin();

	carried->scene.more = "";
	return end(carried, carried->key);
}

static void *of_another_key(void)
{
	struct carried *carried = begin();

	return end(carried, carried->other);
}

static void *spoiled(void)
{
	struct carried *carried = begin();

	carried->leaf.spoiled = true;
	return end(carried, carried->key);
}

static void *unknown_critical(void)
{
	struct carried *carried = begin();

	carried->leaf.unknown_critical = true;
	return end(carried, carried->key);
}

static void *twice(void)
{
	struct carried *carried = begin();

	carried->leaf.extensions[1] = carried->leaf.extensions[0];
	carried->leaf.extension_count = 2;
	return end(carried, carried->key);
}

static enum ending appraise(void *context)
{
	const struct carried *carried = context;
	struct tobi_verify_request request = {.evidence = wr_view(&carried->der),
					      .time = TEST_NOW};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	enum ending ending = FAILED;

	if (!tobi_policy_parse(wr_view(&carried->yaml), "torture", &policy, NULL) &&
	    !tobi_verify(policy, &request, &result, NULL))
		ending = tobi_result_verdict(result) == TOBI_ACCEPT ? ACCEPTED : REFUSED;
	tobi_result_free(result);
	tobi_policy_free(policy);
	return ending;
}

static void done(void *context)
{
	struct carried *carried = context;

	test_scene_done(&carried->scene);
	EVP_PKEY_free(carried->key);
	EVP_PKEY_free(carried->other);
	wr_done(&carried->yaml);
	wr_done(&carried->der);
	free(carried);
}

const struct scenario alloc_ratls[] = {
    {"a certificate with evidence", ACCEPTED, good, appraise, done},
    {"one that the policy does not name", REFUSED, not_named, appraise, done},
    {"one with evidence of another key", REFUSED, of_another_key, appraise, done},
    {"one with a spoiled signature", REFUSED, spoiled, appraise, done},
    {"one with an unknown critical extension", REFUSED, unknown_critical, appraise, done},
    {"one with two extensions of evidence", REFUSED, twice, appraise, done},
    {0},
};
