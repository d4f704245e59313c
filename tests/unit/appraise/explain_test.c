/* The forms of an explanation, over a result made by hand. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "appraise/appraise.h"
#include "tests/check.h"

static const struct check good = {"GOOD-ONE", "it is good", "a source", "do nothing"};
static const struct check bad = {"POLICY-DEBUG", "it is not bad", "a source", "do this"};

static char *write_as(enum tobi_format format, bool passed)
{
	struct tobi_policy policy = {.name = "<web>\033[2J.yaml"};
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	char *text = NULL;

	assert_int_equal(appraisal_new(&policy, 1000, &result, &fault), TOBI_OK);
	result->claims.tier = "soft";
	check_record(&result->list, &good, true, "", "");
	check_record(&result->list, &bad, passed, "<b>", "\"&\033");
	result->complete = true;
	appraisal_conclude(result);
	assert_int_equal(tobi_result_write(result, format, &text, &fault), TOBI_OK);
	tobi_result_free(result);
	return text;
}

static void test_text(void **state)
{
	char *text = write_as(TOBI_FORMAT_TEXT, false);

	(void)state;
	assert_ptr_equal(strstr(text, "REFUSED"), text);
	assert_non_null(strstr(text, "not root or the kernel"));
	assert_non_null(strstr(text, "FAIL"));
	assert_non_null(strstr(text, "do this"));
	assert_null(strchr(text, '\033'));
	free(text);
	text = write_as(TOBI_FORMAT_TEXT, true);
	assert_ptr_equal(strstr(text, "ACCEPTED"), text);
	assert_null(strstr(text, "do this"));
	free(text);
	text = write_as(TOBI_FORMAT_TEXT_COLOR, true);
	assert_non_null(strchr(text, '\033'));
	assert_null(strstr(text, "\033[2J"));
	free(text);
}

static void check_status(bool passed, const char *status)
{
	char *text = write_as(TOBI_FORMAT_JSON, passed);
	json_t *ear = json_loads(text, 0, NULL), *one, *extension, *vector;

	assert_non_null(ear);
	assert_string_equal(json_string_value(json_object_get(ear, "eat_profile")),
			    "tag:ietf.org,2026:rats/ear#03");
	one = json_object_get(json_object_get(ear, "submods"), "enclave");
	assert_string_equal(json_string_value(json_object_get(one, "ear_status")),
			    status);
	extension = json_object_get(one, "tobichi");
	vector = json_object_get(one, "ear_trustworthiness_vector");
	assert_int_equal(json_integer_value(json_object_get(vector, "runtime-opaque")),
			 passed ? 32 : 96);
	assert_int_equal(json_integer_value(json_object_get(vector, "executables")),
			 passed ? 3 : 0);
	assert_true(json_is_false(json_object_get(extension, "signed")));
	assert_int_equal(json_array_size(json_object_get(extension, "checks")), 2);
	json_decref(ear);
	free(text);
}

static void test_json(void **state)
{
	(void)state;
	check_status(true, "warning");
	check_status(false, "contraindicated");
}

static void test_html(void **state)
{
	char *text = write_as(TOBI_FORMAT_HTML, false);

	(void)state;
	assert_non_null(strstr(text, "<h1>Refused</h1>"));
	assert_null(strstr(text, "<web>"));
	assert_null(strstr(text, "<b>\""));
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "://"));
	/* The reason comes with what to do, before all else; and so does the check. */
	assert_non_null(strstr(text, "<b>What to do:</b> do this"));
	assert_true(strstr(text, "What to do") < strstr(text, "What this is"));
	assert_non_null(strstr(text, "<details open>"));
	assert_non_null(strstr(text, "1 passed, 1 failed, 0 did not run"));
	free(text);
	text = write_as(TOBI_FORMAT_HTML, true);
	assert_null(strstr(text, "What to do"));
	assert_null(strstr(text, "<details open>"));
	assert_non_null(strstr(text, "Every check that is owed has passed"));
	free(text);
}

/* A page about hardware of a vendor. */
static char *page_of(const char *tier, const struct check *check, bool passed)
{
	struct tobi_policy policy = {.name = "page"};
	struct tobi_result *result = NULL;
	char *text = NULL;

	assert_int_equal(appraisal_new(&policy, 1000, &result, NULL), TOBI_OK);
	result->claims.tier = tier;
	check_record(&result->list, check, passed, "", "");
	tee_fact(&result->claims, &result->arena, "MRTD", "<i>%s", "1");
	tee_fact(&result->claims, &result->arena, "RTMR3", "%032d", 0);
	tee_fact(&result->claims, &result->arena, "zzz", "unheard of");
	result->complete = true;
	appraisal_conclude(result);
	assert_int_equal(tobi_result_write(result, TOBI_FORMAT_HTML, &text, NULL),
			 TOBI_OK);
	tobi_result_free(result);
	return text;
}

