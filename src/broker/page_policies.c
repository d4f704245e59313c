/* An owner's policies: which there are, and the text of each, as it was put. */
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "broker/page.h"
#include "broker/page_decision.h"
#include "broker/page_form.h"
#include "broker/resource.h"

#define PLACE "/policies/"

enum { ROWS = 200 };

struct listing {
	struct writer *out;
	uint64_t from, seen;
	bool more;
};

static enum tobi_err put_row(void *context, const struct policy_info *info,
			     struct tobi_fault *fault)
{
	struct listing *listing = context;
	struct writer *out = listing->out;
	uint64_t at = listing->seen++;

	(void)fault;
	listing->more = at >= listing->from + ROWS;
	if (at < listing->from || listing->more)
		return TOBI_OK;
	page_put(out, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">"
		      "<a href=\"" PLACE);
	page_line(out, info->scope);
	page_put(out, "\">");
	page_line(out, info->scope);
	page_put(out, "</a></th><td role=\"cell\"><span class=\"what\">Changed: </span>");
	page_time(out, info->changed);
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">SHA-384 of its text: "
		      "</span>");
	page_hash(out, (struct tobi_bytes){info->text_hash, sizeof(info->text_hash)});
	page_put(out, "</td></tr>\n");
	return TOBI_OK;
}

static enum tobi_err put_table(struct page_call *call, struct listing *listing,
			       struct tobi_fault *fault)
{
	struct writer *out = call->out;
	size_t start = out->size;
	enum tobi_err err;

	page_put(out,
		 "<table role=\"table\"><caption>Your policies, each for all that begins "
		 "with its name; the longest one counts</caption>\n"
		 "<thead role=\"rowgroup\"><tr role=\"row\">"
		 "<th scope=\"col\" role=\"columnheader\">For</th>"
		 "<th scope=\"col\" role=\"columnheader\">Changed</th>"
		 "<th scope=\"col\" role=\"columnheader\">SHA-384 of its text</th>"
		 "</tr></thead>\n<tbody role=\"rowgroup\">\n");
	err = policy_list(call->broker, call->session.who.name, put_row, listing, fault);
	page_put(out, "</tbody></table>\n");
	if (!err && listing->seen <= listing->from && !wr_err(out)) {
		out->size = start;
		page_put(out, "<p>There are none, so nothing of yours is given to "
			      "anybody. <code>tobichi secret put-policy</code> puts "
			      "one.</p>\n");
	}
	return err;
}

enum tobi_err page_policies(struct broker *broker, const struct broker_request *request,
			    struct broker_reply *reply, struct tobi_fault *fault)
{
	struct page_field field = {.name = "from"};
	struct listing listing = {0};
	struct page_call call;
	enum tobi_err err = page_enter_as(broker, request, reply, false, &call, fault);

	if (err || call.answered)
		return err;
	if (!page_form_read(bytes_of_text(request->query), &field, 1) ||
	    (field.value[0] && !page_decision_number(field.value, &listing.from)))
		return page_refuse(&call, 400, "That was not understood",
				   "What is asked for is no list of policies.", fault);
	listing.out = call.out;
	err = page_begin(&call, 200, PAGE_POLICIES, "Policies", fault);
	if (!err)
		err = put_table(&call, &listing, fault);
	if (err)
		return err;
	if (listing.more) {
		page_put(call.out, "<p><a href=\"/policies?from=");
		page_number(call.out, listing.from + ROWS);
		page_put(call.out, "\">More policies</a></p>\n");
	}
	return page_end(&call, fault);
}

/* ---- one ---- */

static enum tobi_err put_file(void *context, const char *name, uint64_t size,
			      struct tobi_fault *fault)
{
	struct writer *out = context;

	(void)fault;
	page_put(out, "<li><bdi>");
	page_line(out, name);
	page_put(out, "</bdi>, ");
	page_number(out, size);
	page_put(out, " bytes</li>\n");
	return TOBI_OK;
}

static enum tobi_err put_files(struct page_call *call, const char *scope,
			       struct tobi_fault *fault)
{
	struct writer *out = call->out;
	size_t start = out->size, empty;
	enum tobi_err err;

	page_put(out, "<h2>Its files of reference values</h2>\n<ul>\n");
	empty = out->size;
	err = policy_files(call->broker, scope, put_file, out, fault);
	if (!err && !wr_err(out) && out->size == empty)
		out->size = start;
	else
		page_put(out, "</ul>\n");
	return err;
}

static enum tobi_err show(struct page_call *call, const char *scope,
			  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(LIMIT_POLICY);
	CLEANUP(wr_done) struct writer title = wr_init(RESOURCE_NAME_SIZE + 32);
	struct writer *out = call->out;
	enum tobi_err err =
	    policy_text(call->broker, call->session.who.name, scope, &text, fault);

	if (err == TOBI_E_NOT_FOUND)
		return page_not_found(call, fault);
	wr_printf(&title, "Policy of %s%c", scope, 0);
	if (!err)
		err = wr_err(&title);
	if (!err)
		err =
		    page_begin(call, 200, PAGE_POLICIES, (const char *)title.ptr, fault);
	if (err)
		return err;
	page_put(out, "<p>As it was put; <code>tobichi secret put-policy</code> replaces "
		      "it.</p>\n<pre tabindex=\"0\" role=\"region\" aria-label=\"Text of "
		      "the policy\">");
	page_lines(out, wr_view(&text));
	page_put(out, "</pre>\n");
	err = put_files(call, scope, fault);
	page_put(out, "<p><a href=\"/policies\">All policies</a></p>\n");
	return err ? err : page_end(call, fault);
}

enum tobi_err page_policy(struct broker *broker, const struct broker_request *request,
			  struct broker_reply *reply, struct tobi_fault *fault)
{
	const char *scope = request->path + sizeof(PLACE) - 1;
	struct resource_name name;
	struct page_call call;
	enum tobi_err err = page_enter_as(broker, request, reply, false, &call, fault);

	if (err || call.answered)
		return err;
	return resource_scope_read(scope, &name, NULL) ? page_not_found(&call, fault)
						       : show(&call, scope, fault);
}
