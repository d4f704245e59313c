/* Handlers of /v1/counters: the owner sees its counters, and may give one back. */
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/admin.h"
#include "broker/counter.h"
#include "broker/resource.h"

#define COUNTERS "/v1/counters/"

enum { PAGE = 500 };

struct listing {
	json_t *counters;
	char last[RESOURCE_NAME_SIZE];
};

static enum tobi_err visit(void *context, const struct counter_info *info,
			   struct tobi_fault *fault)
{
	struct listing *listing = context;

	resource_name_write(&info->name, listing->last);
	return json_array_append_new(
		   listing->counters,
		   json_pack("{s:s, s:I, s:s, s:I}", "name", listing->last, "value",
			     (json_int_t)info->value, "to",
			     info->to == COUNTER_TO_SIGNER ? "signer" : "image",
			     "changed", (json_int_t)info->changed))
		   ? fault_set(fault, TOBI_E_MEMORY, "list", "", "out of memory")
		   : TOBI_OK;
}

static enum tobi_err list(const struct admin_call *call, struct listing *listing,
			  struct tobi_fault *fault)
{
	static const char *const names[] = {"after", NULL};
	char after[ADMIN_VALUE_SIZE];
	struct resource_name from = {0};
	enum tobi_err err = admin_query(call, names, "after", after, fault);

	if (!err && after[0])
		err = resource_name_read(after, &from, fault);
	if (!err)
		err = counter_list(call->broker, call->who->name, after[0] ? &from : NULL,
				   PAGE, visit, listing, fault);
	if (err)
		return err;
	return admin_answer(call, 200,
			    json_array_size(listing->counters) < PAGE
				? json_pack("{s:O}", "counters", listing->counters)
				: json_pack("{s:O, s:s}", "counters", listing->counters,
					    "next", listing->last),
			    fault);
}

enum tobi_err admin_counter_list(struct broker *broker,
				 const struct broker_request *request,
				 struct broker_reply *reply, struct tobi_fault *fault)
{
	struct listing listing = {.counters = json_array()};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = admin_end(&call, list(&call, &listing, fault), fault);
	json_decref(listing.counters);
	return err;
}

static enum tobi_err run_delete(const struct admin_call *call, void *input,
				struct tobi_fault *fault)
{
	return counter_delete(call->broker, call->who->name, input, fault);
}

static enum tobi_err delete_one(const struct admin_call *call, struct tobi_fault *fault)
{
	const char *text = admin_rest(call, COUNTERS);
	struct resource_name name;
	enum tobi_err err = resource_name_read(text, &name, fault);

	if (!err)
		err = admin_apply(call,
				  &(struct admin_change){.action = "counter delete",
							 .resource = text,
							 .repository = name.repository,
							 .run = run_delete,
							 .input = &name},
				  fault);
	return err ? err
		   : admin_answer(call, 200, json_pack("{s:s}", "counter", text), fault);
}

enum tobi_err admin_counter_delete(struct broker *broker,
				   const struct broker_request *request,
				   struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, delete_one(&call, fault), fault);
}
