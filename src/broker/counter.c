#include "broker/counter.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/http.h"
#include "broker/owners.h"
#include "broker/row_seal.h"
#include "broker/store.h"

static const char object[] = "counter";

struct row {
	bool found;
	char owner[PRINCIPAL_NAME_MAX + 1];
	int64_t to, value;
	uint8_t id[COUNTER_ID_SIZE], mac[ROW_SEAL_SIZE];
};

static enum tobi_err take_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	struct row *row = context;
	enum tobi_err err = TOBI_E_MALFORMED;

	if (count == 5)
		err = store_text(&values[0], row->owner, sizeof(row->owner), fault);
	if (!err)
		err = store_bytes(&values[2], row->id, sizeof(row->id), fault);
	if (!err)
		err = store_bytes(&values[4], row->mac, sizeof(row->mac), fault);
	if (err)
		return err;
	row->to = store_integer(&values[1]);
	row->value = store_integer(&values[3]);
	row->found = true;
	return TOBI_OK;
}

/* ---- what a row says, under a MAC ---- */

enum { PARTS = 7, NUMBER = 8 };

struct sealed {
	struct tobi_bytes parts[PARTS];
	uint8_t to, value[NUMBER];
};

static void parts_of(const struct resource_name *name, const struct row *row,
		     struct sealed *sealed)
{
	sealed->to = (uint8_t)row->to;
	store_be(sealed->value, NUMBER, (uint64_t)row->value);
	sealed->parts[0] = bytes_of_text(name->repository);
	sealed->parts[1] = bytes_of_text(name->type);
	sealed->parts[2] = bytes_of_text(name->tag);
	sealed->parts[3] = bytes_of_text(row->owner);
	sealed->parts[4] = (struct tobi_bytes){&sealed->to, 1};
	sealed->parts[5] = (struct tobi_bytes){row->id, sizeof(row->id)};
	sealed->parts[6] = (struct tobi_bytes){sealed->value, NUMBER};
}

static enum tobi_err find(const struct broker *broker, struct db_conn *conn,
			  const struct resource_name *name, struct row *ret_row,
			  struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(name->repository), db_text(name->type),
					  db_text(name->tag)};
	struct sealed sealed;
	enum tobi_err err =
	    db_run(conn,
		   "SELECT owner, bound_to, identity, value, mac FROM counter WHERE "
		   "repository = ? AND type = ? AND tag = ?",
		   values, STORE_COUNT(values), take_row, ret_row, NULL, fault);

	if (err || !ret_row->found)
		return err;
	if (ret_row->value < 1 || ret_row->to < 0 || ret_row->to > COUNTER_TO_SIGNER)
		return fault_set(fault, TOBI_E_SIGNATURE, "database", object,
				 "a row is not as the broker writes it");
	parts_of(name, ret_row, &sealed);
	return row_seal_check(broker, object, sealed.parts, PARTS,
			      (struct tobi_bytes){ret_row->mac, sizeof(ret_row->mac)},
			      fault);
}

/* A repository that changed hands does not hand its counters over. */
static enum tobi_err check_whose(const struct counter_key *key, const struct row *row,
				 struct tobi_fault *fault)
{
	const struct tobi_bytes is = {row->id, sizeof(row->id)};
	const struct tobi_bytes asks = {key->identity.id, sizeof(key->identity.id)};

	return row->to == (int64_t)key->identity.to && bytes_equal(is, asks) &&
		       strcmp(row->owner, key->owner) == 0
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_DENIED, object, "",
			       "another identity has used it first");
}

enum tobi_err counter_read(struct broker *broker, const struct counter_key *key,
			   uint64_t *ret_value, struct tobi_fault *fault)
{
	struct db_conn *conn = NULL;
	struct row row = {0};
	enum tobi_err err = db_take(broker->db, &conn, fault);

	if (!err)
		err = find(broker, conn, key->name, &row, fault);
	if (!err && row.found)
		err = check_whose(key, &row, fault);
	db_give(conn);
	if (!err)
		*ret_value = (uint64_t)row.value;
	return err;
}

/* ---- one more ---- */

struct step {
	const struct broker *broker;
	const struct counter_key *key;
	int64_t now;
	int64_t value; /* the new one */
};

static enum tobi_err write_new(struct db_conn *conn, const struct step *step,
			       const struct row *row, struct tobi_fault *fault)
{
	const struct resource_name *name = step->key->name;
	enum tobi_err err =
	    store_check_room(conn, "SELECT count(*) FROM counter WHERE owner = ?",
			     row->owner, object, LIMIT_BROKER_COUNTERS, fault);

	return err ? err
		   : db_run(
			 conn,
			 "INSERT INTO counter (repository, type, tag, owner, "
			 "bound_to, identity, value, changed, mac) VALUES "
			 "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 (struct db_value[]){
			     db_text(name->repository), db_text(name->type),
			     db_text(name->tag), db_text(row->owner), db_integer(row->to),
			     db_bytes((struct tobi_bytes){row->id, sizeof(row->id)}),
			     db_integer(row->value), db_integer(step->now),
			     db_bytes((struct tobi_bytes){row->mac, sizeof(row->mac)})},
			 9, NULL, NULL, NULL, fault);
}

