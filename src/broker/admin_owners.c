/* Handlers of /v1/owners: the operator's, and an owner's own keys. */
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "broker/admin.h"
#include "broker/owners.h"
#include "broker/resource.h"

#define OWNERS "/v1/owners/"

enum { PAGE = 500 };

static enum tobi_err out_of_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, "owner", "", "out of memory");
}

/* The owner of the path, and what stands behind it: "NAME/keys/ID". */
struct place {
	char name[RESOURCE_PART_MAX + 1];
	const char *behind; /* "ID"; or empty */
};

static enum tobi_err place_of(const struct admin_call *call, const char *kind,
			      struct place *ret_place, struct tobi_fault *fault)
{
	const char *rest = admin_rest(call, OWNERS);
	size_t size = strcspn(rest, "/"), skip = strlen(kind);
	struct place place = {.behind = ""};

	if (size > RESOURCE_PART_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "name", "", "it is too long");
	bytes_copy(place.name, sizeof(place.name), rest, size);
	if (skip && strncmp(rest + size, kind, skip) == 0)
		place.behind = rest + size + skip;
	*ret_place = place;
	return resource_part_check(place.name, fault);
}

static bool is_self(const struct admin_call *call, const char *name)
{
	return !call->who->operator&& strcmp(call->who->name, name) == 0;
}

static enum tobi_err must_be_self(const struct admin_call *call, const char *name,
				  struct tobi_fault *fault)
{
	return is_self(call, name)
		   ? TOBI_OK
		   : fault_set(
			 fault, TOBI_E_DENIED, "owner", "",
			 "only the owner itself may do that: whoever could give it a "
			 "key would have its secrets");
}

static enum tobi_err must_be_self_or_operator(const struct admin_call *call,
					      const char *name, struct tobi_fault *fault)
{
	return is_self(call, name) ? TOBI_OK : admin_must_operate(call, fault);
}

/* ---- lists ---- */

static enum tobi_err add_key(void *context, const uint8_t id[static PRINCIPAL_ID_SIZE],
			     int64_t created, struct tobi_fault *fault)
{
	char hex[2 * PRINCIPAL_ID_SIZE + 1];

	hex_write((struct tobi_bytes){id, PRINCIPAL_ID_SIZE}, hex, sizeof(hex));
	return json_array_append_new(context, json_pack("{s:s, s:I}", "id", hex,
							"created", (json_int_t)created))
		   ? out_of_memory(fault)
		   : TOBI_OK;
}

static enum tobi_err add_repository(void *context, const char *repository,
				    struct tobi_fault *fault)
{
	return json_array_append_new(context, json_string(repository))
		   ? out_of_memory(fault)
		   : TOBI_OK;
}

struct listing {
	struct broker *broker;
	json_t *owners;
};

static enum tobi_err add_owner(void *context, const struct owner_info *info,
			       struct tobi_fault *fault)
{
	const struct listing *listing = context;
	json_t *owner = json_pack("{s:s, s:I, s:[], s:[]}", "name", info->name, "created",
				  (json_int_t)info->created, "keys", "repositories");

	(void)fault;
	return !owner || json_array_append_new(listing->owners, owner)
		   ? out_of_memory(fault)
		   : TOBI_OK;
}

/* After the list was read: each takes a connection. */
static enum tobi_err add_details(const struct listing *listing, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	json_t *owner;
	size_t at;

	json_array_foreach(listing->owners, at, owner)
	{
		const char *name = json_string_value(json_object_get(owner, "name"));

		err = owner_keys(listing->broker, name, add_key,
				 json_object_get(owner, "keys"), fault);
		if (!err)
			err = owner_repositories(listing->broker, name, add_repository,
						 json_object_get(owner, "repositories"),
						 fault);
		if (err)
			break;
	}
	return err;
}

/* A full page names where the next one begins. */
static json_t *end_page(const struct listing *listing)
{
	size_t count = json_array_size(listing->owners);

	if (count < PAGE)
		return json_pack("{s:O}", "owners", listing->owners);
	return json_pack(
	    "{s:O, s:O}", "owners", listing->owners, "next",
	    json_object_get(json_array_get(listing->owners, count - 1), "name"));
}

