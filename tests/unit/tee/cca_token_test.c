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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cca_token__is_known_by_its_start),
	    cmocka_unit_test(test_cca_token__claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
