/* One decision: who asked, what was decided, and the whole checklist. */
#include "broker/page_decision.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "broker/decision.h"
#include "broker/decision_details.h"
#include "broker/page.h"
#include "broker/route.h"

enum { DIGITS_MAX = 18 };

void page_decision_verdict(struct writer *out, const struct log_leaf *leaf)
{
	if (leaf->accepted)
		page_put(out, "<span class=\"accepted\">accepted</span>");
	else
		page_put(out, "<span class=\"refused\">refused</span>");
}

bool page_decision_number(const char *text, uint64_t *ret_number)
{
	size_t size = strnlen(text, DIGITS_MAX + 1);
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = 10 * number + (uint64_t)(text[i] - '0');
	}
	/* One spelling. */
	if (!size || size > DIGITS_MAX || (text[0] == '0' && size > 1))
		return false;
	*ret_number = number;
	return true;
}

/* ---- finding it ---- */

struct shown {
	uint64_t index;
	struct writer leaf; /* its bytes, which the leaf borrows */
	struct log_hash hash;
	bool owned; /* else nobody's */
	bool there;
	struct log_leaf said;
};

static void shown_done(struct shown *shown)
{
	wr_done(&shown->leaf);
}

struct finding {
	const struct principal *who;
	struct shown *shown;
};

/* An owner's is the owner's alone; nobody's is the operator's. */
static enum tobi_err take_entry(void *context, const struct decision_entry *entry,
				struct tobi_fault *fault)
{
	struct finding *finding = context;
	const struct principal *who = finding->who;
	struct shown *shown = finding->shown;

	if (entry->owner.size ? !bytes_equal_text(entry->owner, who->name)
			      : !who->operator)
		return TOBI_OK;
	shown->there = true;
	shown->owned = entry->owner.size != 0;
	shown->hash = entry->hash;
	wr_bytes(&shown->leaf, entry->leaf.ptr, entry->leaf.size);
	return wr_err(&shown->leaf)
		   ? fault_set(fault, wr_err(&shown->leaf), "page", "leaf", "no room")
		   : TOBI_OK;
}

static enum tobi_err find(struct page_call *call, struct shown *shown,
			  struct tobi_fault *fault)
{
	struct tobi_bytes part = route_part("/decisions/{}", call->request->path, 0);
	struct finding finding = {&call->session.who, shown};
	char text[DIGITS_MAX + 2] = "";
	enum tobi_err err;

	if (!part.size)
		part = route_part("/decisions/{}/evidence", call->request->path, 0);
	if (!part.size || part.size > DIGITS_MAX)
		return TOBI_OK;
	bytes_copy(text, sizeof(text), part.ptr, part.size);
	if (!page_decision_number(text, &shown->index))
		return TOBI_OK;
	shown->leaf = wr_init(LOG_LEAF_MAX);
	err = decision_log_leaves(call->broker->log, shown->index, 1, take_entry,
				  &finding, fault);
	if (!err && shown->there)
		err = log_leaf_read(wr_view(&shown->leaf), &shown->said, fault);
	return err;
}

static const char *owner_of(const struct page_call *call, const struct shown *shown)
{
	return shown->owned ? call->session.who.name : NULL;
}

/* ---- what it says ---- */

static void put_line(struct writer *out, struct tobi_bytes text)
{
	page_put(out, "<bdi>");
	page_text(out, text);
	page_put(out, "</bdi>");
}

static void put_asked(struct page_call *call, const struct shown *shown)
{
	const struct log_leaf *leaf = &shown->said;
	struct writer *out = call->out;

	page_put(out, "<h2>What was asked for</h2>\n<dl>\n");
	page_pair(out, "What");
	page_text(out, leaf->action);
	page_pair_end(out);
	page_pair(out, "Of");
	put_line(out, leaf->resource);
	if (leaf->version) {
		page_put(out, ", version ");
		page_number(out, leaf->version);
	}
	page_pair_end(out);
	page_pair(out, "Who asked");
	if (leaf->remote.size)
		page_text(out, leaf->remote);
	else
		page_put(out, "not known");
	page_pair_end(out);
	page_pair(out, "Channel");
	page_text(out, leaf->channel);
	page_pair_end(out);
	page_pair(out, "Owner");
	if (leaf->principal.size)
		put_line(out, leaf->principal);
	else
		page_put(out, "nobody");
	page_pair_end(out);
	page_pair(out, "When");
	page_time(out, leaf->time);
	page_pair_end(out);
	page_put(out, "</dl>\n");
}

