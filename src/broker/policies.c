#include "broker/policies.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/owners.h"
#include "broker/policy_source.h"
#include "broker/resource.h"
#include "broker/store.h"

DEFINE_CLEANUP(struct db_conn *, db_give)
DEFINE_CLEANUP(struct tobi_policy *, tobi_policy_free)

/* ---- writing ---- */

enum tobi_err policy_erase(struct db_conn *conn, const char *scope, uint64_t *ret_erased,
			   struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(scope)};
	enum tobi_err err = db_run(conn, "DELETE FROM policy_file WHERE scope = ?",
				   values, 1, NULL, NULL, NULL, fault);

	return err ? err
		   : db_run(conn, "DELETE FROM policy WHERE scope = ?", values, 1, NULL,
			    NULL, ret_erased, fault);
}

static enum tobi_err write_file(struct db_conn *conn, const struct policy_row *row,
				size_t index, struct tobi_fault *fault)
{
	const struct policy_file *file = &row->source.files[index];
	const struct db_value values[] = {
	    db_text(row->source.scope),
	    db_integer((int64_t)index),
	    db_text(file->name),
	    db_bytes(file->content),
	};

	return db_run(conn,
		      "INSERT INTO policy_file (scope, place, name, content) VALUES "
		      "(?, ?, ?, ?)",
		      values, STORE_COUNT(values), NULL, NULL, NULL, fault);
}

enum tobi_err policy_write(struct db_conn *conn, const struct policy_row *row,
			   struct tobi_fault *fault)
{
	const struct db_value values[] = {
	    db_text(row->source.scope),
	    db_text(row->owner),
	    db_bytes((struct tobi_bytes){row->hash, sizeof(row->hash)}),
	    db_bytes((struct tobi_bytes){row->text_hash, sizeof(row->text_hash)}),
	    db_bytes(row->source.text),
	    db_integer(row->changed),
	    db_bytes((struct tobi_bytes){row->mac, sizeof(row->mac)}),
	};
	enum tobi_err err = policy_erase(conn, row->source.scope, NULL, fault);

	/* Once the one that it replaces is gone. */
	if (!err)
		err =
		    store_check_room(conn, "SELECT count(*) FROM policy WHERE owner = ?",
				     row->owner, "policy", LIMIT_BROKER_POLICIES, fault);
	if (!err)
		err = db_run(conn,
			     "INSERT INTO policy (scope, owner, hash, text_hash, "
			     "content, changed, mac) VALUES (?, ?, ?, ?, ?, ?, ?)",
			     values, STORE_COUNT(values), NULL, NULL, NULL, fault);
	for (size_t i = 0; i < row->source.file_count && !err; i++)
		err = write_file(conn, row, i, fault);
	return err;
}

static enum tobi_err put(struct db_conn *conn, void *context, struct tobi_fault *fault)
{
	const struct policy_row *row = context;
	struct resource_name name;
	enum tobi_err err = resource_scope_read(row->source.scope, &name, fault);

	if (!err)
		err = owner_must_have(conn, row->owner, name.repository, fault);
	return err ? err : policy_write(conn, row, fault);
}

enum tobi_err policy_put(struct broker *broker, const char *owner,
			 const struct policy_source *source, int64_t now,
			 struct tobi_fault *fault)
{
	struct policy_row row;
	enum tobi_err err = policy_prepare(broker, owner, source, now, &row, fault);

	return err ? err : store_apply(broker->db, put, &row, fault);
}

struct removal {
	const char *owner, *scope;
};

static enum tobi_err delete_policy(struct db_conn *conn, void *context,
				   struct tobi_fault *fault)
{
	const struct removal *removal = context;
	struct resource_name name;
	uint64_t erased = 0;
	enum tobi_err err = resource_scope_read(removal->scope, &name, fault);

	if (!err)
		err = owner_must_have(conn, removal->owner, name.repository, fault);
	if (!err)
		err = policy_erase(conn, removal->scope, &erased, fault);
	if (!err && !erased)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "policy", "",
				"%s has none of its own", removal->scope);
	return err;
}

enum tobi_err policy_delete(struct broker *broker, const char *owner, const char *scope,
			    struct tobi_fault *fault)
{
	struct removal removal = {owner, scope};

	return store_apply(broker->db, delete_policy, &removal, fault);
}

/* ---- reading ---- */