static enum tobi_err list(const struct admin_call *call, struct listing *listing,
			  struct tobi_fault *fault)
{
	static const char *const names[] = {"after", NULL};
	char after[ADMIN_VALUE_SIZE];
	enum tobi_err err = admin_must_operate(call, fault);

	if (!err)
		err = admin_query(call, names, "after", after, fault);
	if (!err)
		err = owner_list(call->broker, after, PAGE, add_owner, listing, fault);
	if (!err)
		err = add_details(listing, fault);
	return err ? err : admin_answer(call, 200, end_page(listing), fault);
}

static enum tobi_err show(const struct admin_call *call, struct listing *listing,
			  struct tobi_fault *fault)
{
	struct place place;
	json_t *owner;
	enum tobi_err err = place_of(call, "", &place, fault);

	if (!err)
		err = must_be_self_or_operator(call, place.name, fault);
	if (!err)
		err = owner_find(call->broker, place.name, add_owner, listing, fault);
	if (!err)
		err = add_details(listing, fault);
	owner = json_array_get(listing->owners, 0);
	if (!err && !owner)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "owner", "",
				"there is none of this name");
	return err ? err : admin_answer(call, 200, json_incref(owner), fault);
}

static enum tobi_err
with_listing(struct broker *broker, const struct broker_request *request,
	     struct broker_reply *reply,
	     enum tobi_err (*run)(const struct admin_call *, struct listing *,
				  struct tobi_fault *),
	     struct tobi_fault *fault)
{
	struct listing listing = {broker, json_array()};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = admin_end(&call, run(&call, &listing, fault), fault);
	json_decref(listing.owners);
	return err;
}

enum tobi_err admin_owner_list(struct broker *broker,
			       const struct broker_request *request,
			       struct broker_reply *reply, struct tobi_fault *fault)
{
	return with_listing(broker, request, reply, list, fault);
}

enum tobi_err admin_owner_show(struct broker *broker,
			       const struct broker_request *request,
			       struct broker_reply *reply, struct tobi_fault *fault)
{
	return with_listing(broker, request, reply, show, fault);
}

enum tobi_err admin_whoami(struct broker *broker, const struct broker_request *request,
			   struct broker_reply *reply, struct tobi_fault *fault)
{
	char hex[2 * PRINCIPAL_ID_SIZE + 1];
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (err)
		return err;
	hex_write((struct tobi_bytes){call.who->id, PRINCIPAL_ID_SIZE}, hex, sizeof(hex));
	return admin_answer(&call, 200,
			    json_pack("{s:s, s:b, s:s}", "name", call.who->name,
				      "operator", call.who->operator, "key", hex),
			    fault);
}

/* ---- changes ---- */

struct owner_change {
	struct place place;
	struct owner_new new;
	struct owner_key keys[LIMIT_BROKER_KEYS];
	const char *repositories[LIMIT_BROKER_REPOSITORIES];
	uint8_t id[PRINCIPAL_ID_SIZE];
	bool with_secrets;
	json_t *body;
};

static enum tobi_err run_add(const struct admin_call *call, void *input,
			     struct tobi_fault *fault)
{
	const struct owner_change *change = input;

	return owner_add(call->broker, &change->new, call->request->now, fault);
}

static enum tobi_err run_remove(const struct admin_call *call, void *input,
				struct tobi_fault *fault)
{
	const struct owner_change *change = input;

	return owner_remove(call->broker, change->place.name, change->with_secrets,
			    fault);
}

static enum tobi_err run_add_key(const struct admin_call *call, void *input,
				 struct tobi_fault *fault)
{
	const struct owner_change *change = input;

	return owner_add_key(call->broker, change->place.name, &change->keys[0],
			     call->request->now, fault);
}

static enum tobi_err run_remove_key(const struct admin_call *call, void *input,
				    struct tobi_fault *fault)
{
	const struct owner_change *change = input;

