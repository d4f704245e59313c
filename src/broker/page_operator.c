/* For the operator: which owners there are, and how many keys and repositories each has.
 * What is in the repositories is theirs. */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "broker/owners.h"
#include "broker/page.h"
#include "broker/page_form.h"
#include "broker/release.h"

enum { ROWS = 200 };

struct rows {
	size_t count;
	struct owner_info infos[ROWS];
};

static enum tobi_err take(void *context, const struct owner_info *info,
			  struct tobi_fault *fault)
{
	struct rows *rows = context;

	if (rows->count == ROWS)
		return fault_set(fault, TOBI_E_LIMIT, "page", "", "too many rows");
	rows->infos[rows->count++] = *info;
	return TOBI_OK;
}

static enum tobi_err count_key(void *context, const uint8_t id[static PRINCIPAL_ID_SIZE],
			       int64_t created, struct tobi_fault *fault)
{
	(void)id, (void)created, (void)fault;
	(*(uint64_t *)context)++;
	return TOBI_OK;
}

static enum tobi_err count_repository(void *context, const char *repository,
				      struct tobi_fault *fault)
{
	(void)repository, (void)fault;
	(*(uint64_t *)context)++;
	return TOBI_OK;
}

static enum tobi_err put_row(struct page_call *call, const struct owner_info *info,
			     struct tobi_fault *fault)
{
	struct writer *out = call->out;
	uint64_t keys = 0, repositories = 0;
	enum tobi_err err = owner_keys(call->broker, info->name, count_key, &keys, fault);

	if (!err)
		err = owner_repositories(call->broker, info->name, count_repository,
					 &repositories, fault);
	page_put(out, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\"><bdi>");
	page_line(out, info->name);
	page_put(out, "</bdi></th><td role=\"cell\"><span class=\"what\">Since: </span>");
	page_time(out, info->created);
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">Keys: </span>");
	page_number(out, keys);
	page_put(out, "</td><td role=\"cell\"><span class=\"what\">Repositories: "
		      "</span>");
	page_number(out, repositories);
	page_put(out, "</td></tr>\n");
	return err;
}

static enum tobi_err put_table(struct page_call *call, const struct rows *rows,
			       struct tobi_fault *fault)
{
	struct writer *out = call->out;
	enum tobi_err err = TOBI_OK;

	page_put(out, "<table role=\"table\"><caption>Owners</caption>\n"
		      "<thead role=\"rowgroup\"><tr role=\"row\">"
		      "<th scope=\"col\" role=\"columnheader\">Owner</th>"
		      "<th scope=\"col\" role=\"columnheader\">Since</th>"
		      "<th scope=\"col\" role=\"columnheader\">Keys</th>"
		      "<th scope=\"col\" role=\"columnheader\">Repositories</th>"
		      "</tr></thead>\n<tbody role=\"rowgroup\">\n");
	for (size_t i = 0; i < rows->count && !err; i++)
		err = put_row(call, &rows->infos[i], fault);
	page_put(out, "</tbody></table>\n");
	return err;
}

static enum tobi_err show(struct page_call *call, const char *after, struct rows *rows,
			  struct tobi_fault *fault)
{
	struct writer *out = call->out;
	enum tobi_err err = owner_list(call->broker, after, ROWS, take, rows, fault);

	if (!err)
		err = page_begin(call, 200, PAGE_OPERATOR, "Owners", fault);
	if (!err && rows->count)
		err = put_table(call, rows, fault);
	else if (!err)
		page_put(out, "<p>There are none. <code>tobichi owner add</code> makes "
			      "one.</p>\n");
	if (err)
		return err;
	if (rows->count == ROWS) {
		page_put(out, "<p><a href=\"/operator?after=");
		page_url(out, bytes_of_text(rows->infos[ROWS - 1].name));
		page_put(out, "\">More owners</a></p>\n");
	}
	return page_end(call, fault);
}

enum tobi_err page_operator(struct broker *broker, const struct broker_request *request,
			    struct broker_reply *reply, struct tobi_fault *fault)
{
	struct page_field field = {.name = "after"};
	struct page_call call;
	struct rows *rows;
	enum tobi_err err = page_enter_as(broker, request, reply, true, &call, fault);

	if (err || call.answered)
		return err;
	if (!page_form_read(bytes_of_text(request->query), &field, 1))
		return page_refuse(&call, 400, "That was not understood",
				   "What is asked for is no list of owners.", fault);
	rows = calloc(1, sizeof(*rows));
	err = rows ? show(&call, field.value, rows, fault)
		   : fault_set(fault, TOBI_E_MEMORY, "page", "", "out of memory");
	free(rows);
	return err;
}