#define COLUMNS "SELECT scope, owner, hash, text_hash, mac, changed FROM policy "

static enum tobi_err read_info(const struct db_value *values, size_t count,
			       struct policy_info *ret_info, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_E_MALFORMED;

	if (count == 6)
		err = store_text(&values[0], ret_info->scope, sizeof(ret_info->scope),
				 fault);
	if (!err)
		err = store_text(&values[1], ret_info->owner, sizeof(ret_info->owner),
				 fault);
	if (!err)
		err = store_bytes(&values[2], ret_info->hash, sizeof(ret_info->hash),
				  fault);
	if (!err)
		err = store_bytes(&values[3], ret_info->text_hash,
				  sizeof(ret_info->text_hash), fault);
	if (!err)
		err =
		    store_bytes(&values[4], ret_info->mac, sizeof(ret_info->mac), fault);
	ret_info->changed = store_integer(&values[5]);
	return err;
}

struct search {
	const char *owner;
	bool found;
	struct policy_info info;
};

/* Another's row of a repository that changed hands does not count. */
static enum tobi_err look_at(void *context, const struct db_value *values, size_t count,
			     struct tobi_fault *fault)
{
	struct search *search = context;
	struct policy_info info = {0};
	enum tobi_err err = read_info(values, count, &info, fault);

	if (err || strcmp(info.owner, search->owner) != 0)
		return err;
	if (!search->found || strlen(info.scope) > strlen(search->info.scope))
		search->info = info;
	search->found = true;
	return TOBI_OK;
}

enum tobi_err policy_find(struct broker *broker, const struct resource_name *name,
			  const char *owner, struct policy_info *ret_info,
			  struct tobi_fault *fault)
{
	struct resource_name part = *name;
	char scopes[3][RESOURCE_NAME_SIZE];
	struct search search = {.owner = owner};
	enum tobi_err err;

	resource_name_write(&part, scopes[0]);
	part.tag[0] = 0;
	resource_name_write(&part, scopes[1]);
	part.type[0] = 0;
	resource_name_write(&part, scopes[2]);
	err = store_run(broker->db, COLUMNS "WHERE scope IN (?, ?, ?)",
			(struct db_value[]){db_text(scopes[0]), db_text(scopes[1]),
					    db_text(scopes[2])},
			3, look_at, &search, NULL, fault);
	if (!err && !search.found)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "policy", "",
				"the resource has none");
	if (!err)
		err = policy_info_check(broker, &search.info, fault);
	if (!err)
		*ret_info = search.info;
	return err;
}

struct listing {
	policy_visit *visit;
	void *context;
};

static enum tobi_err list_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	const struct listing *listing = context;
	struct policy_info info = {0};
	enum tobi_err err = read_info(values, count, &info, fault);

	return err ? err : listing->visit(listing->context, &info, fault);
}

enum tobi_err policy_list(struct broker *broker, const char *owner, policy_visit *visit,
			  void *context, struct tobi_fault *fault)
{
	struct listing listing = {visit, context};
	const struct db_value values[] = {db_text(owner)};

	return store_run(broker->db, COLUMNS "WHERE owner = ? ORDER BY scope", values, 1,
			 list_row, &listing, NULL, fault);
}

/* ---- text and files ---- */

struct content {
	struct writer text;
	struct policy_file files[LIMIT_CORIM_DOCUMENTS];
	char *names[LIMIT_CORIM_DOCUMENTS];
	struct writer bytes[LIMIT_CORIM_DOCUMENTS];
	size_t count;
};

static void content_done(struct content *content)
{
	wr_done(&content->text);
	for (size_t i = 0; i < content->count; i++) {
		free(content->names[i]);
		wr_done(&content->bytes[i]);
	}
}

static enum tobi_err take_text(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	struct writer *text = context;

	(void)count;
	wr_bytes(text, values[0].bytes.ptr, values[0].bytes.size);
	return wr_err(text) ? fault_set(fault, wr_err(text), "policy", "", "no room")
			    : TOBI_OK;
}

