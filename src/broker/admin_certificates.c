/* Handlers of /v1/certificate-profiles and /v1/certificate-authority: what an owner lets
 * its enclaves be certified for, and the CA that does it. */
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/admin.h"
#include "broker/authority.h"
#include "broker/resource.h"
#include "codec/json.h"

#define PROFILES "/v1/certificate-profiles/"

/* ---- profiles ---- */

static enum tobi_err visit(void *context, const char *scope, struct tobi_bytes text,
			   int64_t changed, struct tobi_fault *fault)
{
	json_t *profile = NULL;
	enum tobi_err err =
	    json_parse(text, PROFILE_SIZE_MAX, "database", &profile, fault);

	if (!err && json_array_append_new(
			context, json_pack("{s:s, s:o, s:I}", "scope", scope, "profile",
					   profile, "changed", (json_int_t)changed)))
		err = fault_set(fault, TOBI_E_MEMORY, "list", "", "out of memory");
	return err;
}

enum tobi_err admin_profile_list(struct broker *broker,
				 const struct broker_request *request,
				 struct broker_reply *reply, struct tobi_fault *fault)
{
	json_t *profiles = json_array();
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = profile_list(broker, call.who->name, visit, profiles, fault);
	if (!err)
		err = admin_answer(&call, 200, json_pack("{s:O}", "profiles", profiles),
				   fault);
	json_decref(profiles);
	return err;
}

static enum tobi_err run_put(const struct admin_call *call, void *input,
			     struct tobi_fault *fault)
{
	return profile_put(call->broker, call->who->name, input, call->request->body,
			   call->request->now, fault);
}

static enum tobi_err run_delete(const struct admin_call *call, void *input,
				struct tobi_fault *fault)
{
	return profile_delete(call->broker, call->who->name, input, fault);
}

/* One that cannot be used is refused before it is written down. */
static enum tobi_err change(const struct admin_call *call, bool put,
			    struct tobi_fault *fault)
{
	const char *scope = admin_rest(call, PROFILES);
	struct admin_change change = {.action = put ? "certificate profile put"
						    : "certificate profile delete",
				      .resource = scope,
				      .run = put ? run_put : run_delete,
				      .input = (void *)(uintptr_t)scope};
	struct resource_name name;
	struct profile profile;
	enum tobi_err err = resource_scope_read(scope, &name, fault);

	if (!err && put)
		err = profile_read(call->request->body, &profile, fault);
	if (!err) {
		change.repository = name.repository;
		err = admin_apply(call, &change, fault);
	}
	return err ? err
		   : admin_answer(call, 200, json_pack("{s:s}", "scope", scope), fault);
}

enum tobi_err admin_profile_put(struct broker *broker,
				const struct broker_request *request,
				struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, change(&call, true, fault), fault);
}

enum tobi_err admin_profile_delete(struct broker *broker,
				   const struct broker_request *request,
				   struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, change(&call, false, fault), fault);
}

/* ---- the CA ---- */

static enum tobi_err must_own(const struct admin_call *call, struct tobi_fault *fault)
{
	return call->who->operator
		   ? fault_set(fault, TOBI_E_DENIED, "request", "",
			       "the operator has no enclaves, and so no CA")
		   : TOBI_OK;
}

static enum tobi_err show(const struct admin_call *call, struct tobi_fault *fault)
{
	CLEANUP(authority_done) struct authority authority = {0};
	CLEANUP(wr_done) struct writer request = wr_init(LIMIT_PEM);
	const char *owner = call->who->name;
	enum tobi_err err = must_own(call, fault);

	if (!err)
		err = authority_get(call->broker, owner, call->request->now, &authority,
				    fault);
	if (!err)
		err = authority_request(&authority, owner, &request, fault);
	if (err)
		return err;
	return admin_answer(call, 200,
			    json_pack("{s:s%, s:s%}", "certificate",
				      (const char *)authority.chain.ptr,
				      authority.chain.size, "request",
				      (const char *)request.ptr, request.size),
			    fault);
}

enum tobi_err admin_authority_show(struct broker *broker,
				   const struct broker_request *request,
				   struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, show(&call, fault), fault);
}

static enum tobi_err run_import(const struct admin_call *call, void *input,
				struct tobi_fault *fault)
{
	return authority_import(call->broker, call->who->name, bytes_of_text(input),
				call->request->now, fault);
}

static enum tobi_err run_renew(const struct admin_call *call, void *input,
			       struct tobi_fault *fault)
{
	(void)input;
	return authority_delete(call->broker, call->who->name, fault);
}

static enum tobi_err import(const struct admin_call *call, json_t **body,
			    struct tobi_fault *fault)
{
	static const struct admin_field fields[] = {{"certificate", JSON_STRING, true},
						    {NULL, JSON_NULL, false}};
	const char *pem = NULL;
	enum tobi_err err = must_own(call, fault);

	if (!err)
		err = admin_body(call, fields, body, fault);
	if (!err)
		err = admin_text(*body, "certificate", &pem, fault);
	if (!err)
		err = admin_apply(
		    call,
		    &(struct admin_change){.action = "certificate authority import",
					   .resource = "certificate authority",
					   .run = run_import,
					   .input = (void *)(uintptr_t)pem},
		    fault);
	return err ? err : show(call, fault);
}

enum tobi_err admin_authority_import(struct broker *broker,
				     const struct broker_request *request,
				     struct broker_reply *reply, struct tobi_fault *fault)
{
	json_t *body = NULL;
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = admin_end(&call, import(&call, &body, fault), fault);
	json_decref(body);
	return err;
}

static enum tobi_err renew(const struct admin_call *call, struct tobi_fault *fault)
{
	enum tobi_err err = must_own(call, fault);

	if (!err)
		err = admin_apply(
		    call,
		    &(struct admin_change){.action = "certificate authority delete",
					   .resource = "certificate authority",
					   .run = run_renew},
		    fault);
	return err ? err : admin_answer(call, 200, json_object(), fault);
}

enum tobi_err admin_authority_delete(struct broker *broker,
				     const struct broker_request *request,
				     struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, renew(&call, fault), fault);
}