static void test_html_chain__link__says_whether_it_is_proven(void **state)
{
	static const struct check link = {"DCAP-PCK-CHAIN", "x", "y", "z"};
	static const char says[] = "Intel's root key certifies this chip's key";
	char *good_page = page_of("tdx", &link, true);
	char *bad_page = page_of("tdx", &link, false);
	char *no_tier = page_of(NULL, &link, false);
	char *other = page_of("snp", &link, true);

	(void)state;
	assert_non_null(strstr(good_page, says));
	assert_null(strstr(good_page, "not proven: Intel"));
	assert_non_null(strstr(bad_page, "not proven: Intel"));
	/* It did not come to a tier: what is owed tells. */
	assert_non_null(strstr(no_tier, "not proven: Intel"));
	assert_null(strstr(no_tier, "What this is"));
	assert_null(strstr(other, "root key certifies this chip"));
	free(good_page);
	free(bad_page);
	free(no_tier);
	free(other);
}

static void test_html_facts__groups__with_what_they_mean(void **state)
{
	static const struct check link = {"DCAP-PCK-CHAIN", "x", "y", "z"};
	char *page = page_of("tdx", &link, true);

	(void)state;
	assert_non_null(strstr(page, "<dt>MRTD</dt><dd>&#60;i&#62;1"));
	assert_non_null(strstr(page, "hash of the virtual machine as it was built"));
	assert_non_null(strstr(page, "All zero: nothing was put in."));
	assert_true(strstr(page, "The rest") < strstr(page, "unheard of"));
	assert_true(strstr(page, "The program, as it was measured") <
		    strstr(page, "<dt>MRTD"));
	assert_null(strstr(page, "<i>"));
	free(page);
}

static size_t count_text(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

/* Each kind of hardware is explained, and each page is whole. */
static void test_html__each_kind__explained_and_well_formed(void **state)
{
	static const char *const pairs[][2] = {{"<details", "</details>"},
					       {"<li ", "</li>"},
					       {"<dl>", "</dl>"},
					       {"<ol", "</ol>"},
					       {"<div", "</div>"},
					       {"<dd", "</dd>"},
					       {"<p", "</p>"}};
	const struct tee_verifier *verifier;

	(void)state;
	for (size_t i = 0; (verifier = tee_verifier_at(i)); i++) {
		char *page = page_of(verifier->tier, &bad, false);

		assert_null(strstr(page, "not known here"));
		/* What it is, beside what it keeps out. */
		assert_int_equal(count_text(strstr(page, "What this is"), "<p><b>"), 2);
		for (size_t j = 0; j < sizeof(pairs) / sizeof(pairs[0]); j++)
			assert_int_equal(count_text(page, pairs[j][0]),
					 count_text(page, pairs[j][1]));
		free(page);
	}
}

/* What a policy lets pass is said aloud, in every form. */
static void test_any_instance(void **state)
{
	struct tobi_policy policy = {.name = "loose"};

	(void)state;
	for (enum tobi_format format = TOBI_FORMAT_TEXT; format <= TOBI_FORMAT_HTML;
	     format++) {
		for (int any = 0; any < 2; any++) {
			struct tobi_result *result = NULL;
			char *text = NULL;

			assert_int_equal(appraisal_new(&policy, 1000, &result, NULL), 0);
			check_record(&result->list, &good, true, "", "");
			result->complete = true;
			result->any_instance = any;
			appraisal_conclude(result);
			assert_int_equal(tobi_result_write(result, format, &text, NULL),
					 0);
			assert_int_equal(strstr(text, "ANY INSTANCE") != NULL, any);
			assert_int_equal(strstr(text, "instance-identity") != NULL,
					 format == TOBI_FORMAT_JSON && !any);
			tobi_result_free(result);
			free(text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_html),
	    cmocka_unit_test(test_html_chain__link__says_whether_it_is_proven),
	    cmocka_unit_test(test_html_facts__groups__with_what_they_mean),
	    cmocka_unit_test(test_html__each_kind__explained_and_well_formed),
	    cmocka_unit_test(test_any_instance)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
