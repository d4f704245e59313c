#include "broker/profile.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/owners.h"
#include "broker/resource.h"
#include "broker/row_seal.h"
#include "broker/store.h"
#include "codec/json.h"

static const char object[] = "certificate profile", table[] = "certificate_profile";

/* ---- what it says ---- */

static enum tobi_err wrong(const char *field, const char *what, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, object, field, "%s", what);
}

static bool is_text(const json_t *json)
{
	return json_is_string(json) &&
	       strlen(json_string_value(json)) == json_string_length(json);
}

static enum tobi_err take_names(const json_t *names, struct profile *profile,
				struct tobi_fault *fault)
{
	size_t count = json_array_size(names);

	if (!count)
		return wrong("names", "at least one is needed", fault);
	if (count > PROFILE_NAMES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "names", "over %d",
				 PROFILE_NAMES_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *name = json_array_get(names, i);

		if (!is_text(name) ||
		    !certificate_name_read(json_string_value(name), &profile->names[i]))
			return wrong("names", "one is neither a DNS name nor an address",
				     fault);
	}
	profile->name_count = count;
	return TOBI_OK;
}

static enum tobi_err take_usage(const json_t *usage, struct profile *profile,
				struct tobi_fault *fault)
{
	profile->server = !usage;
	if (usage && !json_array_size(usage))
		return wrong("usage", "at least one is needed", fault);
	for (size_t i = 0; i < json_array_size(usage); i++) {
		const json_t *word = json_array_get(usage, i);

		if (is_text(word) && strcmp(json_string_value(word), "server") == 0)
			profile->server = true;
		else if (is_text(word) && strcmp(json_string_value(word), "client") == 0)
			profile->client = true;
		else
			return wrong("usage", "server and client are known", fault);
	}
	return TOBI_OK;
}

static enum tobi_err take_lifetime(const json_t *lifetime, struct profile *profile,
				   struct tobi_fault *fault)
{
	profile->seconds = lifetime ? json_integer_value(lifetime) : PROFILE_SECONDS;
	return profile->seconds < PROFILE_SECONDS_MIN ||
		       profile->seconds > PROFILE_SECONDS_MAX
		   ? fault_set(fault, TOBI_E_ARGUMENT, object, "lifetime",
			       "%d seconds to %d days are allowed", PROFILE_SECONDS_MIN,
			       PROFILE_SECONDS_MAX / (24 * 3600))
		   : TOBI_OK;
}

static const struct {
	const char *name;
	json_type type;
} members[] = {{"names", JSON_ARRAY}, {"lifetime", JSON_INTEGER}, {"usage", JSON_ARRAY}};

/* A truth value has two types. */
static bool is_known(const char *name, const json_t *member)
{
	if (strcmp(name, "wildcards") == 0)
		return json_is_boolean(member);
	for (size_t i = 0; i < STORE_COUNT(members); i++) {
		if (strcmp(name, members[i].name) == 0)
			return json_typeof(member) == members[i].type;
	}
	return false;
}

enum tobi_err profile_read(struct tobi_bytes text, struct profile *ret_profile,
			   struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct profile profile = {0};
	const char *name;
	json_t *member;
	enum tobi_err err = json_parse(text, PROFILE_SIZE_MAX, object, &json, fault);

	if (!err && !json_is_object(json))
		err = wrong("", "a JSON object is needed", fault);
	if (err)
		return err;
	json_object_foreach(json, name, member)
	{
		if (!is_known(name, member))
			return wrong("", "a member is not known, or of another type",
				     fault);
	}
	profile.wildcards = json_is_true(json_object_get(json, "wildcards"));
	err = take_names(json_object_get(json, "names"), &profile, fault);
	if (!err)
		err = take_lifetime(json_object_get(json, "lifetime"), &profile, fault);
	if (!err)
		err = take_usage(json_object_get(json, "usage"), &profile, fault);
	if (!err)
		*ret_profile = profile;
	return err;
}

bool profile_allows(const struct profile *profile, const struct certificate_name *name)
{
	for (size_t i = 0; i < profile->name_count; i++) {
		if (certificate_name_allows(&profile->names[i], profile->wildcards, name))
			return true;
	}
	return false;
}

/* ---- writing ---- */

enum { PARTS = 3 };

struct change {
	const struct broker *broker;
	const char *owner, *scope;
	struct tobi_bytes json;
	int64_t now;
	uint8_t mac[ROW_SEAL_SIZE];
};

static enum tobi_err must_have(struct db_conn *conn, const struct change *change,
			       struct tobi_fault *fault)
{
	struct resource_name name;
	enum tobi_err err = resource_scope_read(change->scope, &name, fault);

	return err ? err : owner_must_have(conn, change->owner, name.repository, fault);
}

static enum tobi_err erase(struct db_conn *conn, const char *scope, uint64_t *ret_erased,
			   struct tobi_fault *fault)
{
	const struct db_value value = db_text(scope);

	return db_run(conn, "DELETE FROM certificate_profile WHERE scope = ?", &value, 1,
		      NULL, NULL, ret_erased, fault);
}

static enum tobi_err put(struct db_conn *conn, void *context, struct tobi_fault *fault)
{
	const struct change *change = context;
	enum tobi_err err = must_have(conn, change, fault);

