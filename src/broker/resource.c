#include "broker/resource.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/keyring.h"
#include "broker/owners.h"
#include "broker/resource_seal.h"
#include "broker/store.h"

enum { TRIES = 5 };

/* What a change needs, made before its transaction begins: sealing may wait for a device
 * or a server. */
struct change {
	const char *owner;
	const struct resource_name *name;
	const struct resource_value *value;
	const struct policy_row *policy; /* or NULL */
	struct tobi_bytes sealed;
	uint64_t version; /* to be; of a removal: which one */
	int64_t now, grace;
};

#define OF_NAME "repository = ? AND type = ? AND tag = ?"
#define NAME_VALUES(name)                                                                \
	db_text((name)->repository), db_text((name)->type), db_text((name)->tag)

static enum tobi_err check_value(const struct resource_value *value, int64_t now,
				 struct tobi_fault *fault)
{
	if (value->plain.size == 0 || value->plain.size > LIMIT_SECRET)
		return fault_set(fault, TOBI_E_LIMIT, "secret", "value",
				 "1 to %d bytes are allowed", LIMIT_SECRET);
	if (value->expires && value->expires <= now)
		return fault_set(fault, TOBI_E_ARGUMENT, "secret", "expires",
				 "that is in the past");
	if (value->releases != RESOURCE_ANY_RELEASES && value->releases < 1)
		return fault_set(fault, TOBI_E_ARGUMENT, "secret", "releases",
				 "at least one is needed");
	return TOBI_OK;
}

static enum tobi_err add_version(struct db_conn *conn, const struct change *change,
				 struct tobi_fault *fault)
{
	const struct db_value values[] = {
	    NAME_VALUES(change->name),
	    db_integer((int64_t)change->version),
	    db_integer(change->now),
	    db_integer(change->value->expires),
	    db_integer(change->value->releases),
	    db_integer((int64_t)change->value->plain.size),
	    db_bytes(change->sealed),
	};

	return db_run(conn,
		      "INSERT INTO resource_version (repository, type, tag, version, "
		      "created, expires, releases, size, sealed) VALUES "
		      "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      values, STORE_COUNT(values), NULL, NULL, NULL, fault);
}

/* ---- put ---- */

/* What was deleted has had numbers, too. */
static enum tobi_err first_version(struct db_conn *conn, void *context,
				   struct tobi_fault *fault)
{
	struct change *change = context;
	const struct db_value values[] = {NAME_VALUES(change->name)};
	int64_t past = 0;
	enum tobi_err err =
	    db_run(conn, "SELECT latest FROM resource_past WHERE " OF_NAME, values,
		   STORE_COUNT(values), store_take_count, &past, NULL, fault);

	change->version = (uint64_t)past + 1;
	return err;
}

/* Somebody put and deleted one since it was sealed: it is sealed anew. */
static enum tobi_err check_first(struct db_conn *conn, const struct change *change,
				 struct tobi_fault *fault)
{
	struct change again = *change;
	enum tobi_err err = first_version(conn, &again, fault);

	return !err && again.version != change->version
		   ? fault_set(fault, TOBI_E_MISMATCH, "secret", "version",
			       "it was changed meanwhile")
		   : err;
}

static enum tobi_err put(struct db_conn *conn, void *context, struct tobi_fault *fault)
{
	const struct change *change = context;
	const struct db_value values[] = {
	    NAME_VALUES(change->name),
	    db_text(change->owner),
	    db_integer((int64_t)change->version),
	    db_integer(change->now),
	};
	enum tobi_err err =
	    owner_must_have(conn, change->owner, change->name->repository, fault);

