/* A result that refuses because of one check and nothing else. */
#ifndef TESTS_ALONE_H
#define TESTS_ALONE_H

#include "tee/check.h"
#include "tests/check.h"
#include "tobichi/verify.h"

static inline void expect_accepted(struct tobi_result *result)
{
	assert_string_equal(tobi_result_reason(result), "accepted");
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	tobi_result_free(result);
}

/* The check has failed (not: has no record), and all others have passed or were not
 * asked. Frees the result. */
static inline void expect_alone(struct tobi_result *result, const char *code)
{
	size_t found = 0;

	assert_non_null(result);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (strcmp(check->code, code) == 0) {
			assert_int_equal(check->outcome, TOBI_FAILED);
			found++;
		} else if (check->outcome != TOBI_PASSED &&
			   check->outcome != TOBI_NOT_ASKED) {
			fail_msg("%s has failed, too: %s", check->code, check->found);
		}
	}
	assert_int_equal(found, 1);
	tobi_result_free(result);
}

#define FAILS(code, result) expect_alone((result), (code))

/* The outcome of one check. */
static inline enum tobi_outcome outcome_of(const struct tobi_result *result,
					   const char *code)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (strcmp(check->code, code) == 0)
			return check->outcome;
	}
	fail_msg("there is no check %s", code);
	return TOBI_NOT_RUN;
}

/* For a check that cannot fail alone. */
#define ALSO_FAILS(code, result)                                                         \
	assert_int_equal(outcome_of((result), (code)), TOBI_FAILED)

/* The same of a list that a verifier filled in. */
static inline enum tobi_outcome outcome_in(const struct checklist *list, const char *code)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->records[i].check->code, code) == 0)
			return list->records[i].outcome;
	}
	fail_msg("there is no check %s", code);
	return TOBI_NOT_RUN;
}

#define LIST_FAILS(code, list) assert_int_equal(outcome_in((list), (code)), TOBI_FAILED)

static inline void expect_allowance(const struct tobi_result *result, const char *start)
{
	const char *text;

	for (size_t i = 0; (text = tobi_result_allowance(result, i)); i++) {
		if (strncmp(text, start, strlen(start)) == 0)
			return;
	}
	fail_msg("nothing says %s", start);
}

#endif
