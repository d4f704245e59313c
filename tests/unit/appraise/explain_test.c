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
	free(text);
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
	    cmocka_unit_test(test_text), cmocka_unit_test(test_json),
	    cmocka_unit_test(test_html), cmocka_unit_test(test_any_instance)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