	if (!err)
		err = erase(conn, change->scope, NULL, fault);
	if (!err)
		err = store_check_room(
		    conn, "SELECT count(*) FROM certificate_profile WHERE owner = ?",
		    change->owner, object, LIMIT_BROKER_PROFILES, fault);
	return err ? err
		   : db_run(conn,
			    "INSERT INTO certificate_profile (scope, owner, content, "
			    "changed, mac) VALUES (?, ?, ?, ?, ?)",
			    (struct db_value[]){
				db_text(change->scope), db_text(change->owner),
				db_bytes(change->json), db_integer(change->now),
				db_bytes((struct tobi_bytes){change->mac,
							     sizeof(change->mac)})},
			    5, NULL, NULL, NULL, fault);
}

enum tobi_err profile_put(struct broker *broker, const char *owner, const char *scope,
			  struct tobi_bytes json, int64_t now, struct tobi_fault *fault)
{
	struct change change = {
	    .broker = broker, .owner = owner, .scope = scope, .json = json, .now = now};
	const struct tobi_bytes parts[PARTS] = {bytes_of_text(scope),
						bytes_of_text(owner), json};
	struct profile profile;
	enum tobi_err err = profile_read(json, &profile, fault);

	if (!err)
		err = row_seal(broker, table, parts, PARTS, change.mac, fault);
	return err ? err : store_apply(broker->db, put, &change, fault);
}

static enum tobi_err remove_one(struct db_conn *conn, void *context,
				struct tobi_fault *fault)
{
	const struct change *change = context;
	uint64_t erased = 0;
	enum tobi_err err = must_have(conn, change, fault);

	if (!err)
		err = erase(conn, change->scope, &erased, fault);
	return !err && !erased ? fault_set(fault, TOBI_E_NOT_FOUND, object, "",
					   "%s has none of its own", change->scope)
			       : err;
}

enum tobi_err profile_delete(struct broker *broker, const char *owner, const char *scope,
			     struct tobi_fault *fault)
{
	struct change change = {.owner = owner, .scope = scope};

	return store_apply(broker->db, remove_one, &change, fault);
}

/* ---- reading ---- */

struct search {
	const char *owner;
	char scope[RESOURCE_NAME_SIZE];
	struct writer json;
	uint8_t mac[ROW_SEAL_SIZE];
	bool found;
};

/* Another's row of a repository that changed hands does not count. */
static enum tobi_err look_at(void *context, const struct db_value *values, size_t count,
			     struct tobi_fault *fault)
{
	struct search *search = context;
	char scope[RESOURCE_NAME_SIZE], owner[PRINCIPAL_NAME_MAX + 1];
	enum tobi_err err = store_text(&values[0], scope, sizeof(scope), fault);

	(void)count;
	if (!err)
		err = store_text(&values[1], owner, sizeof(owner), fault);
	if (err || strcmp(owner, search->owner) != 0 ||
	    (search->found && strlen(scope) <= strlen(search->scope)))
		return err;
	bytes_copy(search->scope, sizeof(search->scope), scope, sizeof(scope));
	search->json.size = 0;
	wr_bytes(&search->json, values[2].bytes.ptr, values[2].bytes.size);
	search->found = true;
	err = store_bytes(&values[3], search->mac, sizeof(search->mac), fault);
	return err ? err : wr_err(&search->json);
}

static enum tobi_err read_found(const struct broker *broker, const struct search *search,
				struct profile *ret_profile, struct tobi_fault *fault)
{
	const struct tobi_bytes parts[PARTS] = {bytes_of_text(search->scope),
						bytes_of_text(search->owner),
						wr_view(&search->json)};
	enum tobi_err err;

	if (!search->found)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "", "there is none");
	err =
	    row_seal_check(broker, table, parts, PARTS,
			   (struct tobi_bytes){search->mac, sizeof(search->mac)}, fault);
	return err ? err : profile_read(wr_view(&search->json), ret_profile, fault);
}

enum tobi_err profile_find(struct broker *broker, const struct resource_name *name,
			   const char *owner, struct profile *ret_profile,
			   struct tobi_fault *fault)
{
	struct resource_name part = *name;
	char scopes[3][RESOURCE_NAME_SIZE];
	struct search search = {.owner = owner, .json = wr_init(PROFILE_SIZE_MAX)};
	enum tobi_err err;

	resource_name_write(&part, scopes[0]);
	part.tag[0] = 0;
	resource_name_write(&part, scopes[1]);
	part.type[0] = 0;
	resource_name_write(&part, scopes[2]);
	err = store_run(broker->db,
			"SELECT scope, owner, content, mac FROM certificate_profile "
			"WHERE scope IN (?, ?, ?)",
			(struct db_value[]){db_text(scopes[0]), db_text(scopes[1]),
					    db_text(scopes[2])},
			3, look_at, &search, NULL, fault);
	if (!err)
		err = read_found(broker, &search, ret_profile, fault);
	wr_done(&search.json);
	return err;
}

struct listing {
	profile_visit *visit;
	void *context;
};

static enum tobi_err list_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	const struct listing *listing = context;
	char scope[RESOURCE_NAME_SIZE];
	enum tobi_err err = store_text(&values[0], scope, sizeof(scope), fault);

	(void)count;
	return err ? err
		   : listing->visit(listing->context, scope, values[1].bytes,
				    store_integer(&values[2]), fault);
}

enum tobi_err profile_list(struct broker *broker, const char *owner, profile_visit *visit,
			   void *context, struct tobi_fault *fault)
{
	struct listing listing = {visit, context};
	const struct db_value value = db_text(owner);

	return store_run(broker->db,
			 "SELECT scope, content, changed FROM certificate_profile WHERE "
			 "owner = ? ORDER BY scope",
			 &value, 1, list_row, &listing, NULL, fault);
}