static enum tobi_err put_evidence(struct page_call *call, const struct shown *shown,
				  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer kept = wr_init(LIMIT_EVIDENCE);
	struct writer *out = call->out;
	enum tobi_err err;

	if (!shown->said.evidence.size)
		return TOBI_OK;
	err = decision_log_evidence(call->broker->log, owner_of(call, shown),
				    shown->said.evidence.ptr, call->request->now, &kept,
				    fault);
	if (err && err != TOBI_E_NOT_FOUND)
		return err;
	page_pair(out, "Evidence");
	page_put(out, "SHA-384 ");
	page_hash(out, shown->said.evidence);
	page_put(out, "<br>");
	if (err) {
		page_put(out, "It is not kept any more.");
	} else {
		page_put(out, "<a href=\"/decisions/");
		page_number(out, shown->index);
		page_put(out, "/evidence\" download>Download the evidence (");
		page_number(out, kept.size);
		page_put(out, " bytes)</a>");
	}
	page_pair_end(out);
	return TOBI_OK;
}

static enum tobi_err put_record(struct page_call *call, const struct shown *shown,
				struct tobi_fault *fault)
{
	struct writer *out = call->out;
	struct decision_head head;
	enum tobi_err err =
	    decision_log_head(call->broker->log, call->request->now, &head, fault);

	if (err)
		return err;
	page_put(out, "<h2>What is kept of it</h2>\n<dl>\n");
	err = put_evidence(call, shown, fault);
	if (shown->said.policy.size) {
		page_pair(out, "Policy");
		page_put(out, "SHA-384 of its text ");
		page_hash(out, shown->said.policy);
		page_pair_end(out);
	}
	page_pair(out, "Entry of the log");
	page_number(out, shown->index);
	page_put(out, ", hash ");
	page_hash(out, log_hash_view(&shown->hash));
	page_put(out, "<br><a href=\"/v1/log/inclusion?index=");
	page_number(out, shown->index);
	page_put(out, "&amp;size=");
	page_number(out, head.leaves);
	page_put(out, "\">Proof that it is in the log of ");
	page_number(out, head.leaves);
	page_put(out, " entries</a> (JSON), or <code>tobichi log prove ");
	page_number(out, shown->index);
	page_put(out, "</code>");
	page_pair_end(out);
	page_put(out, "</dl>\n");
	return err;
}

/* ---- the checklist ---- */

static size_t count_of(const struct log_leaf *leaf, unsigned outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < leaf->check_count; i++)
		count += leaf->checks[i].outcome == outcome;
	return count;
}

/* For a class of the style sheet. */
static void put_outcome(struct writer *out, unsigned outcome)
{
	switch (outcome) {
	case TOBI_PASSED:
		page_put(out, "<span class=\"passed\">passed</span>");
		break;
	case TOBI_FAILED:
		page_put(out, "<span class=\"failed\">failed</span>");
		break;
	case TOBI_NOT_ASKED:
		page_put(out, "not asked");
		break;
	default:
		page_put(out, "<span class=\"not-run\">did not run</span>");
	}
}

static bool is_wrong(unsigned outcome)
{
	return outcome == TOBI_FAILED || outcome == TOBI_NOT_RUN;
}

static void put_cell(struct writer *out, struct tobi_bytes text)
{
	page_put(out, "<td role=\"cell\">");
	put_line(out, text);
	page_put(out, "</td>");
}

/* One that is in nobody's way. */
static void put_row(struct writer *out, const struct decision_detail *detail,
		    bool detailed)
{
	page_put(out, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\"><code>");
	page_text(out, detail->code);
	page_put(out, "</code></th><td role=\"cell\">");
	put_outcome(out, detail->outcome);
	page_put(out, "</td>");
	if (detailed) {
		put_cell(out, detail->proves);
		page_put(out, "<td role=\"cell\"><span class=\"what\">Expected: </span>");
		put_line(out, detail->expected);
		page_put(out, "</td><td role=\"cell\"><span class=\"what\">Found: "
			      "</span>");
		put_line(out, detail->found);
		page_put(out, "</td>");
	}
	page_put(out, "</tr>\n");
}