static enum tobi_err write_on(struct db_conn *conn, const struct step *step,
			      const struct row *row, struct tobi_fault *fault)
{
	const struct resource_name *name = step->key->name;

	return db_run(
	    conn,
	    "UPDATE counter SET value = ?, changed = ?, mac = ? WHERE repository = ? "
	    "AND type = ? AND tag = ?",
	    (struct db_value[]){db_integer(row->value), db_integer(step->now),
				db_bytes((struct tobi_bytes){row->mac, sizeof(row->mac)}),
				db_text(name->repository), db_text(name->type),
				db_text(name->tag)},
	    6, NULL, NULL, NULL, fault);
}

static void begin_row(const struct counter_key *key, struct row *row)
{
	row->to = key->identity.to;
	bytes_copy(row->id, sizeof(row->id), key->identity.id, sizeof(key->identity.id));
	bytes_copy(row->owner, sizeof(row->owner), key->owner, strlen(key->owner) + 1);
}

/* In PostgreSQL who comes second waits here, and not at the end for nothing. */
static enum tobi_err lock(const struct broker *broker, struct db_conn *conn,
			  struct tobi_fault *fault)
{
	return db_is_shared(broker->db)
		   ? db_run(conn, "LOCK TABLE counter IN EXCLUSIVE MODE", NULL, 0, NULL,
			    NULL, NULL, fault)
		   : TOBI_OK;
}

static enum tobi_err go_up(struct db_conn *conn, void *context, struct tobi_fault *fault)
{
	struct step *step = context;
	struct row row = {0};
	struct sealed sealed;
	enum tobi_err err = lock(step->broker, conn, fault);
	bool found;

	if (!err)
		err = find(step->broker, conn, step->key->name, &row, fault);
	found = row.found;
	if (!err && found)
		err = check_whose(step->key, &row, fault);
	if (!err && row.value >= COUNTER_MAX)
		err = fault_set(fault, TOBI_E_LIMIT, object, "", "it is at its end");
	if (err)
		return err;
	if (!found)
		begin_row(step->key, &row);
	step->value = ++row.value;
	parts_of(step->key->name, &row, &sealed);
	err = row_seal(step->broker, object, sealed.parts, PARTS, row.mac, fault);
	if (err)
		return err;
	return found ? write_on(conn, step, &row, fault)
		     : write_new(conn, step, &row, fault);
}

enum tobi_err counter_increment(struct broker *broker, const struct counter_key *key,
				int64_t now, uint64_t *ret_value,
				struct tobi_fault *fault)
{
	struct step step = {.broker = broker, .key = key, .now = now};
	enum tobi_err err = store_apply(broker->db, go_up, &step, fault);

	if (!err)
		*ret_value = (uint64_t)step.value;
	return err;
}

/* ---- for the owner ---- */

struct listing {
	counter_visit *visit;
	void *context;
};

static enum tobi_err list_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	const struct listing *listing = context;
	struct counter_info info = {.to = store_integer(&values[3]) == COUNTER_TO_SIGNER
					      ? COUNTER_TO_SIGNER
					      : COUNTER_TO_IMAGE,
				    .value = (uint64_t)store_integer(&values[4]),
				    .changed = store_integer(&values[5])};
	struct resource_name *name = &info.name;
	enum tobi_err err =
	    store_text(&values[0], name->repository, sizeof(name->repository), fault);

	(void)count;
	if (!err)
		err = store_text(&values[1], name->type, sizeof(name->type), fault);
	if (!err)
		err = store_text(&values[2], name->tag, sizeof(name->tag), fault);
	return err ? err : listing->visit(listing->context, &info, fault);
}

enum tobi_err counter_list(struct broker *broker, const char *owner,
			   const struct resource_name *after, size_t limit,
			   counter_visit *visit, void *context, struct tobi_fault *fault)
{
	static const struct resource_name first = {0};
	const struct resource_name *from = after ? after : &first;
	struct listing listing = {visit, context};

	return store_run(
	    broker->db,
	    "SELECT repository, type, tag, bound_to, value, changed FROM counter WHERE "
	    "owner = ? AND (repository, type, tag) > (?, ?, ?) ORDER BY repository, "
	    "type, tag LIMIT ?",
	    (struct db_value[]){db_text(owner), db_text(from->repository),
				db_text(from->type), db_text(from->tag),
				db_integer((int64_t)limit)},
	    5, list_row, &listing, NULL, fault);
}

struct removal {
	const char *owner;
	const struct resource_name *name;
};

static enum tobi_err erase(struct db_conn *conn, void *context, struct tobi_fault *fault)
{
	const struct removal *removal = context;
	const struct resource_name *name = removal->name;
	uint64_t erased = 0;
	enum tobi_err err =
	    owner_must_have(conn, removal->owner, name->repository, fault);

	if (!err)
		err = db_run(conn,
			     "DELETE FROM counter WHERE repository = ? AND type = ? AND "
			     "tag = ?",
			     (struct db_value[]){db_text(name->repository),
						 db_text(name->type), db_text(name->tag)},
			     3, NULL, NULL, &erased, fault);
	return !err && !erased ? fault_set(fault, TOBI_E_NOT_FOUND, object, "",
					   "there is none of this name")
			       : err;
}

enum tobi_err counter_delete(struct broker *broker, const char *owner,
			     const struct resource_name *name, struct tobi_fault *fault)
{
	struct removal removal = {owner, name};

	return store_apply(broker->db, erase, &removal, fault);
}
