#include <string.h>
#include <time.h>

#include "appraise/explain_page.h"

const char explain_page_style[] =
    "ol{list-style:none;padding:0;margin:0}"
    ".checks>li{border-top:1px solid var(--line);padding:.45rem .8rem}"
    ".row{display:grid;grid-template-columns:6rem 15rem 1fr;gap:0 1rem;"
    "align-items:baseline}"
    ".checks dl{grid-template-columns:8rem 1fr;margin:.4rem 0 .2rem "
    "7rem;font-size:.95rem}"
    "summary{cursor:pointer;list-style:none}summary::-webkit-details-marker{display:none}"
    "summary:focus-visible{outline:2px solid currentColor;outline-offset:2px}"
    "summary .row>span::after{content:\" \\25be\";color:var(--dim)}"
    "details[open]>summary .row>span::after{content:\" \\25b4\"}"
    ".chain>li{border:1px solid var(--line);border-left:.4rem solid var(--bad);"
    "border-radius:.4rem;padding:.45rem .8rem;display:grid;"
    "grid-template-columns:6rem 1fr auto;gap:0 1rem;align-items:baseline}"
    ".chain>li:not(:last-child){margin-bottom:1.1rem;position:relative}"
    ".chain>li:not(:last-child)::after{content:\"\\2193\";position:absolute;"
    "left:1.2rem;bottom:-1.35rem;color:var(--dim);font-size:1rem}"
    ".chain>li.passed{border-left-color:var(--good)}"
    ".chain>li.not-asked{border-left-color:var(--line)}"
    ".chain code{color:var(--dim)}"
    ".passed b{color:var(--good)}.failed b,.not-run b{color:var(--bad)}"
    ".failed,.not-run{background:var(--bad-bg)}.not-asked{color:var(--dim)}"
    ".tier{background:var(--soft);border-radius:.4rem;padding:.6rem 1rem}"
    ".tier p{margin:.3rem 0}.facts dd small{display:block;color:var(--dim);"
    "font-family:system-ui,sans-serif}"
    ".facts dl{grid-template-columns:13rem 1fr}"
    "@media(max-width:40rem){body{padding:.8rem}.row,.chain>li,dl,.facts "
    "dl,.checks dl{grid-template-columns:1fr;gap:0}.checks dl{margin-left:0}"
    "dd{margin-bottom:.35rem}}";

static const struct check_record *first_failed(const struct tobi_result *result)
{
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		if (record->outcome == TOBI_FAILED)
			return record;
	}
	return NULL;
}

/* A reader of a refusal wants two things: why, and what to do. */
static void put_reason(const struct tobi_result *result, struct writer *out)
{
	const struct check_record *record = first_failed(result);

	wr_printf(out, "<p>");
	html_text(out, result->reason);
	wr_printf(out, "</p>\n");
	if (!record)
		return;
	wr_printf(out, "<p><b>What to do:</b> ");
	html_text(out, record->check->remedy);
	wr_printf(out, "</p>\n");
}

static void put_head(const struct tobi_result *result, struct writer *out)
{
	bool accepted = result->verdict == TOBI_ACCEPT;
	time_t time = (time_t)result->time;
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&time, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
	html_open(out, accepted ? "Tobichi: accepted" : "Tobichi: refused",
		  accepted ? "accepted" : "refused", explain_page_style);
	wr_printf(out,
		  "<header><p class=\"small\">Attestation result, as of %s</p>\n<h1>%s"
		  "</h1>\n",
		  date, accepted ? "Accepted" : "Refused");
	if (accepted)
		wr_printf(out, "<p>Every check that is owed has passed.</p>\n");
	else
		put_reason(result, out);
	wr_printf(out, "</header>\n<main>\n");
}

void explain_html(const struct tobi_result *result, struct writer *out)
{
	const char *allowance;

	put_head(result, out);
	for (size_t i = 0; (allowance = explain_allowance(result, i)); i++) {
		wr_printf(out, "<p class=\"warn\"><b>Warning</b> ");
		html_text(out, allowance);
		wr_printf(out, "</p>\n");
	}
	explain_page_tier(result, out);
	explain_page_chain(result, out);
	explain_page_facts(result, out);
	explain_page_checks(result, out);
	wr_printf(out, "</main>\n");
	html_close(out);
}
