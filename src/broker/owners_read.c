/* Looking owners up. */
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/owners.h"
#include "broker/release.h"
#include "broker/row_seal.h"
#include "broker/store.h"

enum tobi_err owner_must_have(struct db_conn *conn, const char *owner,
			      const char *repository, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(repository), db_text(owner)};
	size_t rows = 0;
	enum tobi_err err = db_run(
	    conn, "SELECT owner FROM owner_repository WHERE repository = ? AND owner = ?",
	    values, STORE_COUNT(values), store_count_row, &rows, NULL, fault);

	return !err && !rows ? fault_set(fault, TOBI_E_DENIED, "repository", "",
					 "%.128s is not yours", repository)
			     : err;
}

static enum tobi_err take_owner(void *context, const struct db_value *values,
				size_t count, struct tobi_fault *fault)
{
	(void)count;
	return store_text(&values[0], context, PRINCIPAL_NAME_MAX + 1, fault);
}

enum tobi_err owner_of_repository(struct broker *broker, const char *repository,
				  char ret_owner[static PRINCIPAL_NAME_MAX + 1],
				  struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(repository)};

	ret_owner[0] = 0;
	return store_run(broker->db,
			 "SELECT owner FROM owner_repository WHERE repository = ?",
			 values, STORE_COUNT(values), take_owner, ret_owner, NULL, fault);
}

/* ---- by key ---- */

struct key_row {
	struct principal principal;
	struct writer *spki;
	uint8_t mac[ROW_SEAL_SIZE];
	bool found;
};

static enum tobi_err take_key(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	struct key_row *row = context;
	enum tobi_err err = TOBI_E_MALFORMED;

	if (count == 4)
		err = store_text(&values[0], row->principal.name,
				 sizeof(row->principal.name), fault);
	if (!err)
		err = store_bytes(&values[3], row->mac, sizeof(row->mac), fault);
	if (err)
		return err;
	row->principal.operator= store_integer(&values[1]) != 0;
	wr_bytes(row->spki, values[2].bytes.ptr, values[2].bytes.size);
	row->found = true;
	return wr_err(row->spki)
		   ? fault_set(fault, wr_err(row->spki), "owner", "key", "no room")
		   : TOBI_OK;
}

enum tobi_err owner_by_key(struct broker *broker,
			   const uint8_t id[static PRINCIPAL_ID_SIZE],
			   struct principal *ret_principal, struct writer *storage,
			   struct tobi_fault *fault)
{
	const struct tobi_bytes name = {id, PRINCIPAL_ID_SIZE};
	const struct db_value values[] = {db_bytes(name)};
	CLEANUP(wr_done) struct writer own = wr_init(LIMIT_PEM);
	struct key_row row = {.spki = storage ? storage : &own};
	struct tobi_bytes parts[OWNER_KEY_PARTS];
	enum tobi_err err =
	    store_run(broker->db,
		      "SELECT owner, is_operator, spki, mac FROM owner_key WHERE id = ?",
		      values, 1, take_key, &row, NULL, fault);

	if (!err && !row.found)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "owner", "key",
				"nobody has this key");
	if (err)
		return err;
	owner_key_parts(row.principal.name, row.principal.operator, name,
			wr_view(row.spki), parts);
	err = row_seal_check(broker, "owner_key", parts, STORE_COUNT(parts),
			     (struct tobi_bytes){row.mac, sizeof(row.mac)}, fault);
	if (err)
		return err;
	bytes_copy(row.principal.id, sizeof(row.principal.id), id, PRINCIPAL_ID_SIZE);
	*ret_principal = row.principal;
	return TOBI_OK;
}

/* ---- lists ---- */

struct listing {
	owner_visit *owner;
	owner_key_visit *key;
	owner_repository_visit *repository;
	void *context;
};

static enum tobi_err list_owner(void *context, const struct db_value *values,
				size_t count, struct tobi_fault *fault)
{
	const struct listing *listing = context;
	struct owner_info info = {.created = store_integer(&values[1])};
	enum tobi_err err = store_text(&values[0], info.name, sizeof(info.name), fault);

	(void)count;
	return err ? err : listing->owner(listing->context, &info, fault);
}

enum tobi_err owner_list(struct broker *broker, const char *after, size_t limit,
			 owner_visit *visit, void *context, struct tobi_fault *fault)
{
	struct listing listing = {.owner = visit, .context = context};
	const struct db_value values[] = {db_text(after ? after : ""),
					  db_integer((int64_t)limit)};

	return store_run(broker->db,
			 "SELECT name, created FROM owner WHERE is_operator = 0 AND name "
			 "> ? ORDER BY name LIMIT ?",
			 values, STORE_COUNT(values), list_owner, &listing, NULL, fault);
}

enum tobi_err owner_find(struct broker *broker, const char *name, owner_visit *visit,
			 void *context, struct tobi_fault *fault)
{
	struct listing listing = {.owner = visit, .context = context};
	const struct db_value values[] = {db_text(name)};

	return store_run(broker->db,
			 "SELECT name, created FROM owner WHERE is_operator = 0 AND name "
			 "= ?",
			 values, STORE_COUNT(values), list_owner, &listing, NULL, fault);
}

static enum tobi_err list_key(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	const struct listing *listing = context;
	uint8_t id[PRINCIPAL_ID_SIZE];
	enum tobi_err err = store_bytes(&values[0], id, sizeof(id), fault);

	(void)count;
	return err ? err
		   : listing->key(listing->context, id, store_integer(&values[1]), fault);
}

enum tobi_err owner_keys(struct broker *broker, const char *name, owner_key_visit *visit,
			 void *context, struct tobi_fault *fault)
{
	struct listing listing = {.key = visit, .context = context};
	const struct db_value values[] = {db_text(name)};

	return store_run(broker->db,
			 "SELECT id, created FROM owner_key WHERE owner = ? ORDER BY "
			 "created, id",
			 values, 1, list_key, &listing, NULL, fault);
}

static enum tobi_err list_repository(void *context, const struct db_value *values,
				     size_t count, struct tobi_fault *fault)
{
	const struct listing *listing = context;
	char repository[RESOURCE_PART_MAX + 1];
	enum tobi_err err = store_text(&values[0], repository, sizeof(repository), fault);

	(void)count;
	return err ? err : listing->repository(listing->context, repository, fault);
}

enum tobi_err owner_repositories(struct broker *broker, const char *name,
				 owner_repository_visit *visit, void *context,
				 struct tobi_fault *fault)
{
	struct listing listing = {.repository = visit, .context = context};
	const struct db_value values[] = {db_text(name)};

	return store_run(broker->db,
			 "SELECT repository FROM owner_repository WHERE owner = ? "
			 "ORDER BY repository",
			 values, 1, list_repository, &listing, NULL, fault);
}
