/* Handlers of /v1/secrets. No secret goes out here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "broker/admin_input.h"
#include "broker/policies.h"

#define SECRETS "/v1/secrets/"

enum { PAGE = 1000 };

/* ---- names ---- */

/* "a/b/c" of the path, without what may follow it. */
static enum tobi_err name_of(const struct admin_call *call, const char *behind,
			     struct resource_name *ret_name, struct tobi_fault *fault)
{
	const char *rest = admin_rest(call, SECRETS);
	const char *end = behind ? strstr(rest, behind) : rest + strlen(rest);
	char text[RESOURCE_NAME_SIZE];

	if (!end || end - rest >= RESOURCE_NAME_SIZE)
		return fault_set(fault, TOBI_E_LIMIT, "name", "", "it is too long");
	bytes_copy(text, sizeof(text), rest, (size_t)(end - rest));
	text[end - rest] = 0;
	return resource_name_read(text, ret_name, fault);
}

/* ---- changes ---- */

struct secret_change {
	struct resource_name name;
	struct resource_value value;
	const struct policy_source *policy; /* or NULL */
	int64_t grace;
	uint64_t version;
};

static enum tobi_err run_put(const struct admin_call *call, void *input,
			     struct tobi_fault *fault)
{
	struct secret_change *change = input;

	return resource_put(call->broker, call->who->name, &change->name, &change->value,
			    change->policy, call->request->now, &change->version, fault);
}

static enum tobi_err run_rotate(const struct admin_call *call, void *input,
				struct tobi_fault *fault)
{
	struct secret_change *change = input;

	return resource_rotate(call->broker, call->who->name, &change->name,
			       &change->value, change->grace, call->request->now,
			       &change->version, fault);
}

static enum tobi_err run_delete(const struct admin_call *call, void *input,
				struct tobi_fault *fault)
{
	const struct secret_change *change = input;

	return resource_delete(call->broker, call->who->name, &change->name,
			       change->version, fault);
}

static enum tobi_err apply(const struct admin_call *call, const char *action,
			   struct secret_change *input, const uint8_t *policy,
			   enum tobi_err (*run)(const struct admin_call *, void *,
						struct tobi_fault *),
			   struct tobi_fault *fault)
{
	char name[RESOURCE_NAME_SIZE];
	const struct admin_change change = {.action = action,
					    .resource = name,
					    .repository = input->name.repository,
					    .version = input->version,
					    .policy = policy,
					    .run = run,
					    .input = input};

	resource_name_write(&input->name, name);
	return admin_apply(call, &change, fault);
}

static enum tobi_err answer_version(const struct admin_call *call, int status,
				    const struct secret_change *change,
				    struct tobi_fault *fault)
{
	char name[RESOURCE_NAME_SIZE];

	resource_name_write(&change->name, name);
	return admin_answer(call, status,
			    json_pack("{s:s, s:I}", "secret", name, "version",
				      (json_int_t)change->version),
			    fault);
}

static enum tobi_err put(const struct admin_call *call, struct admin_input *input,
			 struct tobi_fault *fault)
{
	static const struct admin_field fields[] = {
	    {"value", JSON_STRING, true},      {"expires", JSON_INTEGER, false},
	    {"releases", JSON_INTEGER, false}, {"policy", JSON_STRING, false},
	    {"files", JSON_ARRAY, false},      {NULL, JSON_NULL, false}};
	struct secret_change change = {0};
	char scope[RESOURCE_NAME_SIZE];
	uint8_t hash[SHA384_SIZE];
	enum tobi_err err = name_of(call, NULL, &change.name, fault);

