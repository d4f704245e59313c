/* An owner's resources: their versions and ends, and which policy releases each. What is
 * in them is on no page. */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "broker/page.h"
#include "broker/page_form.h"
#include "broker/resource.h"

/* Versions on a page: more than one resource may have, so that each page has all of one
 * at least. */
enum { ROWS = 200 };
_Static_assert((int)ROWS > (int)LIMIT_BROKER_VERSIONS, "a page has room for a resource");

struct rows {
	size_t count;
	struct resource_info infos[ROWS];
};

static enum tobi_err take(void *context, const struct resource_info *info,
			  struct tobi_fault *fault)
{
	struct rows *rows = context;

	if (rows->count == ROWS)
		return fault_set(fault, TOBI_E_LIMIT, "page", "", "too many rows");
	rows->infos[rows->count++] = *info;
	return TOBI_OK;
}

static bool same_name(const struct resource_name *a, const struct resource_name *b)
{
	return strcmp(a->repository, b->repository) == 0 &&
	       strcmp(a->type, b->type) == 0 && strcmp(a->tag, b->tag) == 0;
}

/* A full page may end within a resource: that one is on the next page as a whole. */
static bool leave_last(struct rows *rows)
{
	const struct resource_info *last = &rows->infos[ROWS - 1];

	if (rows->count < ROWS)
		return false;
	while (rows->count && same_name(&rows->infos[rows->count - 1].name, &last->name))
		rows->count--;
	return true;
}

static void put_name(struct writer *out, const struct resource_name *name)
{
	char text[RESOURCE_NAME_SIZE];

	resource_name_write(name, text);
	page_put(out, "<bdi>");
	page_line(out, text);
	page_put(out, "</bdi>");
}

static enum tobi_err put_policy(struct page_call *call, const struct resource_info *info,
				struct tobi_fault *fault)
{
	struct writer *out = call->out;
	struct policy_info policy;
	enum tobi_err err =
	    policy_find(call->broker, &info->name, info->owner, &policy, fault);

	if (err == TOBI_E_NOT_FOUND) {
		page_put(out, "none: it is given to nobody");
		return TOBI_OK;
	}
	if (err)
		return err;
	page_put(out, "<a href=\"/policies/");
	/* Its letters are those of names, and slashes. */
	page_line(out, policy.scope);
	page_put(out, "\">of ");
	page_line(out, policy.scope);
	page_put(out, "</a>");
	return TOBI_OK;
}

static void put_end(struct writer *out, const struct resource_info *info, int64_t now)
{
	if (!info->expires)
		page_put(out, "never");
	else
		page_time(out, info->expires);
	if (info->expires && info->expires <= now)
		page_put(out, " <span class=\"refused\">expired</span>");
}

static enum tobi_err put_row(struct page_call *call, const struct resource_info *info,
			     struct tobi_fault *fault)
{
	struct writer *out = call->out;
	enum tobi_err err;

	page_put(out, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">");
	put_name(out, &info->name);
	page_put(out, "</th><td role=\"cell\"><span class=\"what\">Version: </span>");
	page_number(out, info->version);
	if (info->newest)
		page_put(out, " (newest)");
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">Made: </span>");
	page_time(out, info->created);
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">Ends: </span>");
	put_end(out, info, call->request->now);
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">Releases left: "
		      "</span>");
	if (info->releases == RESOURCE_ANY_RELEASES)
		page_put(out, "any number");
	else
		page_number(out, (uint64_t)info->releases);
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">Policy: </span>");
	err = put_policy(call, info, fault);
	page_put(out, "</td></tr>\n");
	return err;
}

static enum tobi_err put_table(struct page_call *call, const struct rows *rows,
			       struct tobi_fault *fault)
{
	struct writer *out = call->out;
	enum tobi_err err = TOBI_OK;

	page_put(out, "<table role=\"table\"><caption>Your resources, each version in a "
		      "row</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">"
		      "<th scope=\"col\" role=\"columnheader\">Resource</th>"
		      "<th scope=\"col\" role=\"columnheader\">Version</th>"
		      "<th scope=\"col\" role=\"columnheader\">Made</th>"
		      "<th scope=\"col\" role=\"columnheader\">Ends</th>"
		      "<th scope=\"col\" role=\"columnheader\">Releases left</th>"
		      "<th scope=\"col\" role=\"columnheader\">Policy</th></tr></thead>\n"
		      "<tbody role=\"rowgroup\">\n");
	for (size_t i = 0; i < rows->count && !err; i++)
		err = put_row(call, &rows->infos[i], fault);
	page_put(out, "</tbody></table>\n");
	return err;
}

static void put_next(struct writer *out, const struct resource_name *last)
{
	char text[RESOURCE_NAME_SIZE];

	resource_name_write(last, text);
	page_put(out, "<p><a href=\"/resources?after=");
	page_url(out, bytes_of_text(text));
	page_put(out, "\">Resources after ");
	page_line(out, text);
	page_put(out, "</a></p>\n");
}

static enum tobi_err show(struct page_call *call, const struct resource_name *after,
			  struct rows *rows, struct tobi_fault *fault)
{
	enum tobi_err err = resource_list(call->broker, call->session.who.name, NULL,
					  after, ROWS, take, rows, fault);
	bool more = !err && leave_last(rows);

	if (!err)
		err = page_begin(call, 200, PAGE_RESOURCES, "Resources", fault);
	if (!err && rows->count)
		err = put_table(call, rows, fault);
	else if (!err)
		page_put(call->out, "<p>There are none. <code>tobichi secret put</code> "
				    "makes one.</p>\n");
	if (err)
		return err;
	if (more)
		put_next(call->out, &rows->infos[rows->count - 1].name);
	return page_end(call, fault);
}

enum tobi_err page_resources(struct broker *broker, const struct broker_request *request,
			     struct broker_reply *reply, struct tobi_fault *fault)
{
	struct page_field field = {.name = "after"};
	struct resource_name after;
	struct page_call call;
	struct rows *rows;
	enum tobi_err err = page_enter_as(broker, request, reply, false, &call, fault);

	if (err || call.answered)
		return err;
	if (!page_form_read(bytes_of_text(request->query), &field, 1) ||
	    (field.value[0] && resource_name_read(field.value, &after, NULL)))
		return page_refuse(&call, 400, "That was not understood",
				   "What is asked for is no list of resources.", fault);
	rows = calloc(1, sizeof(*rows));
	err = rows ? show(&call, field.value[0] ? &after : NULL, rows, fault)
		   : fault_set(fault, TOBI_E_MEMORY, "page", "", "out of memory");
	free(rows);
	return err;
}
