/*
 * Each check of a TPM's quote, failing alone. The table must name every code of
 * tpm_quote.c, and the policy's own.
 */
#include <stdlib.h>

#include "tee/tpm_quote.h"
#include "tests/check.h"
#include "tests/tpm_scene.h"

static const char zero_pcr[] =
    "tpm:\n  pcrs:\n    - index: 4\n      value: "
    "0000000000000000000000000000000000000000000000000000000000000000\n";
static const char other_pcr[] =
    "tpm:\n  pcrs:\n    - index: 4\n      value: "
    "0000000000000000000000000000000000000000000000000000000000000001\n";
static const char unquoted_pcr[] =
    "tpm:\n  pcrs:\n    - index: 9\n      value: "
    "0000000000000000000000000000000000000000000000000000000000000000\n";

static struct test_tpm tpm;
static struct test_platform stranger;
static struct writer submodule;
static char more[LIMIT_POLICY];

static void add_quote(struct test_scene *scene, struct tobi_bytes nonce)
{
	wr_done(&submodule);
	submodule = wr_init(LIMIT_TPM_EVIDENCE);
	test_tpm_quote(&tpm, scene->signs, nonce, &submodule);
	scene->claims.tpm = wr_view(&submodule);
}

/* The scene of a platform whose keys are in a TPM. */
static void make_scene(struct test_scene *scene)
{
	test_scene_make(scene);
	test_tpm_make(&tpm, &scene->platform);
	scene->claims.root_kind = (struct tobi_bytes){(const uint8_t *)"tpm", 3};
	scene->add = add_quote;
}

static void scene_done(struct test_scene *scene)
{
	test_tpm_done(&tpm);
	test_scene_done(scene);
	wr_done(&submodule);
}

/* A policy that trusts another CA for attestation keys than for platforms. */
static void trust_for_tpm(struct test_scene *scene, const char *pem)
{
	size_t size = (size_t)snprintf(more, sizeof(more), "tpm:\n  anchors: |\n");

	for (const char *at = pem; *at;) {
		size_t line = strcspn(at, "\n");

		size += (size_t)snprintf(more + size, sizeof(more) - size, "    %.*s\n",
					 (int)line, at);
		at += line + (at[line] != 0);
	}
	scene->more = more;
}

#define CHANGE(name, ...)                                                                \
	static void name(struct test_scene *scene)                                       \
	{                                                                                \
		(void)scene;                                                             \
		__VA_ARGS__;                                                             \
	}
CHANGE(without_quote, scene->add = NULL)
CHANGE(of_files_when_a_tpm_is_asked, scene->add = NULL; scene->more = "tpm: {}\n";
       scene->claims.root_kind = (struct tobi_bytes){(const uint8_t *)"file", 4})
CHANGE(unreadable, tpm.unreadable = true)
CHANGE(with_another_magic, tpm.magic = 0xff544348)
CHANGE(signed_by_nobody, tpm.damage_quote = true)
CHANGE(of_another_nonce, tpm.for_another_nonce = true)
CHANGE(of_another_platform, tpm.for_another_platform = true)
CHANGE(with_another_value, tpm.shows_another_value = true)
CHANGE(with_a_value_more, tpm.shows_more_values = true)
CHANGE(with_too_few, tpm.selected = 0x7f)
CHANGE(of_another_bank, tpm.bank = TPM_ALG_SHA384)
CHANGE(selected_twice, tpm.twice_selected = true)
CHANGE(by_a_key_that_signs_anything, tpm.ak_attributes &= ~(uint32_t)TPM_RESTRICTED)
CHANGE(by_a_key_that_may_leave, tpm.ak_attributes &= ~(uint32_t)TPM_FIXED_TPM)
CHANGE(by_a_key_that_moves_with_others, tpm.ak_attributes &= ~(uint32_t)TPM_FIXED_PARENT)
CHANGE(by_a_key_from_elsewhere, tpm.ak_attributes &= ~(uint32_t)TPM_SENSITIVE_ORIGIN)
CHANGE(by_a_key_that_decrypts, tpm.ak_attributes |= TPM_DECRYPT)
CHANGE(without_certificate, tpm.without_chain = true)
CHANGE(with_anothers_certificate, tpm.chain_of_another_key = true)
CHANGE(with_another_anchor, trust_for_tpm(scene, (const char *)stranger.ca_pem.ptr))
CHANGE(of_a_key_that_may_leave, tpm.key_attributes &= ~(uint32_t)TPM_FIXED_TPM)
CHANGE(of_a_key_from_elsewhere, tpm.key_attributes &= ~(uint32_t)TPM_SENSITIVE_ORIGIN)
CHANGE(of_another_key, tpm.certifies_another_key = true)
CHANGE(about_another_key, tpm.is_about_another_key = true)
CHANGE(certified_by_nobody, tpm.damage_certify = true)
CHANGE(certified_by_no_tpm, tpm.says_certify_wrongly = true)
CHANGE(with_other_pcrs, scene->more = other_pcr)
CHANGE(without_that_pcr, scene->more = unquoted_pcr)

#define FAILS(code, change)                                                              \
	{                                                                                \
		code, #change, change                                                    \
	}