	resource_name_write(&change.name, scope);
	if (!err)
		err = admin_body(call, fields, &input->body, fault);
	if (!err)
		err = admin_input_value(input, &change.value, fault);
	if (!err)
		err = admin_input_policy(input, scope, fault);
	if (!err)
		err = hash_sha384(input->policy.text, hash);
	if (!err && input->policy.text.size)
		change.policy = &input->policy;
	if (!err)
		err = apply(call, "secret put", &change, change.policy ? hash : NULL,
			    run_put, fault);
	return err ? err : answer_version(call, 201, &change, fault);
}

enum tobi_err admin_secret_put(struct broker *broker,
			       const struct broker_request *request,
			       struct broker_reply *reply, struct tobi_fault *fault)
{
	CLEANUP(admin_input_done) struct admin_input input = {0};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, put(&call, &input, fault), fault);
}

static enum tobi_err rotate(const struct admin_call *call, struct admin_input *input,
			    struct tobi_fault *fault)
{
	static const struct admin_field fields[] = {{"value", JSON_STRING, true},
						    {"expires", JSON_INTEGER, false},
						    {"releases", JSON_INTEGER, false},
						    {"grace", JSON_INTEGER, false},
						    {NULL, JSON_NULL, false}};
	struct secret_change change = {0};
	enum tobi_err err = name_of(call, "/versions", &change.name, fault);

	if (!err)
		err = admin_body(call, fields, &input->body, fault);
	if (!err)
		err = admin_input_value(input, &change.value, fault);
	if (!err)
		err = admin_number(input->body, "grace", 0, &change.grace, fault);
	if (!err)
		err = apply(call, "secret rotate", &change, NULL, run_rotate, fault);
	return err ? err : answer_version(call, 201, &change, fault);
}

enum tobi_err admin_secret_rotate(struct broker *broker,
				  const struct broker_request *request,
				  struct broker_reply *reply, struct tobi_fault *fault)
{
	CLEANUP(admin_input_done) struct admin_input input = {0};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, rotate(&call, &input, fault), fault);
}

static enum tobi_err remove_secret(const struct admin_call *call, const char *behind,
				   struct tobi_fault *fault)
{
	struct secret_change change = {0};
	const char *number = behind ? strrchr(call->request->path, '/') + 1 : "";
	char *end = NULL;
	enum tobi_err err = name_of(call, behind, &change.name, fault);

	if (!err && behind) {
		change.version = strtoull(number, &end, 10);
		if (*number < '1' || *number > '9' || *end || change.version > INT64_MAX)
			err = fault_set(fault, TOBI_E_MALFORMED, "name", "version",
					"a number, 1 upward, is needed");
	}
	if (!err)
		err = apply(call, "secret delete", &change, NULL, run_delete, fault);
	return err ? err : answer_version(call, 200, &change, fault);
}

enum tobi_err admin_secret_delete(struct broker *broker,
				  const struct broker_request *request,
				  struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, remove_secret(&call, NULL, fault), fault);
}

enum tobi_err admin_version_delete(struct broker *broker,
				   const struct broker_request *request,
				   struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err
		   : admin_end(&call, remove_secret(&call, "/versions/", fault), fault);
}

/* ---- lists ---- */

/* Versions come one by one, in the order of their names. */
struct listing {
	json_t *secrets;
	struct resource_name last;
	size_t rows;
	bool has_last;
};

static json_t *start_secret(struct listing *listing, const struct resource_info *info)
{
	char name[RESOURCE_NAME_SIZE];
	json_t *secret;

	resource_name_write(&info->name, name);
	secret = json_pack("{s:s, s:[]}", "name", name, "versions");
	if (!secret || json_array_append_new(listing->secrets, secret))
		return NULL;
	listing->last = info->name;
	listing->has_last = true;
	return secret;
}

static json_t *write_info(const struct resource_info *info)
{
	json_t *json =
	    json_pack("{s:I, s:b, s:I, s:I}", "version", (json_int_t)info->version,
		      "newest", info->newest, "size", (json_int_t)info->size, "created",
		      (json_int_t)info->created);

	/* What is not limited is not there. */
	if (json && info->expires &&
	    json_object_set_new(json, "expires", json_integer(info->expires)))
		return NULL;
	if (json && info->releases != RESOURCE_ANY_RELEASES &&
	    json_object_set_new(json, "releases", json_integer(info->releases)))
		return NULL;
	return json;
}

