/* Collections of CCA: what they are known by, and what is in them. */
#include "tee/cca_token.h"
#include "tests/cca_scene.h"
#include "tests/check.h"

static void test_cca_token__is_known_by_its_start(void **state)
{
	struct test_cca cca;
	struct writer out = wr_init(LIMIT_TOKEN);

	(void)state;
	test_cca_make(&cca, CCA_LEGACY);
	test_cca_write(&cca, &out);
	assert_true(cca_token_is(wr_view(&out)));
	assert_true(cca_token_is((struct tobi_bytes){out.ptr, 7}));
	assert_false(cca_token_is((struct tobi_bytes){out.ptr, 6}));
	for (size_t i = 0; i < 7; i++) {
		out.ptr[i] ^= 0x40;
		assert_false(cca_token_is(wr_view(&out)));
		out.ptr[i] ^= 0x40;
	}
	test_cca_done(&cca);
	wr_done(&out);
}

static void test_cca_token__claims(void **state)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct test_cca cca;
	struct cca_token token;
	struct cca_claims *claims = arena_alloc(&arena, sizeof(*claims));
	struct writer out = wr_init(LIMIT_TOKEN);
	enum cca_key_form form = CCA_KEY_POINT;

	(void)state;
	test_cca_make(&cca, CCA_REALM_2);
	test_cca_write(&cca, &out);
	assert_int_equal(cca_token_parse(wr_view(&out), &arena, &token, NULL), 0);
	assert_int_equal(cca_claims_read(&token, claims, NULL), 0);
	assert_string_equal(claims->platform.wrong, "");
	assert_string_equal(claims->realm.wrong, "");
	assert_int_equal(claims->platform.component_count, 3);
	assert_int_equal(claims->realm.rems[3].ptr[0], 0xe3);
	assert_true(cca_platform_profile(&claims->platform));
	assert_true(cca_realm_profile(&claims->realm, &form));
	assert_int_equal(form, CCA_KEY_COSE);
	/* Nothing in them lies in the input. */
	assert_false(claims->realm.values[ARM_RIM].ptr >= out.ptr &&
		     claims->realm.values[ARM_RIM].ptr < out.ptr + out.size);
	test_cca_done(&cca);
	wr_done(&out);
	arena_done(&arena);
}

typedef void (*change_fn)(struct test_cca *cca);

static enum tobi_err error_of(change_fn change)
{
	struct test_cca cca;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	enum tobi_err err;

	test_cca_make(&cca, CCA_REALM_2);
	change(&cca);
	err = test_cca_try(&cca, &result, &fault);
	assert_null(result);
	assert_int_equal(err, fault.code);
	test_cca_done(&cca);
	return err;
}

static void has_another_tag(struct test_cca *cca)
{
	cca->tag = 908;
}
static void is_legacy_with_records(struct test_cca *cca)
{
	cca->tag = 399;
}
static void is_new_without_records(struct test_cca *cca)
{
	cca->cmw = false;
	cca->tag = 907;
}
static void has_another_format(struct test_cca *cca)
{
	cca->content_format = 264;
}
static void calls_itself_a_result(struct test_cca *cca)
{
	cca->indicator = 8;
}
static void has_no_platform(struct test_cca *cca)
{
	cca->without_platform = true;
}
static void has_no_realm(struct test_cca *cca)
{
	cca->without_realm = true;
}
static void is_followed(struct test_cca *cca)
{
	cca->trailing = 1;
}
static void has_an_untagged_realm(struct test_cca *cca)
{
	cca->realm.tag = -1;
}
static void has_no_claims(struct test_cca *cca)
{
	cca->platform.without_payload = true;
}
static void has_a_claim_twice(struct test_cca *cca)
{
	cca->realm.twice_the_first = true;
}

static void has_many_components(struct test_cca *cca)
{
	cca->platform.component_count = 33;
}

static void test_cca_token__another_form__is_an_error(void **state)
{
	const change_fn malformed[] = {has_another_tag,	       is_legacy_with_records,
				       is_new_without_records, has_another_format,
				       calls_itself_a_result,  has_no_platform,
				       has_no_realm,	       has_an_untagged_realm,
				       has_no_claims,	       has_a_claim_twice};

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		assert_int_equal(error_of(malformed[i]), TOBI_E_MALFORMED);
	assert_int_equal(error_of(is_followed), TOBI_E_TRAILING);
	assert_int_equal(error_of(has_many_components), TOBI_E_LIMIT);
}

static void test_cca_token__cut_short__is_an_error(void **state)
{
	struct test_cca cca;
	struct writer evidence = wr_init(LIMIT_TOKEN), yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	(void)state;
	test_cca_make(&cca, CCA_REALM_2);
	test_cca_write(&cca, &evidence);
	test_cca_policy(&cca, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "cca", &policy, NULL), 0);
	for (size_t size = 0; size < evidence.size; size++) {
		struct tobi_verify_request request = {.evidence = {evidence.ptr, size},
						      .nonce = cca.given_nonce,
						      .time = CCA_NOW};
		struct tobi_result *result = NULL;

		assert_int_not_equal(tobi_verify(policy, &request, &result, NULL), 0);
	}
	tobi_policy_free(policy);
	test_cca_done(&cca);
	wr_done(&evidence);
	wr_done(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cca_token__is_known_by_its_start),
	    cmocka_unit_test(test_cca_token__claims),
	    cmocka_unit_test(test_cca_token__another_form__is_an_error),
	    cmocka_unit_test(test_cca_token__cut_short__is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
