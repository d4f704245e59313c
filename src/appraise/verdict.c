/* The only file that may accept. */
#include <stdio.h>
#include <stdlib.h>

#include "appraise/appraise.h"

static void explain(struct tobi_result *result, const struct check_record *record)
{
	const char *what =
	    record->outcome == TOBI_NOT_RUN ? "the check did not run" : record->found;

	snprintf(result->reason, sizeof(result->reason), "%s: not proven that %s%s%s%s%s",
		 record->check->code, record->check->proves,
		 what[0] || record->expected[0] ? " (" : "",
		 record->outcome == TOBI_FAILED && record->expected[0] ? "found: " : "",
		 what, what[0] || record->expected[0] ? ")" : "");
}

static bool publish(struct tobi_result *result)
{
	free(result->lines);
	result->line_count = 0;
	result->lines = malloc(result->list.count * sizeof(*result->lines));
	if (!result->lines)
		return result->list.count == 0;
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		result->lines[i] = (struct tobi_check_result){
		    record->check->code,   record->check->proves, record->check->source,
		    record->check->remedy, record->outcome,	  record->expected,
		    record->found};
	}
	result->line_count = result->list.count;
	return true;
}

enum tobi_verdict appraisal_conclude(struct tobi_result *result)
{
	const struct check_record *failed = NULL, *missing = NULL;
	size_t passed = 0;

	result->verdict = TOBI_REFUSE;
	if (!publish(result)) {
		snprintf(result->reason, sizeof(result->reason),
			 "out of memory for the list of checks");
		return result->verdict;
	}
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		if (record->outcome == TOBI_PASSED)
			passed++;
		else if (record->outcome == TOBI_FAILED && !failed)
			failed = record;
		else if (record->outcome == TOBI_NOT_RUN && !missing)
			missing = record;
	}
	if (failed || missing) {
		/* What failed says more than what could not run because of it. */
		explain(result, failed ? failed : missing);
		return result->verdict;
	}
	if (passed == 0 || !result->complete) {
		snprintf(result->reason, sizeof(result->reason),
			 "the appraisal was not finished");
		return result->verdict;
	}
	snprintf(result->reason, sizeof(result->reason), "accepted");
	result->verdict = TOBI_ACCEPT;
	return result->verdict;
}