static void put_wrong(struct writer *out, const struct decision_detail *detail)
{
	page_put(out, "<li><h3>");
	put_outcome(out, detail->outcome);
	page_put(out, " <code>");
	page_text(out, detail->code);
	page_put(out, "</code> ");
	page_text(out, detail->proves);
	page_put(out, "</h3>\n<dl>\n");
	if (detail->expected.size) {
		page_pair(out, "Expected");
		put_line(out, detail->expected);
		page_pair_end(out);
	}
	page_pair(out, "Found");
	if (detail->found.size)
		put_line(out, detail->found);
	else
		page_put(
		    out,
		    "the check did not run: what it needs did not come, or has failed");
	page_pair_end(out);
	if (detail->remedy.size) {
		page_pair(out, "What to do");
		page_text(out, detail->remedy);
		page_pair_end(out);
	}
	if (detail->source.size) {
		page_pair(out, "Source");
		page_text(out, detail->source);
		page_pair_end(out);
	}
	page_put(out, "</dl></li>\n");
}

static enum tobi_err each_wrong(void *context, const struct decision_detail *detail,
				struct tobi_fault *fault)
{
	(void)fault;
	if (is_wrong(detail->outcome))
		put_wrong(context, detail);
	return TOBI_OK;
}

static enum tobi_err each_passed(void *context, const struct decision_detail *detail,
				 struct tobi_fault *fault)
{
	(void)fault;
	if (detail->outcome == TOBI_PASSED)
		put_row(context, detail, true);
	return TOBI_OK;
}

static enum tobi_err each_not_asked(void *context, const struct decision_detail *detail,
				    struct tobi_fault *fault)
{
	(void)fault;
	if (detail->outcome == TOBI_NOT_ASKED)
		put_row(context, detail, true);
	return TOBI_OK;
}