static enum tobi_err visit(void *context, const struct resource_info *info,
			   struct tobi_fault *fault)
{
	struct listing *listing = context;
	bool same = listing->has_last &&
		    memcmp(&listing->last, &info->name, sizeof(info->name)) == 0;
	size_t count = json_array_size(listing->secrets);
	json_t *secret = same ? json_array_get(listing->secrets, count - 1)
			      : start_secret(listing, info);

	listing->rows++;
	return !secret || json_array_append_new(json_object_get(secret, "versions"),
						write_info(info))
		   ? fault_set(fault, TOBI_E_MEMORY, "list", "", "out of memory")
		   : TOBI_OK;
}

/* A page that is full may end within a secret's versions: that one is left to the next
 * page, which begins behind the one before it. */
static json_t *end_page(const struct listing *listing)
{
	size_t count = json_array_size(listing->secrets);
	json_t *answer;

	if (listing->rows < PAGE)
		return json_pack("{s:O}", "secrets", listing->secrets);
	if (json_array_remove(listing->secrets, count - 1))
		return NULL;
	answer = json_pack(
	    "{s:O, s:O}", "secrets", listing->secrets, "next",
	    json_object_get(json_array_get(listing->secrets, count - 2), "name"));
	return answer;
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
		err = resource_list(call->broker, call->who->name, NULL,
				    after[0] ? &from : NULL, PAGE, visit, listing, fault);
	return err ? err : admin_answer(call, 200, end_page(listing), fault);
}

enum tobi_err admin_secret_list(struct broker *broker,
				const struct broker_request *request,
				struct broker_reply *reply, struct tobi_fault *fault)
{
	struct listing listing = {.secrets = json_array()};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = admin_end(&call, list(&call, &listing, fault), fault);
	json_decref(listing.secrets);
	return err;
}

/* Which policy counts for it, if any. */
static enum tobi_err add_policy(const struct admin_call *call,
				const struct resource_name *name, json_t *secret,
				struct tobi_fault *fault)
{
	char hex[2 * SHA384_SIZE + 1];
	struct policy_info info;
	enum tobi_err err =
	    policy_find(call->broker, name, call->who->name, &info, fault);

	if (err)
		return err == TOBI_E_NOT_FOUND ? TOBI_OK : err;
	hex_write((struct tobi_bytes){info.text_hash, SHA384_SIZE}, hex, sizeof(hex));
	return json_object_set_new(
		   secret, "policy",
		   json_pack("{s:s, s:s}", "scope", info.scope, "sha384", hex))
		   ? fault_set(fault, TOBI_E_MEMORY, "secret", "", "out of memory")
		   : TOBI_OK;
}

static enum tobi_err show(const struct admin_call *call, struct listing *listing,
			  struct tobi_fault *fault)
{
	struct resource_name name;
	json_t *secret;
	enum tobi_err err = name_of(call, NULL, &name, fault);

	if (!err)
		err = resource_list(call->broker, call->who->name, &name, NULL, PAGE,
				    visit, listing, fault);
	secret = json_array_get(listing->secrets, 0);
	if (!err && !secret)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "secret", "",
				"there is none of this name");
	if (!err)
		err = add_policy(call, &name, secret, fault);
	return err ? err : admin_answer(call, 200, json_incref(secret), fault);
}

enum tobi_err admin_secret_show(struct broker *broker,
				const struct broker_request *request,
				struct broker_reply *reply, struct tobi_fault *fault)
{
	struct listing listing = {.secrets = json_array()};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = admin_end(&call, show(&call, &listing, fault), fault);
	json_decref(listing.secrets);
	return err;
}