	if (!err)
		err = store_check_room(
		    conn, "SELECT count(*) FROM resource WHERE owner = ?", change->owner,
		    "secret", LIMIT_BROKER_RESOURCES, fault);
	if (!err)
		err = db_run(conn,
			     "INSERT INTO resource (repository, type, tag, owner, "
			     "latest, created) VALUES (?, ?, ?, ?, ?, ?)",
			     values, STORE_COUNT(values), NULL, NULL, NULL, fault);
	if (err == TOBI_E_EXISTS)
		return fault_set(fault, err, "secret", "",
				 "there is one of this name; rotate it");
	if (!err)
		err = check_first(conn, change, fault);
	if (!err)
		err = add_version(conn, change, fault);
	return !err && change->policy ? policy_write(conn, change->policy, fault) : err;
}

/* Of the number that the name has next. TOBI_E_MISMATCH: it was another's meanwhile. */
static enum tobi_err try_put(struct broker *broker, struct change *change,
			     struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer sealed = wr_init(LIMIT_SEALED);
	enum tobi_err err = store_apply(broker->db, first_version, change, fault);

	if (!err)
		err = resource_seal(broker, change->name, change->version, change->owner,
				    change->value->plain, &sealed, fault);
	if (err)
		return err;
	change->sealed = wr_view(&sealed);
	return store_apply(broker->db, put, change, fault);
}

enum tobi_err resource_put(struct broker *broker, const char *owner,
			   const struct resource_name *name,
			   const struct resource_value *value,
			   const struct policy_source *policy, int64_t now,
			   uint64_t *ret_version, struct tobi_fault *fault)
{
	struct change change = {.owner = owner, .name = name, .value = value, .now = now};
	struct policy_row row;
	enum tobi_err err = check_value(value, now, fault);

	if (!err && policy) {
		err = policy_prepare(broker, owner, policy, now, &row, fault);
		change.policy = &row;
	}
	if (err)
		return err;
	err = TOBI_E_MISMATCH;
	for (unsigned i = 0; i < TRIES && err == TOBI_E_MISMATCH; i++)
		err = try_put(broker, &change, fault);
	if (!err)
		*ret_version = change.version;
	return err;
}

/* ---- rotate ---- */

static enum tobi_err shorten(struct db_conn *conn, const struct change *change,
			     struct tobi_fault *fault)
{
	int64_t until = change->now + change->grace, count = 0;
	const struct db_value old[] = {NAME_VALUES(change->name),
				       db_integer(change->now)};
	const struct db_value end[] = {db_integer(until), NAME_VALUES(change->name),
				       db_integer(until)};
	enum tobi_err err = db_run(conn,
				   "DELETE FROM resource_version WHERE " OF_NAME
				   " AND expires <> 0 AND expires <= ?",
				   old, STORE_COUNT(old), NULL, NULL, NULL, fault);

	if (!err)
		err = db_run(conn,
			     "UPDATE resource_version SET expires = ? WHERE " OF_NAME
			     " AND (expires = 0 OR expires > ?)",
			     end, STORE_COUNT(end), NULL, NULL, NULL, fault);
	if (!err)
		err = db_run(conn, "SELECT count(*) FROM resource_version WHERE " OF_NAME,
			     old, 3, store_take_count, &count, NULL, fault);
	return !err && count >= LIMIT_BROKER_VERSIONS
		   ? fault_set(fault, TOBI_E_LIMIT, "secret", "versions",
			       "over %d; delete old ones, or give them less grace",
			       LIMIT_BROKER_VERSIONS)
		   : err;
}

static enum tobi_err rotate(struct db_conn *conn, void *context, struct tobi_fault *fault)
{
	const struct change *change = context;
	const struct db_value values[] = {
	    db_integer((int64_t)change->version), NAME_VALUES(change->name),
	    db_integer((int64_t)change->version - 1), db_text(change->owner)};
	uint64_t changed = 0;
	enum tobi_err err =
	    owner_must_have(conn, change->owner, change->name->repository, fault);