static enum tobi_err take_file(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	struct content *content = context;
	size_t at = content->count;
	char name[2 * LIMIT_PATH];
	enum tobi_err err;

	if (count != 2 || at == LIMIT_CORIM_DOCUMENTS)
		return fault_set(fault, TOBI_E_MALFORMED, "database", "policy_file",
				 "too many");
	err = store_text(&values[0], name, sizeof(name), fault);
	if (err)
		return err;
	content->names[at] = strdup(name);
	content->bytes[at] = wr_init(LIMIT_CORIM);
	wr_bytes(&content->bytes[at], values[1].bytes.ptr, values[1].bytes.size);
	content->files[at] =
	    (struct policy_file){content->names[at], wr_view(&content->bytes[at])};
	content->count++;
	return content->names[at] && !wr_err(&content->bytes[at])
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_MEMORY, "policy", "", "out of memory");
}

static enum tobi_err read_content(struct db_conn *conn, const char *scope,
				  struct content *content, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(scope)};
	enum tobi_err err = db_run(conn, "SELECT content FROM policy WHERE scope = ?",
				   values, 1, take_text, &content->text, NULL, fault);

	return err ? err
		   : db_run(conn,
			    "SELECT name, content FROM policy_file WHERE scope = ? "
			    "ORDER BY place",
			    values, 1, take_file, content, NULL, fault);
}

/* What was read must be what the sealed row names. */
static enum tobi_err parse_content(const struct policy_info *info,
				   const struct content *content,
				   struct tobi_policy **ret_policy, size_t *ret_size,
				   struct tobi_fault *fault)
{
	const struct policy_source source = {info->scope, wr_view(&content->text),
					     content->files, content->count};
	uint8_t hash[SHA384_SIZE], text_hash[SHA384_SIZE];
	enum tobi_err err = policy_source_hash(&source, hash, text_hash, fault);

	if (err)
		return err;
	if (memcmp(hash, info->hash, sizeof(hash)) != 0 ||
	    memcmp(text_hash, info->text_hash, sizeof(text_hash)) != 0)
		return fault_set(fault, TOBI_E_SIGNATURE, "database", "policy",
				 "the text is not that of the row");
	*ret_size = content->text.size;
	for (size_t i = 0; i < content->count; i++)
		*ret_size += content->bytes[i].size;
	return policy_source_parse(&source, ret_policy, fault);
}

enum tobi_err policy_get(struct broker *broker, const struct policy_info *info,
			 const struct cached_policy **ret_policy,
			 struct tobi_fault *fault)
{
	const struct cached_policy *cached =
	    policy_cache_find(broker->policies, info->hash);
	CLEANUP(content_done) struct content content = {.text = wr_init(LIMIT_POLICY)};
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	CLEANUP(db_givep) struct db_conn *conn = NULL;
	size_t size = 0;
	enum tobi_err err;

	if (cached) {
		*ret_policy = cached;
		return TOBI_OK;
	}
	err = db_take(broker->db, &conn, fault);
	if (!err)
		err = read_content(conn, info->scope, &content, fault);
	if (!err)
		err = parse_content(info, &content, &policy, &size, fault);
	return err ? err
		   : policy_cache_keep(broker->policies, info->hash, info->text_hash,
				       size, TAKE(policy), ret_policy, fault);
}

enum tobi_err policy_text(struct broker *broker, const char *owner, const char *scope,
			  struct writer *out, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(scope), db_text(owner)};
	size_t before = out->size;
	enum tobi_err err = store_run(
	    broker->db, "SELECT content FROM policy WHERE scope = ? AND owner = ?",
	    values, STORE_COUNT(values), take_text, out, NULL, fault);

	/* No policy is empty. */
	return !err && out->size == before
		   ? fault_set(fault, TOBI_E_NOT_FOUND, "policy", "",
			       "%s has none of its own", scope)
		   : err;
}

struct file_listing {
	policy_file_visit *visit;
	void *context;
};

static enum tobi_err list_file(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	const struct file_listing *listing = context;
	char name[2 * LIMIT_PATH];
	enum tobi_err err = store_text(&values[0], name, sizeof(name), fault);

	(void)count;
	return err ? err
		   : listing->visit(listing->context, name,
				    (uint64_t)store_integer(&values[1]), fault);
}

enum tobi_err policy_files(struct broker *broker, const char *scope,
			   policy_file_visit *visit, void *context,
			   struct tobi_fault *fault)
{
	struct file_listing listing = {visit, context};
	const struct db_value values[] = {db_text(scope)};

	return store_run(broker->db,
			 "SELECT name, length(content) FROM policy_file WHERE scope = ? "
			 "ORDER BY place",
			 values, 1, list_file, &listing, NULL, fault);
}
