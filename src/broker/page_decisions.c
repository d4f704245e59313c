/* Who asked for what, and what came of it: the decisions of who looks, newest first. */
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "broker/decision.h"
#include "broker/page.h"
#include "broker/page_decision.h"
#include "broker/page_form.h"
#include "log/leaf.h"

enum {
	ROWS = 50,
	STEP = 200, /* leaves that are read at once */
	/* A filter that fits nothing is not looked for in all of the log at once. */
	LOOKED_AT = 4000,
};

enum { FIELD_RESOURCE, FIELD_VERDICT, FIELD_BEFORE, FIELD_OF, FIELDS };

struct listing {
	struct page_call *call;
	const struct page_field *fields;
	const char *owner; /* as decision_log_owned() takes it */
	uint64_t before;   /* of the next read */
	size_t rows, looked_at, step;
	bool more; /* there may be older ones */
};

static bool fits(const struct listing *listing, const struct log_leaf *leaf)
{
	const char *verdict = listing->fields[FIELD_VERDICT].value;
	const char *resource = listing->fields[FIELD_RESOURCE].value;
	size_t size = strlen(resource);

	if (verdict[0] && leaf->accepted != (strcmp(verdict, "accepted") == 0))
		return false;
	/* A name, or the start of one. */
	return leaf->resource.size >= size &&
	       (!size || memcmp(leaf->resource.ptr, resource, size) == 0);
}

static void put_row(struct writer *out, uint64_t index, const struct log_leaf *leaf)
{
	page_put(out, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">"
		      "<a href=\"/decisions/");
	page_number(out, index);
	page_put(out, "\">Decision ");
	page_number(out, index);
	page_put(out, "</a></th><td role=\"cell\">");
	page_time(out, leaf->time);
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">What: </span>");
	page_text(out, leaf->action);
	page_put(out, " <bdi>");
	page_text(out, leaf->resource);
	page_put(out, "</bdi>");
	if (leaf->version) {
		page_put(out, " version ");
		page_number(out, leaf->version);
	}
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">Who: </span>");
	if (leaf->remote.size)
		page_text(out, leaf->remote);
	else
		page_put(out, "not known");
	page_put(out, ", by ");
	page_text(out, leaf->channel);
	page_put(out, "</td><td role=\"cell\">");
	page_decision_verdict(out, leaf);
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">Why: </span><bdi>");
	page_text(out, leaf->reason);
	page_put(out, "</bdi></td></tr>\n");
}

static enum tobi_err take(void *context, const struct decision_entry *entry,
			  struct tobi_fault *fault)
{
	struct listing *listing = context;
	struct log_leaf leaf;
	enum tobi_err err;

	listing->step++;
	if (listing->rows == ROWS)
		return TOBI_OK;
	listing->before = entry->index;
	listing->looked_at++;
	err = log_leaf_read(entry->leaf, &leaf, fault);
	if (err || !fits(listing, &leaf))
		return err;
	listing->rows++;
	put_row(listing->call->out, entry->index, &leaf);
	return TOBI_OK;
}

static enum tobi_err read_all(struct listing *listing, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	do {
		listing->step = 0;
		err = decision_log_owned(listing->call->broker->log, listing->owner,
					 listing->before, STEP, take, listing, fault);
		listing->more = listing->step == STEP || listing->rows == ROWS;
	} while (!err && listing->more && listing->rows < ROWS &&
		 listing->looked_at < LOOKED_AT);
	return err;
}

/* ---- the page ---- */

static void put_option(struct writer *out, const char *value, const char *name,
		       const char *chosen)
{
	page_put(out, "<option value=\"");
	page_line(out, value);
	page_put(out, "\"");
	if (strcmp(value, chosen) == 0)
		page_put(out, " selected");
	page_put(out, ">");
	page_line(out, name);
	page_put(out, "</option>");
}

static void put_filter(struct page_call *call, const struct page_field *fields)
{
	struct writer *out = call->out;

	page_put(out, "<form class=\"filter\" method=\"get\" action=\"/decisions\">\n"
		      "<div><label for=\"resource\">Resource, or its start</label>"
		      "<input id=\"resource\" name=\"resource\" maxlength=\"400\" "
		      "autocomplete=\"off\" spellcheck=\"false\" value=\"");
	page_line(out, fields[FIELD_RESOURCE].value);
	page_put(out, "\"></div>\n<div><label for=\"verdict\">Verdict</label>"
		      "<select id=\"verdict\" name=\"verdict\">");
	put_option(out, "", "all", fields[FIELD_VERDICT].value);
	put_option(out, "accepted", "accepted", fields[FIELD_VERDICT].value);
	put_option(out, "refused", "refused", fields[FIELD_VERDICT].value);
	page_put(out, "</select></div>\n");
	if (call->session.who.operator) {
		page_put(out, "<div><label for=\"of\">Whose</label>"
			      "<select id=\"of\" name=\"of\">");
		put_option(out, "", "nobody's", fields[FIELD_OF].value);
		put_option(out, "operator", "the operator's own", fields[FIELD_OF].value);
		page_put(out, "</select></div>\n");
	}
	page_put(out, "<button>Show</button></form>\n");
}