	return owner_remove_key(call->broker, change->place.name, change->id, fault);
}

static enum tobi_err run_add_repository(const struct admin_call *call, void *input,
					struct tobi_fault *fault)
{
	const struct owner_change *change = input;

	return owner_add_repository(call->broker, change->place.name,
				    change->repositories[0], fault);
}

static enum tobi_err run_remove_repository(const struct admin_call *call, void *input,
					   struct tobi_fault *fault)
{
	const struct owner_change *change = input;

	return owner_remove_repository(call->broker, change->place.name,
				       change->repositories[0], fault);
}

/* Whom it is about, then what it says; who may is asked before anything is said. */
static enum tobi_err
apply(const struct admin_call *call, const char *action, struct owner_change *change,
      enum tobi_err (*run)(const struct admin_call *, void *, struct tobi_fault *),
      int status, struct tobi_fault *fault)
{
	enum tobi_err err =
	    admin_apply(call,
			&(struct admin_change){.action = action,
					       .resource = change->place.name,
					       .run = run,
					       .input = change},
			fault);

	return err ? err
		   : admin_answer(call, status,
				  json_pack("{s:s}", "owner", change->place.name), fault);
}

static enum tobi_err take_keys(struct owner_change *change, const json_t *keys,
			       struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (json_array_size(keys) > LIMIT_BROKER_KEYS)
		return fault_set(fault, TOBI_E_LIMIT, "request", "keys", "over %d",
				 LIMIT_BROKER_KEYS);
	for (size_t i = 0; i < json_array_size(keys) && !err; i++) {
		const char *pem = json_string_value(json_array_get(keys, i));

		err = pem ? owner_key_read(bytes_of_text(pem), &change->keys[i], fault)
			  : fault_set(fault, TOBI_E_MALFORMED, "request", "keys",
				      "one is no text");
	}
	change->new.keys = change->keys;
	change->new.key_count = json_array_size(keys);
	return err;
}

static enum tobi_err take_repositories(struct owner_change *change,
				       const json_t *repositories,
				       struct tobi_fault *fault)
{
	size_t count = json_array_size(repositories);

	if (count > LIMIT_BROKER_REPOSITORIES)
		return fault_set(fault, TOBI_E_LIMIT, "request", "repositories",
				 "over %d", LIMIT_BROKER_REPOSITORIES);
	for (size_t i = 0; i < count; i++) {
		change->repositories[i] =
		    json_string_value(json_array_get(repositories, i));
		if (!change->repositories[i])
			return fault_set(fault, TOBI_E_MALFORMED, "request",
					 "repositories", "one is no text");
	}
	change->new.repositories = change->repositories;
	change->new.repository_count = count;
	return TOBI_OK;
}

static enum tobi_err add(const struct admin_call *call, struct owner_change *change,
			 struct tobi_fault *fault)
{
	static const struct admin_field fields[] = {{"name", JSON_STRING, true},
						    {"keys", JSON_ARRAY, true},
						    {"repositories", JSON_ARRAY, false},
						    {NULL, JSON_NULL, false}};
	const char *name = NULL;
	enum tobi_err err = admin_must_operate(call, fault);

	if (!err)
		err = admin_body(call, fields, &change->body, fault);
	if (!err)
		err = admin_text(change->body, "name", &name, fault);
	if (!err)
		err = resource_part_check(name, fault);
	if (!err)
		err = take_keys(change, json_object_get(change->body, "keys"), fault);
	if (!err)
		err = take_repositories(
		    change, json_object_get(change->body, "repositories"), fault);
	if (err)
		return err;
	bytes_copy(change->place.name, sizeof(change->place.name), name, strlen(name));
	change->new.name = change->place.name;
	return apply(call, "owner add", change, run_add, 201, fault);
}

static enum tobi_err remove_owner(const struct admin_call *call,
				  struct owner_change *change, struct tobi_fault *fault)
{
	static const char *const names[] = {"secrets", NULL};
	char secrets[ADMIN_VALUE_SIZE];
	enum tobi_err err = admin_must_operate(call, fault);

