/* Handlers of /v1/policies: of a resource, a type or a repository. */
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "broker/admin_input.h"
#include "broker/policies.h"

#define POLICIES "/v1/policies/"

static enum tobi_err out_of_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, "policy", "", "out of memory");
}

/* ---- list and show ---- */

static enum tobi_err visit(void *context, const struct policy_info *info,
			   struct tobi_fault *fault)
{
	char hex[2 * SHA384_SIZE + 1];

	hex_write((struct tobi_bytes){info->text_hash, SHA384_SIZE}, hex, sizeof(hex));
	return json_array_append_new(
		   context, json_pack("{s:s, s:s, s:I}", "scope", info->scope, "sha384",
				      hex, "changed", (json_int_t)info->changed))
		   ? out_of_memory(fault)
		   : TOBI_OK;
}

enum tobi_err admin_policy_list(struct broker *broker,
				const struct broker_request *request,
				struct broker_reply *reply, struct tobi_fault *fault)
{
	json_t *policies = json_array();
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = policy_list(broker, call.who->name, visit, policies, fault);
	if (!err)
		err = admin_answer(&call, 200, json_pack("{s:O}", "policies", policies),
				   fault);
	json_decref(policies);
	return err;
}

static enum tobi_err visit_file(void *context, const char *name, uint64_t size,
				struct tobi_fault *fault)
{
	return json_array_append_new(context, json_pack("{s:s, s:I}", "name", name,
							"size", (json_int_t)size))
		   ? out_of_memory(fault)
		   : TOBI_OK;
}

static enum tobi_err show(const struct admin_call *call, json_t *files,
			  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(LIMIT_POLICY);
	const char *scope = admin_rest(call, POLICIES);
	struct resource_name name;
	enum tobi_err err = resource_scope_read(scope, &name, fault);

	if (!err)
		err = policy_text(call->broker, call->who->name, scope, &text, fault);
	if (!err)
		err = policy_files(call->broker, scope, visit_file, files, fault);
	return err ? err
		   : admin_answer(call, 200,
				  json_pack("{s:s, s:s%, s:O}", "scope", scope, "policy",
					    (const char *)text.ptr, text.size, "files",
					    files),
				  fault);
}

enum tobi_err admin_policy_show(struct broker *broker,
				const struct broker_request *request,
				struct broker_reply *reply, struct tobi_fault *fault)
{
	json_t *files = json_array();
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = admin_end(&call, show(&call, files, fault), fault);
	json_decref(files);
	return err;
}

/* ---- changes ---- */

static enum tobi_err run_put(const struct admin_call *call, void *input,
			     struct tobi_fault *fault)
{
	return policy_put(call->broker, call->who->name, input, call->request->now,
			  fault);
}

static enum tobi_err run_delete(const struct admin_call *call, void *input,
				struct tobi_fault *fault)
{
	return policy_delete(call->broker, call->who->name, input, fault);
}

static enum tobi_err put(const struct admin_call *call, struct admin_input *input,
			 struct tobi_fault *fault)
{
	static const struct admin_field fields[] = {{"policy", JSON_STRING, true},
						    {"files", JSON_ARRAY, false},
						    {NULL, JSON_NULL, false}};
	const char *scope = admin_rest(call, POLICIES);
	char hex[2 * SHA384_SIZE + 1];
	uint8_t hash[SHA384_SIZE];
	struct resource_name name;
	enum tobi_err err = resource_scope_read(scope, &name, fault);

	if (!err)
		err = admin_body(call, fields, &input->body, fault);
	if (!err)
		err = admin_input_policy(input, scope, fault);
	if (!err)
		err = hash_sha384(input->policy.text, hash);
	if (!err)
		err = admin_apply(call,
				  &(struct admin_change){.action = "policy put",
							 .resource = scope,
							 .repository = name.repository,
							 .policy = hash,
							 .run = run_put,
							 .input = &input->policy},
				  fault);
	if (err)
		return err;
	hex_write((struct tobi_bytes){hash, sizeof(hash)}, hex, sizeof(hex));
	return admin_answer(
	    call, 200, json_pack("{s:s, s:s}", "scope", scope, "sha384", hex), fault);
}

enum tobi_err admin_policy_put(struct broker *broker,
			       const struct broker_request *request,
			       struct broker_reply *reply, struct tobi_fault *fault)
{
	CLEANUP(admin_input_done) struct admin_input input = {0};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, put(&call, &input, fault), fault);
}

static enum tobi_err remove_policy(const struct admin_call *call,
				   struct tobi_fault *fault)
{
	const char *scope = admin_rest(call, POLICIES);
	struct resource_name name;
	enum tobi_err err = resource_scope_read(scope, &name, fault);

	if (!err)
		err =
		    admin_apply(call,
				&(struct admin_change){.action = "policy delete",
						       .resource = scope,
						       .repository = name.repository,
						       .run = run_delete,
						       .input = (void *)(uintptr_t)scope},
				fault);
	return err ? err
		   : admin_answer(call, 200, json_pack("{s:s}", "scope", scope), fault);
}

enum tobi_err admin_policy_delete(struct broker *broker,
				  const struct broker_request *request,
				  struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, remove_policy(&call, fault), fault);
}