static const struct {
	const char *code, *name;
	void (*change)(struct test_scene *scene);
} cases[] = {
    FAILS("TPM-FORMAT", without_quote),
    FAILS("TPM-FORMAT", of_files_when_a_tpm_is_asked),
    FAILS("TPM-FORMAT", unreadable),
    FAILS("TPM-QUOTE-TYPE", with_another_magic),
    FAILS("TPM-QUOTE-SIGNATURE", signed_by_nobody),
    FAILS("TPM-QUOTE-NONCE", of_another_nonce),
    FAILS("TPM-QUOTE-NONCE", of_another_platform),
    FAILS("TPM-QUOTE-PCRS", with_another_value),
    FAILS("TPM-QUOTE-PCRS", with_a_value_more),
    FAILS("TPM-QUOTE-PCRS", with_too_few),
    FAILS("TPM-QUOTE-PCRS", of_another_bank),
    FAILS("TPM-QUOTE-PCRS", selected_twice),
    FAILS("TPM-AK-KEY", by_a_key_that_signs_anything),
    FAILS("TPM-AK-KEY", by_a_key_that_may_leave),
    FAILS("TPM-AK-KEY", by_a_key_that_moves_with_others),
    FAILS("TPM-AK-KEY", by_a_key_from_elsewhere),
    FAILS("TPM-AK-KEY", by_a_key_that_decrypts),
    FAILS("TPM-AK-CHAIN", without_certificate),
    FAILS("TPM-AK-CHAIN", with_anothers_certificate),
    FAILS("TPM-AK-CHAIN", with_another_anchor),
    FAILS("TPM-KEY", of_a_key_that_may_leave),
    FAILS("TPM-KEY", of_a_key_from_elsewhere),
    FAILS("TPM-KEY", of_another_key),
    FAILS("TPM-KEY", about_another_key),
    FAILS("TPM-KEY", certified_by_nobody),
    FAILS("TPM-KEY", certified_by_no_tpm),
    FAILS("POLICY-PCRS", with_other_pcrs),
    FAILS("POLICY-PCRS", without_that_pcr),
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static const struct tobi_check_result *find(const struct tobi_result *result,
					    const char *code)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		if (strcmp(tobi_result_check(result, i)->code, code) == 0)
			return tobi_result_check(result, i);
	}
	return NULL;
}

static void expect_accepted(struct test_scene *scene)
{
	struct tobi_result *result = test_scene_appraise(scene);

	assert_string_equal(tobi_result_reason(result), "accepted");
	for (size_t i = 0; tpm_quote_checks[i]; i++)
		assert_int_equal(find(result, tpm_quote_checks[i]->code)->outcome,
				 TOBI_PASSED);
	tobi_result_free(result);
}

static void test_verify__a_right_quote__accepts(void **state)
{
	struct test_scene scene;

	(void)state;
	make_scene(&scene);
	expect_accepted(&scene);
	scene.more = zero_pcr;
	expect_accepted(&scene);
	trust_for_tpm(&scene, (const char *)scene.platform.ca_pem.ptr);
	expect_accepted(&scene);
	/* Whatever the token says of its keys. */
	scene.claims.root_kind = (struct tobi_bytes){(const uint8_t *)"file", 4};
	expect_accepted(&scene);
	scene_done(&scene);
}

static void test_verify__keys_in_files__owes_no_quote(void **state)
{
	struct test_scene scene;
	struct tobi_result *result;

	(void)state;
	test_scene_make(&scene);
	result = test_scene_appraise(&scene);
	assert_string_equal(tobi_result_reason(result), "accepted");
	for (size_t i = 0; tpm_quote_checks[i]; i++)
		assert_null(find(result, tpm_quote_checks[i]->code));
	tobi_result_free(result);
	test_scene_done(&scene);
}

/* Exactly the check named fails, and that alone refuses. */
static void run_case(size_t index)
{
	struct test_scene scene;
	struct tobi_result *result;
	bool found = false;

	make_scene(&scene);
	cases[index].change(&scene);
	result = test_scene_appraise(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		if (line->outcome != TOBI_FAILED)
			continue;
		if (strcmp(line->code, cases[index].code) != 0)
			fail_msg("%s: %s failed too (%s)", cases[index].name, line->code,
				 line->found);
		found = true;
	}
	if (!found)
		fail_msg("%s: %s did not fail", cases[index].name, cases[index].code);
	tobi_result_free(result);
	scene_done(&scene);
}

static void test_verify__each_check_of_a_quote__refuses_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++)
		run_case(i);
}

static void test_cases__name_every_check_of_a_quote(void **state)
{
	(void)state;
	for (size_t n = 0; tpm_quote_checks[n]; n++) {
		bool found = false;

		for (size_t i = 0; i < CASES; i++)
			found |= strcmp(cases[i].code, tpm_quote_checks[n]->code) == 0;
		if (!found)
			fail_msg("%s has no case here", tpm_quote_checks[n]->code);
	}
}

/* A certification in the place of a quote is signed by the right key, and no quote. */
static void test_verify__another_statement_as_quote__is_refused(void **state)
{
	struct test_scene scene;
	struct tobi_result *result;

	(void)state;
	make_scene(&scene);
	tpm.type = TPM_ATTEST_CERTIFY;
	result = test_scene_appraise(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_int_equal(find(result, "TPM-QUOTE-TYPE")->outcome, TOBI_FAILED);
	tobi_result_free(result);
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verify__a_right_quote__accepts),
	    cmocka_unit_test(test_verify__keys_in_files__owes_no_quote),
	    cmocka_unit_test(test_verify__each_check_of_a_quote__refuses_alone),
	    cmocka_unit_test(test_cases__name_every_check_of_a_quote),
	    cmocka_unit_test(test_verify__another_statement_as_quote__is_refused),
	};
	int failed;

	test_platform_make(&stranger, KEY_P384);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_platform_done(&stranger);
	return failed;
}