	if (!err)
		err = place_of(call, "", &change->place, fault);
	if (!err)
		err = admin_query(call, names, "secrets", secrets, fault);
	if (!err && secrets[0] && strcmp(secrets, "delete") != 0)
		err = fault_set(fault, TOBI_E_MALFORMED, "query", "secrets",
				"the only value is: delete");
	if (err)
		return err;
	change->with_secrets = secrets[0] != 0;
	return apply(call, "owner remove", change, run_remove, 200, fault);
}

static enum tobi_err add_a_key(const struct admin_call *call, struct owner_change *change,
			       struct tobi_fault *fault)
{
	static const struct admin_field fields[] = {{"key", JSON_STRING, true},
						    {NULL, JSON_NULL, false}};
	enum tobi_err err = place_of(call, "", &change->place, fault);

	if (!err)
		err = must_be_self(call, change->place.name, fault);
	if (!err)
		err = admin_body(call, fields, &change->body, fault);
	if (!err)
		err = owner_key_read(bytes_of_text(json_string_value(
					 json_object_get(change->body, "key"))),
				     &change->keys[0], fault);
	return err ? err : apply(call, "owner key add", change, run_add_key, 201, fault);
}

static enum tobi_err remove_a_key(const struct admin_call *call,
				  struct owner_change *change, struct tobi_fault *fault)
{
	enum tobi_err err = place_of(call, "/keys/", &change->place, fault);

	if (!err)
		err = must_be_self_or_operator(call, change->place.name, fault);
	if (!err && !hex_read(change->place.behind, change->id, sizeof(change->id)))
		err = fault_set(fault, TOBI_E_MALFORMED, "owner", "key",
				"a key's id is needed: 96 hexadecimal digits");
	return err ? err
		   : apply(call, "owner key remove", change, run_remove_key, 200, fault);
}

static enum tobi_err add_a_repository(const struct admin_call *call,
				      struct owner_change *change,
				      struct tobi_fault *fault)
{
	static const struct admin_field fields[] = {{"repository", JSON_STRING, true},
						    {NULL, JSON_NULL, false}};
	enum tobi_err err = admin_must_operate(call, fault);

	if (!err)
		err = place_of(call, "", &change->place, fault);
	if (!err)
		err = admin_body(call, fields, &change->body, fault);
	if (!err)
		err = admin_text(change->body, "repository", &change->repositories[0],
				 fault);
	return err ? err
		   : apply(call, "owner repository add", change, run_add_repository, 201,
			   fault);
}

static enum tobi_err remove_a_repository(const struct admin_call *call,
					 struct owner_change *change,
					 struct tobi_fault *fault)
{
	enum tobi_err err = admin_must_operate(call, fault);

	if (!err)
		err = place_of(call, "/repositories/", &change->place, fault);
	if (!err)
		err = resource_part_check(change->place.behind, fault);
	change->repositories[0] = change->place.behind;
	return err ? err
		   : apply(call, "owner repository remove", change, run_remove_repository,
			   200, fault);
}

static enum tobi_err
with_change(struct broker *broker, const struct broker_request *request,
	    struct broker_reply *reply,
	    enum tobi_err (*run)(const struct admin_call *, struct owner_change *,
				 struct tobi_fault *),
	    struct tobi_fault *fault)
{
	struct owner_change change = {0};
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	if (!err)
		err = admin_end(&call, run(&call, &change, fault), fault);
	json_decref(change.body);
	return err;
}

#define HANDLER(name, run)                                                               \
	enum tobi_err name(struct broker *broker, const struct broker_request *request,  \
			   struct broker_reply *reply, struct tobi_fault *fault)         \
	{                                                                                \
		return with_change(broker, request, reply, run, fault);                  \
	}

HANDLER(admin_owner_add, add)
HANDLER(admin_owner_remove, remove_owner)
HANDLER(admin_key_add, add_a_key)
HANDLER(admin_key_remove, remove_a_key)
HANDLER(admin_repository_add, add_a_repository)
HANDLER(admin_repository_remove, remove_a_repository)
