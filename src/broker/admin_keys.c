/* Handlers of /v1/keys: the operator changes the store key, and has secrets moved under
 * the new one, step by step; it sees none of them. */
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/admin.h"
#include "broker/keyring.h"
#include "broker/resource.h"

enum { STEP = 100, STEP_MAX = 1000 };

static enum tobi_err run_rotate(const struct admin_call *call, void *input,
				struct tobi_fault *fault)
{
	return keyring_rotate(call->broker->keyring, input, fault);
}

static enum tobi_err rotate(const struct admin_call *call, struct tobi_fault *fault)
{
	uint64_t generation = 0;
	enum tobi_err err = admin_must_operate(call, fault);

	if (!err)
		err = admin_apply(call,
				  &(struct admin_change){.action = "store key rotate",
							 .resource = "store key",
							 .run = run_rotate,
							 .input = &generation},
				  fault);
	return err ? err
		   : admin_answer(
			 call, 200,
			 json_pack("{s:I}", "generation", (json_int_t)generation), fault);
}

enum tobi_err admin_store_key_rotate(struct broker *broker,
				     const struct broker_request *request,
				     struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, rotate(&call, fault), fault);
}

/* Where to go on: as the step before has answered. */
static enum tobi_err take_place(json_t *body, struct resource_rewrap *rewrap,
				struct tobi_fault *fault)
{
	const char *after = NULL;
	int64_t version = 0;
	enum tobi_err err = admin_text(body, "after", &after, fault);

	if (!err)
		err = admin_number(body, "version", 0, &version, fault);
	if (!err && after)
		err = resource_name_read(after, &rewrap->name, fault);
	rewrap->version = (uint64_t)version;
	return err;
}

static enum tobi_err rewrap(const struct admin_call *call, json_t **body,
			    struct tobi_fault *fault)
{
	static const struct admin_field fields[] = {{"after", JSON_STRING, false},
						    {"version", JSON_INTEGER, false},
						    {"limit", JSON_INTEGER, false},
						    {NULL, JSON_NULL, false}};
	struct resource_rewrap step = {0};
	char name[RESOURCE_NAME_SIZE];
	int64_t limit = STEP;
	enum tobi_err err = admin_must_operate(call, fault);

	if (!err)
		err = admin_body(call, fields, body, fault);
	if (!err)
		err = take_place(*body, &step, fault);
	if (!err)
		err = admin_number(*body, "limit", STEP, &limit, fault);
	if (!err && (limit < 1 || limit > STEP_MAX))
		err = fault_set(fault, TOBI_E_ARGUMENT, "request", "limit",
				"1 to %d are allowed", STEP_MAX);
	if (!err)
		err = resource_rewrap_step(call->broker, &step, (size_t)limit, fault);
	if (err)
		return err;
	resource_name_write(&step.name, name);
	return admin_answer(call, 200,
			    json_pack("{s:b, s:I, s:I, s:s, s:I}", "done", step.done,
				      "moved", (json_int_t)step.moved, "failed",
				      (json_int_t)step.failed, "after", name, "version",
				      (json_int_t)step.version),
			    fault);
}

enum tobi_err admin_store_key_rewrap(struct broker *broker,
				     const struct broker_request *request,
				     struct broker_reply *reply, struct tobi_fault *fault)
{
	json_t *body = NULL;
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = admin_end(&call, rewrap(&call, &body, fault), fault);
	json_decref(body);
	return err;
}
