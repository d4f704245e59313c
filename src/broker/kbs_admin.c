/*
 * The paths by which administrators' tools store resources in the key-broker protocol
 * (docs/PROTOCOL.md section 18.1.8): the same as /v1/secrets, with the secret as the
 * body. Who asks has been found out by the server, as for all of administration.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/admin.h"
#include "broker/kbs_reply.h"
#include "broker/kbs_request.h"
#include "broker/resource.h"
#include "broker/store.h"

#define RESOURCES "/kbs/v0/resource/"

struct kbs_change {
	struct resource_name name;
	struct resource_value value;
	uint64_t version;
};

/* What is there is replaced: those before expire at once. */
static enum tobi_err run_store(const struct admin_call *call, void *input,
			       struct tobi_fault *fault)
{
	struct kbs_change *change = input;
	const char *owner = call->who->name;
	const int64_t now = call->request->now;
	enum tobi_err err =
	    resource_put(call->broker, owner, &change->name, &change->value, NULL, now,
			 &change->version, fault);

	return err == TOBI_E_EXISTS
		   ? resource_rotate(call->broker, owner, &change->name, &change->value,
				     0, now, &change->version, fault)
		   : err;
}

static enum tobi_err run_delete(const struct admin_call *call, void *input,
				struct tobi_fault *fault)
{
	const struct kbs_change *change = input;

	return resource_delete(call->broker, call->who->name, &change->name, 0, fault);
}

static enum tobi_err apply(const struct admin_call *call, const char *action,
			   enum tobi_err (*run)(const struct admin_call *, void *,
						struct tobi_fault *),
			   struct tobi_fault *fault)
{
	struct kbs_change input = {
	    .value = {call->request->body, 0, RESOURCE_ANY_RELEASES}};
	char name[RESOURCE_NAME_SIZE];
	const struct admin_change change = {.action = action,
					    .resource = name,
					    .repository = input.name.repository,
					    .run = run,
					    .input = &input};
	enum tobi_err err = resource_name_read(call->request->path + strlen(RESOURCES),
					       &input.name, fault);

	if (err)
		return err;
	resource_name_write(&input.name, name);
	return admin_apply(call, &change, fault);
}

static enum tobi_err answer(struct broker_reply *reply, enum tobi_err err,
			    const struct tobi_fault *why, struct tobi_fault *fault)
{
	if (store_failed(err, why)) {
		if (fault)
			*fault = *why;
		return err;
	}
	switch (err) {
	case TOBI_OK:
		return TOBI_OK;
	case TOBI_E_DENIED:
		return kbs_refuse(reply, KBS_ADMIN, "this is not yours to change");
	case TOBI_E_ARGUMENT: /* here of the client's: an empty secret */
		return kbs_refuse(reply, KBS_PLUGIN_INTERNAL, "%s", why->message);
	default:
		if (fault)
			*fault = *why;
		return kbs_refuse_fault(reply, KBS_PLUGIN_INTERNAL, err, why);
	}
}

enum tobi_err kbs_handle_store(struct broker *broker,
			       const struct broker_request *request,
			       struct broker_reply *reply, struct tobi_fault *fault)
{
	struct tobi_fault why = {0};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err
		   : answer(reply, apply(&call, "secret put", run_store, &why), &why,
			    fault);
}

enum tobi_err kbs_handle_delete(struct broker *broker,
				const struct broker_request *request,
				struct broker_reply *reply, struct tobi_fault *fault)
{
	struct tobi_fault why = {0};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err
		   : answer(reply, apply(&call, "secret delete", run_delete, &why), &why,
			    fault);
}

/* Policies in Rego and reference values as Trustee has them are not Tobichi's. */
enum tobi_err kbs_handle_policy(struct broker *broker,
				const struct broker_request *request,
				struct broker_reply *reply, struct tobi_fault *fault)
{
	(void)broker;
	(void)request;
	(void)fault;
	return kbs_refuse(
	    reply, KBS_PARSE_POLICY,
	    "policies of this broker are Tobichi's: PUT /v1/policies/SCOPE");
}