	if (!err)
		err = shorten(conn, change, fault);
	if (!err)
		err = db_run(conn,
			     "UPDATE resource SET latest = ? WHERE " OF_NAME
			     " AND latest = ? AND owner = ?",
			     values, STORE_COUNT(values), NULL, NULL, &changed, fault);
	/* Somebody was faster: it is sealed anew, for another version. */
	if (!err && !changed)
		return fault_set(fault, TOBI_E_MISMATCH, "secret", "version",
				 "it was changed meanwhile");
	return err ? err : add_version(conn, change, fault);
}

static enum tobi_err take_latest(void *context, const struct db_value *values,
				 size_t count, struct tobi_fault *fault)
{
	return store_take_count(context, values, count, fault);
}

/* The version to be. Whose it is, is looked at before whether it is there. */
static enum tobi_err next_version(struct db_conn *conn, void *context,
				  struct tobi_fault *fault)
{
	struct change *change = context;
	const struct db_value values[] = {NAME_VALUES(change->name),
					  db_text(change->owner)};
	int64_t latest = 0;
	enum tobi_err err =
	    owner_must_have(conn, change->owner, change->name->repository, fault);

	if (!err)
		err = db_run(
		    conn, "SELECT latest FROM resource WHERE " OF_NAME " AND owner = ?",
		    values, STORE_COUNT(values), take_latest, &latest, NULL, fault);
	if (!err && latest < 1)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "secret", "",
				"there is none of this name");
	change->version = (uint64_t)latest + 1;
	return err;
}

enum tobi_err resource_rotate(struct broker *broker, const char *owner,
			      const struct resource_name *name,
			      const struct resource_value *value, int64_t grace,
			      int64_t now, uint64_t *ret_version,
			      struct tobi_fault *fault)
{
	struct change change = {
	    .owner = owner, .name = name, .value = value, .now = now, .grace = grace};
	enum tobi_err err = check_value(value, now, fault);

	if (!err && (grace < 0 || grace > RESOURCE_GRACE_MAX))
		err = fault_set(fault, TOBI_E_ARGUMENT, "secret", "grace",
				"0 to %d seconds are allowed", RESOURCE_GRACE_MAX);
	for (unsigned i = 0; i < TRIES && !err; i++) {
		CLEANUP(wr_done) struct writer sealed = wr_init(LIMIT_SEALED);

		err = store_apply(broker->db, next_version, &change, fault);
		if (!err)
			err = resource_seal(broker, name, change.version, owner,
					    value->plain, &sealed, fault);
		if (err)
			return err;
		change.sealed = wr_view(&sealed);
		err = store_apply(broker->db, rotate, &change, fault);
		if (!err) {
			*ret_version = change.version;
			return TOBI_OK;
		}
		if (err == TOBI_E_MISMATCH && i + 1 < TRIES)
			err = TOBI_OK;
	}
	return err;
}

/* ---- delete ---- */

static enum tobi_err delete_all(struct db_conn *conn, const struct change *change,
				struct tobi_fault *fault)
{
	const struct db_value values[] = {NAME_VALUES(change->name),
					  db_text(change->owner)};
	char scope[RESOURCE_NAME_SIZE];
	uint64_t changed = 0;
	enum tobi_err err = db_run(
	    conn, RESOURCE_KEEP_NUMBERS OF_NAME " AND owner = ?" RESOURCE_KEPT_NUMBERS,
	    values, STORE_COUNT(values), NULL, NULL, NULL, fault);

	if (!err)
		err = db_run(conn, "DELETE FROM resource WHERE " OF_NAME " AND owner = ?",
			     values, STORE_COUNT(values), NULL, NULL, &changed, fault);
	if (!err && !changed)
		return fault_set(fault, TOBI_E_NOT_FOUND, "secret", "",
				 "there is none of this name");
	if (!err)
		err = db_run(conn, "DELETE FROM resource_version WHERE " OF_NAME, values,
			     3, NULL, NULL, NULL, fault);
	resource_name_write(change->name, scope);
	return err ? err : policy_erase(conn, scope, NULL, fault);
}

static enum tobi_err delete_one(struct db_conn *conn, const struct change *change,
				struct tobi_fault *fault)
{
	const struct db_value values[] = {NAME_VALUES(change->name),
					  db_integer((int64_t)change->version)};
	size_t newest = 0;
	uint64_t changed = 0;
	enum tobi_err err =
	    db_run(conn, "SELECT latest FROM resource WHERE " OF_NAME " AND latest = ?",
		   values, STORE_COUNT(values), store_count_row, &newest, NULL, fault);

