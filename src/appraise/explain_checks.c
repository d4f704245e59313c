#include <string.h>

#include "appraise/explain_page.h"

static size_t count_of(const struct tobi_result *result, enum tobi_outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < result->list.count; i++)
		count += result->list.records[i].outcome == outcome;
	return count;
}

static void put_row(const struct check_record *record, struct writer *out)
{
	wr_printf(out, "<div class=\"row\"><b>%s</b> <code>%s</code> <span>",
		  explain_outcome(record->outcome), record->check->code);
	html_text(out, record->check->proves);
	wr_printf(out, "</span></div>");
}

/* What passed is folded: the reader looks for what did not. */
static void put_check(const struct check_record *record, bool failed_before,
		      struct writer *out)
{
	bool wrong = record->outcome == TOBI_FAILED || record->outcome == TOBI_NOT_RUN;

	wr_printf(out, "<li class=\"%s\"><details%s><summary>",
		  explain_outcome(record->outcome), wrong ? " open" : "");
	put_row(record, out);
	wr_printf(out, "</summary><dl>");
	html_pair(out, "Expected", record->expected);
	html_pair(out, record->outcome == TOBI_NOT_ASKED ? "Why not" : "Found",
		  record->found);
	if (record->outcome == TOBI_NOT_RUN)
		html_pair(
		    out, "Found",
		    "the check did not run: what it needs did not come, or has failed");
	if (wrong)
		html_pair(out, "What to do", explain_remedy(record, failed_before));
	html_pair(out, "Source", record->check->source);
	wr_printf(out, "</dl></details></li>\n");
}

static void put_list(const struct tobi_result *result, const char *title,
		     struct writer *out)
{
	bool failed = false;

	wr_printf(out,
		  "<h2>%s</h2>\n<p class=\"small\">%zu passed, %zu failed, %zu "
		  "did not run, %zu not asked by the policy. Each opens to what was "
		  "expected and found, and which document asks for it.</p>\n"
		  "<ol class=\"checks\">\n",
		  title, count_of(result, TOBI_PASSED), count_of(result, TOBI_FAILED),
		  count_of(result, TOBI_NOT_RUN), count_of(result, TOBI_NOT_ASKED));
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		put_check(record, failed, out);
		failed |= record->outcome == TOBI_FAILED;
	}
	wr_printf(out, "</ol>\n");
}

void explain_page_checks(const struct tobi_result *result, struct writer *out)
{
	put_list(result, "Every check", out);
	if (result->guest)
		put_list(result->guest, "Every check of the guest around", out);
}
