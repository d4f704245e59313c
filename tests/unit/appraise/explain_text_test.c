/* What the text of a result shows, line by line. */
#include <stdlib.h>

#include "appraise/explain.h"
#include "tests/check.h"

static const struct check good = {"GOOD-ONE", "it is good", "a source", "do nothing"};
static const struct check bad = {"VERY-LONG-CODE-OF-A-BAD-ONE", "it is not bad",
				 "the book, section 7", "do this"};
static const struct check other = {"OTHER-ONE", "it is asked", "a source", "do nothing"};

static struct tobi_result *make(void)
{
	struct tobi_policy policy = {.name = "web.yaml"};
	struct tobi_result *result = NULL;

	assert_int_equal(appraisal_new(&policy, 1000, &result, NULL), TOBI_OK);
	result->complete = true;
	return result;
}

static char *text_of(struct tobi_result *result)
{
	char *text = NULL;

	appraisal_conclude(result);
	assert_int_equal(tobi_result_write(result, TOBI_FORMAT_TEXT, &text, NULL), 0);
	tobi_result_free(result);
	return text;
}

static void has(const char *text, const char *line)
{
	if (!text || !strstr(text, line))
		fail_msg("\"%s\" is not in:\n%s", line, text ? text : "nothing");
}

static void test_explain_text__facts__in_their_order_and_one_width(void **state)
{
	struct tobi_result *result = make();
	char *text;

	(void)state;
	result->kind = "nitro-doc";
	result->claims.tier = "nitro";
	check_record(&result->list, &good, true, "", "");
	tee_fact(&result->claims, &result->arena, "module", "i-0123");
	tee_fact(&result->claims, &result->arena, "a longer name", "\033[31m\n<b>");
	text = text_of(result);
	has(text, "\n  evidence  nitro-doc\n");
	has(text,
	    "\nThe evidence says\n  module         i-0123\n  a longer name  \\x1b[31m"
	    "\\x0a<b>\n");
	assert_null(strstr(text, "it is not proven"));
	assert_null(strstr(text, "launched by"));
	assert_null(strchr(text, '\033'));
	free(text);
}

static void test_explain_text__refused__says_that_nothing_is_proven(void **state)
{
	struct tobi_result *result = make();
	char *text;

	(void)state;
	result->claims.tier = "nitro";
	tee_fact(&result->claims, &result->arena, "module", "i-0123");
	check_record(&result->list, &bad, false, "this", "that");
	text = text_of(result);
	has(text, "  The lines above are what the evidence says; it is not proven.\n");
	free(text);
}

static void test_explain_text__checks__counted_and_explained(void **state)
{
	struct tobi_result *result = make();
	char *text;

	(void)state;
	check_record(&result->list, &good, true, "", "");
	check_record(&result->list, &bad, false, "this", "that");
	check_not_asked(&result->list, &other, "it came without");
	text = text_of(result);
	has(text, "\nChecks: 1 ok, 1 FAIL, 1 - (not asked)\n");
	has(text, "\nok    GOOD-ONE                     it is good\n");
	has(text, "\nFAIL  VERY-LONG-CODE-OF-A-BAD-ONE  it is not bad\n"
		  "      expected  this\n      found     that\n      do        do this\n"
		  "      see       the book, section 7\n");
	has(text, "\n-     OTHER-ONE                    it is asked (not asked: it came "
		  "without)\n");
	free(text);
	result = make();
	check_owe(&result->list, &good);
	text = text_of(result);
	has(text, "\nChecks: 0 ok, 1 MISS (did not run)\n");
	free(text);
}

/* Before anything failed it says what to do; behind that, what failed does. */
static void test_explain_text__check_that_did_not_run__what_to_do(void **state)
{
	struct tobi_result *result = make();
	char *text;

	(void)state;
	check_owe(&result->list, &good);
	check_record(&result->list, &bad, false, "this", "that");
	check_owe(&result->list, &other);
	text = text_of(result);
	has(text, "\nMISS  GOOD-ONE                     it is good\n"
		  "      found     the check did not run: what it needs did not come, or "
		  "has failed\n      do        do nothing\nFAIL  VERY");
	has(text, "\nMISS  OTHER-ONE                    it is asked\n"
		  "      found     the check did not run: what it needs did not come, or "
		  "has failed\n      do        See first to what failed before it.\n");
	free(text);
}

/* Whatever can be verified has a meaning that a reader is told. */
static void test_explain_tier__of_each_kind__is_known(void **state)
{
	const struct tee_verifier *verifier;

	(void)state;
	for (size_t i = 0; (verifier = tee_verifier_at(i)); i++)
		assert_string_not_equal(explain_tier(verifier->tier), "not known here");
	assert_string_equal(explain_tier("moon"), "not known here");
	assert_string_equal(explain_tier(NULL), "not known here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_explain_text__facts__in_their_order_and_one_width),
	    cmocka_unit_test(test_explain_text__refused__says_that_nothing_is_proven),
	    cmocka_unit_test(test_explain_text__checks__counted_and_explained),
	    cmocka_unit_test(test_explain_text__check_that_did_not_run__what_to_do),
	    cmocka_unit_test(test_explain_tier__of_each_kind__is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