	if (!err && newest)
		return fault_set(fault, TOBI_E_ARGUMENT, "secret", "version",
				 "the newest goes with all others only, or by rotation");
	if (!err)
		err = db_run(conn,
			     "DELETE FROM resource_version WHERE " OF_NAME
			     " AND version = ?",
			     values, STORE_COUNT(values), NULL, NULL, &changed, fault);
	return !err && !changed ? fault_set(fault, TOBI_E_NOT_FOUND, "secret", "version",
					    "there is none of this number")
				: err;
}

static enum tobi_err delete_secret(struct db_conn *conn, void *context,
				   struct tobi_fault *fault)
{
	const struct change *change = context;
	enum tobi_err err =
	    owner_must_have(conn, change->owner, change->name->repository, fault);

	if (err)
		return err;
	return change->version ? delete_one(conn, change, fault)
			       : delete_all(conn, change, fault);
}

enum tobi_err resource_delete(struct broker *broker, const char *owner,
			      const struct resource_name *name, uint64_t version,
			      struct tobi_fault *fault)
{
	struct change change = {.owner = owner, .name = name, .version = version};

	return version > INT64_MAX
		   ? fault_set(fault, TOBI_E_NOT_FOUND, "secret", "version",
			       "there is none of this number")
		   : store_apply(broker->db, delete_secret, &change, fault);
}

/* ---- list ---- */

struct listing {
	resource_visit *visit;
	void *context;
};

static enum tobi_err list_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	const struct listing *listing = context;
	struct resource_info info = {0};
	enum tobi_err err = TOBI_E_MALFORMED;

	if (count == 10)
		err = store_text(&values[0], info.name.repository,
				 sizeof(info.name.repository), fault);
	if (!err)
		err =
		    store_text(&values[1], info.name.type, sizeof(info.name.type), fault);
	if (!err)
		err = store_text(&values[2], info.name.tag, sizeof(info.name.tag), fault);
	if (!err)
		err = store_text(&values[3], info.owner, sizeof(info.owner), fault);
	if (err)
		return err;
	info.version = (uint64_t)store_integer(&values[4]);
	info.newest = store_integer(&values[9]) == store_integer(&values[4]);
	info.created = store_integer(&values[5]);
	info.expires = store_integer(&values[6]);
	info.releases = store_integer(&values[7]);
	info.size = (uint64_t)store_integer(&values[8]);
	return listing->visit(listing->context, &info, fault);
}

#define LIST                                                                             \
	"SELECT r.repository, r.type, r.tag, r.owner, v.version, v.created, v.expires, " \
	"v.releases, v.size, r.latest FROM resource r JOIN resource_version v ON "       \
	"v.repository = r.repository AND v.type = r.type AND v.tag = r.tag WHERE "
#define IN_ORDER " ORDER BY r.repository, r.type, r.tag, v.version LIMIT ?"

enum tobi_err resource_list(struct broker *broker, const char *owner,
			    const struct resource_name *only,
			    const struct resource_name *after, size_t limit,
			    resource_visit *visit, void *context,
			    struct tobi_fault *fault)
{
	struct listing listing = {visit, context};
	const struct resource_name none = {0}, *from = after ? after : &none;
	const struct db_value one[] = {db_text(owner), NAME_VALUES(only ? only : &none),
				       db_integer(LIMIT_BROKER_VERSIONS + 1)};
	const struct db_value all[] = {db_text(owner), NAME_VALUES(from),
				       db_integer((int64_t)limit)};

	if (only)
		return store_run(broker->db,
				 LIST
				 "r.owner = ? AND r.repository = ? AND r.type = ? AND "
				 "r.tag = ?" IN_ORDER,
				 one, STORE_COUNT(one), list_row, &listing, NULL, fault);
	return store_run(
	    broker->db,
	    LIST "r.owner = ? AND (r.repository, r.type, r.tag) > (?, ?, ?)" IN_ORDER,
	    all, STORE_COUNT(all), list_row, &listing, NULL, fault);
}