static void put_link(struct writer *out, const struct page_field *fields, size_t field)
{
	page_line(out, fields[field].name);
	page_put(out, "=");
	page_url(out, bytes_of_text(fields[field].value));
	page_put(out, "&amp;");
}

static void put_older(const struct listing *listing)
{
	struct writer *out = listing->call->out;

	if (!listing->more)
		return;
	page_put(out, "<p><a href=\"/decisions?");
	put_link(out, listing->fields, FIELD_RESOURCE);
	put_link(out, listing->fields, FIELD_VERDICT);
	if (listing->call->session.who.operator)
		put_link(out, listing->fields, FIELD_OF);
	page_put(out, "before=");
	page_number(out, listing->before);
	page_put(out, "\">Older decisions, before number ");
	page_number(out, listing->before);
	page_put(out, "</a></p>\n");
}

static enum tobi_err put_table(struct listing *listing, struct tobi_fault *fault)
{
	struct writer *out = listing->call->out;
	size_t start = out->size;
	enum tobi_err err;

	page_put(out, "<table role=\"table\"><caption>Decisions, the newest first. Each "
		      "opens to its "
		      "checklist.</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">"
		      "<th scope=\"col\" role=\"columnheader\">Decision</th>"
		      "<th scope=\"col\" role=\"columnheader\">When</th>"
		      "<th scope=\"col\" role=\"columnheader\">What was asked for</th>"
		      "<th scope=\"col\" role=\"columnheader\">Who asked, and how</th>"
		      "<th scope=\"col\" role=\"columnheader\">Verdict</th>"
		      "<th scope=\"col\" role=\"columnheader\">Reason</th></tr></thead>\n"
		      "<tbody role=\"rowgroup\">\n");
	err = read_all(listing, fault);
	page_put(out, "</tbody></table>\n");
	if (!err && !listing->rows && !wr_err(out)) {
		/* A table of nothing is in the way of who hears it. */
		out->size = start;
		page_put(out, "<p>");
		if (listing->more)
			page_put(out, "None among those that were looked at now.");
		else
			page_put(out, "There are none.");
		page_put(out, "</p>\n");
	}
	return err;
}

static bool read_fields(const struct page_call *call, struct page_field *fields,
			struct listing *listing)
{
	const char *verdict = fields[FIELD_VERDICT].value;
	const char *before = fields[FIELD_BEFORE].value, *of = fields[FIELD_OF].value;
	bool operator= call->session.who.operator;

	if (!page_form_read(bytes_of_text(call->request->query), fields, FIELDS))
		return false;
	listing->before = INT64_MAX;
	if (before[0] && !page_decision_number(before, &listing->before))
		return false;
	if (verdict[0] && strcmp(verdict, "accepted") != 0 &&
	    strcmp(verdict, "refused") != 0)
		return false;
	if (of[0] && (!operator|| strcmp(of, "operator") != 0))
		return false;
	listing->owner = !operator|| of[0] ? call->session.who.name : NULL;
	return true;
}

static enum tobi_err show(struct page_call *call, struct tobi_fault *fault)
{
	struct page_field fields[FIELDS] = {[FIELD_RESOURCE].name = "resource",
					    [FIELD_VERDICT].name = "verdict",
					    [FIELD_BEFORE].name = "before",
					    [FIELD_OF].name = "of"};
	struct listing listing = {.call = call, .fields = fields};
	enum tobi_err err;

	if (!read_fields(call, fields, &listing))
		return page_refuse(call, 400, "That was not understood",
				   "What is asked for is no list of decisions.", fault);
	err = page_begin(call, 200, PAGE_DECISIONS, "Decisions", fault);
	if (err)
		return err;
	put_filter(call, fields);
	err = put_table(&listing, fault);
	if (err)
		return err;
	put_older(&listing);
	return page_end(call, fault);
}

enum tobi_err page_decisions(struct broker *broker, const struct broker_request *request,
			     struct broker_reply *reply, struct tobi_fault *fault)
{
	struct page_call call;
	enum tobi_err err = page_enter(broker, request, reply, &call, fault);

	return err || call.answered ? err : show(&call, fault);
}