static void open_table(struct writer *out, const char *caption, bool detailed)
{
	page_put(out, "<table role=\"table\"><caption>");
	page_line(out, caption);
	page_put(out, "</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">"
		      "<th scope=\"col\" role=\"columnheader\">Check</th>"
		      "<th scope=\"col\" role=\"columnheader\">Outcome</th>");
	if (detailed)
		page_put(out,
			 "<th scope=\"col\" role=\"columnheader\">What it proves</th>"
			 "<th scope=\"col\" role=\"columnheader\">Expected</th>"
			 "<th scope=\"col\" role=\"columnheader\">Found</th>");
	page_put(out, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
}

static enum tobi_err put_table(struct writer *out, struct tobi_bytes details,
			       const char *caption, decision_detail_each *each,
			       struct tobi_fault *fault)
{
	enum tobi_err err;

	open_table(out, caption, true);
	err = decision_details_read(details, each, out, fault);
	page_put(out, "</tbody></table>\n");
	return err;
}

/* The reader looks for what went wrong; what nobody asked for is folded. */
static enum tobi_err put_details(struct page_call *call, struct tobi_bytes details,
				 const struct log_leaf *leaf, struct tobi_fault *fault)
{
	struct writer *out = call->out;
	enum tobi_err err = TOBI_OK;

	if (count_of(leaf, TOBI_FAILED) || count_of(leaf, TOBI_NOT_RUN)) {
		page_put(out, "<ol class=\"checks\">\n");
		err = decision_details_read(details, each_wrong, out, fault);
		page_put(out, "</ol>\n");
	}
	if (!err && count_of(leaf, TOBI_PASSED))
		err = put_table(out, details, "Checks that passed", each_passed, fault);
	if (!err && count_of(leaf, TOBI_NOT_ASKED)) {
		page_put(out, "<details><summary>Checks that the policy does not ask for "
			      "(");
		page_number(out, count_of(leaf, TOBI_NOT_ASKED));
		page_put(out, ")</summary>\n");
		err = put_table(out, details, "Checks that the policy does not ask for",
				each_not_asked, fault);
		page_put(out, "</details>\n");
	}
	return err;
}

/* What the log itself has. */
static void put_codes(struct page_call *call, const struct log_leaf *leaf)
{
	static const unsigned order[] = {TOBI_FAILED, TOBI_NOT_RUN, TOBI_PASSED,
					 TOBI_NOT_ASKED};
	struct writer *out = call->out;

	if (leaf->accepted)
		page_put(out, "<p class=\"small\">Of a decision to accept, names and "
			      "outcomes are kept; <code>tobichi verify</code> shows the "
			      "rest from the evidence.</p>\n");
	else
		page_put(out, "<p class=\"small\">What was expected and found is not "
			      "kept any more; names and outcomes are in the log for "
			      "ever.</p>\n");
	open_table(out, "Every check of this decision", false);
	for (size_t o = 0; o < sizeof(order) / sizeof(order[0]); o++) {
		for (size_t i = 0; i < leaf->check_count; i++) {
			const struct decision_detail detail = {
			    .code = leaf->checks[i].code, .outcome = order[o]};

			if (leaf->checks[i].outcome == order[o])
				put_row(out, &detail, false);
		}
	}
	page_put(out, "</tbody></table>\n");
}

static enum tobi_err put_checklist(struct page_call *call, const struct shown *shown,
				   struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer details = wr_init(DETAILS_MAX);
	const struct log_leaf *leaf = &shown->said;
	struct writer *out = call->out;
	enum tobi_err err;

	if (!leaf->check_count)
		return TOBI_OK;
	page_put(out, "<h2>The checklist</h2>\n<p>");
	page_number(out, count_of(leaf, TOBI_PASSED));
	page_put(out, " passed, ");
	page_number(out, count_of(leaf, TOBI_FAILED));
	page_put(out, " failed, ");
	page_number(out, count_of(leaf, TOBI_NOT_RUN));
	page_put(out, " did not run, ");
	page_number(out, count_of(leaf, TOBI_NOT_ASKED));
	page_put(out, " not asked by the policy.</p>\n");
	err = decision_log_details(call->broker->log, owner_of(call, shown), shown->index,
				   call->request->now, &details, fault);
	if (err == TOBI_E_NOT_FOUND) {
		put_codes(call, leaf);
		return TOBI_OK;
	}
	return err ? err : put_details(call, wr_view(&details), leaf, fault);
}

static enum tobi_err show(struct page_call *call, const struct shown *shown,
			  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer title = wr_init(128);
	struct writer *out = call->out;
	enum tobi_err err;

	wr_printf(&title, "Decision %llu: %s%c", (unsigned long long)shown->index,
		  shown->said.accepted ? "accepted" : "refused", 0);
	err = wr_err(&title);
	if (!err)
		err =
		    page_begin(call, 200, PAGE_DECISIONS, (const char *)title.ptr, fault);
	if (err)
		return err;
	page_put(out, "<p><b>Reason:</b> ");
	if (shown->said.reason.size)
		put_line(out, shown->said.reason);
	else
		page_put(out, "none was written down");
	page_put(out, "</p>\n");
	err = put_checklist(call, shown, fault);
	if (err)
		return err;
	put_asked(call, shown);
	err = put_record(call, shown, fault);
	page_put(out, "<p><a href=\"/decisions\">All decisions</a></p>\n");
	return err ? err : page_end(call, fault);
}

enum tobi_err page_decision(struct broker *broker, const struct broker_request *request,
			    struct broker_reply *reply, struct tobi_fault *fault)
{
	CLEANUP(shown_done) struct shown shown = {0};
	struct page_call call;
	enum tobi_err err = page_enter(broker, request, reply, &call, fault);

	if (err || call.answered)
		return err;
	err = find(&call, &shown, fault);
	if (err)
		return err;
	return shown.there ? show(&call, &shown, fault) : page_not_found(&call, fault);
}

static enum tobi_err send_evidence(struct page_call *call, const struct shown *shown,
				   struct tobi_fault *fault)
{
	enum tobi_err err = decision_log_evidence(
	    call->broker->log, owner_of(call, shown), shown->said.evidence.ptr,
	    call->request->now, call->out, fault);

	if (err == TOBI_E_NOT_FOUND)
		return page_not_found(call, fault);
	if (err)
		return err;
	call->reply->content_type = "application/octet-stream";
	return broker_reply_header(call->reply, "Content-Disposition",
				   "attachment; filename=\"decision-%llu.evidence\"",
				   (unsigned long long)shown->index);
}

enum tobi_err page_decision_evidence(struct broker *broker,
				     const struct broker_request *request,
				     struct broker_reply *reply, struct tobi_fault *fault)
{
	CLEANUP(shown_done) struct shown shown = {0};
	struct page_call call;
	enum tobi_err err = page_enter(broker, request, reply, &call, fault);

	if (err || call.answered)
		return err;
	err = find(&call, &shown, fault);
	if (err)
		return err;
	return shown.there && shown.said.evidence.size
		   ? send_evidence(&call, &shown, fault)
		   : page_not_found(&call, fault);
}
