/* What release.c needs of a resource, and moving all of them to another store key. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/keyring.h"
#include "broker/resource_seal.h"
#include "broker/store.h"

void resource_context(const struct resource_name *name, uint64_t version,
		      const char *owner, struct writer *out)
{
	char text[RESOURCE_NAME_SIZE];

	resource_name_write(name, text);
	/* None of them has a line end in it. */
	wr_printf(out, "tobichi resource\n%s\n%" PRIu64 "\n%s", text, version, owner);
}

/* What the keyring's provider says is no answer to whoever asks for a secret: not that
 * there is none, nor that he may not. */
static enum tobi_err of_keyring(enum tobi_err err, struct tobi_fault *fault)
{
	if (!err || err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
		return err;
	if (fault)
		fault->code = TOBI_E_SYSTEM;
	return TOBI_E_SYSTEM;
}

enum tobi_err resource_seal(struct broker *broker, const struct resource_name *name,
			    uint64_t version, const char *owner, struct tobi_bytes plain,
			    struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer context = wr_init(RESOURCE_CONTEXT_MAX);

	resource_context(name, version, owner, &context);
	if (wr_err(&context))
		return fault_set(fault, wr_err(&context), "secret", "", "no room");
	return of_keyring(
	    keyring_seal(broker->keyring, wr_view(&context), plain, out, fault), fault);
}

#define OF_VERSION "repository = ? AND type = ? AND tag = ? AND version = ?"

struct version_values {
	struct db_value values[4];
};

static struct version_values of_version(const struct resource_name *name,
					uint64_t version)
{
	return (struct version_values){{db_text(name->repository), db_text(name->type),
					db_text(name->tag),
					db_integer((int64_t)version)}};
}

/* ---- find ---- */

static enum tobi_err take_found(void *context, const struct db_value *values,
				size_t count, struct tobi_fault *fault)
{
	struct resource_found *found = context;
	enum tobi_err err =
	    count == 4 ? store_text(&values[0], found->owner, sizeof(found->owner), fault)
		       : TOBI_E_MALFORMED;

	found->version = (uint64_t)store_integer(&values[1]);
	found->expires = store_integer(&values[2]);
	found->releases = store_integer(&values[3]);
	found->exists = !err;
	return err;
}

#define FIND                                                                             \
	"SELECT r.owner, v.version, v.expires, v.releases FROM resource r JOIN "         \
	"resource_version v ON v.repository = r.repository AND v.type = r.type AND "     \
	"v.tag = r.tag WHERE r.repository = ? AND r.type = ? AND r.tag = ? AND "

enum tobi_err resource_find(struct broker *broker, const struct resource_name *name,
			    uint64_t version, struct resource_found *ret_found,
			    struct tobi_fault *fault)
{
	const struct version_values of = of_version(name, version);

	*ret_found = (struct resource_found){0};
	if (version > INT64_MAX)
		return TOBI_OK;
	return version ? store_run(broker->db, FIND "v.version = ?", of.values, 4,
				   take_found, ret_found, NULL, fault)
		       : store_run(broker->db, FIND "v.version = r.latest", of.values, 3,
				   take_found, ret_found, NULL, fault);
}

/* ---- count ---- */

struct counting {
	const struct resource_name *name;
	uint64_t version, changed;
};

static enum tobi_err count_down(struct db_conn *conn, void *context,
				struct tobi_fault *fault)
{
	struct counting *counting = context;
	const struct version_values of = of_version(counting->name, counting->version);

	return db_run(conn,
		      "UPDATE resource_version SET releases = releases - 1 "
		      "WHERE " OF_VERSION " AND releases > 0",
		      of.values, 4, NULL, NULL, &counting->changed, fault);
}

static enum tobi_err count_up(struct db_conn *conn, void *context,
			      struct tobi_fault *fault)
{
	struct counting *counting = context;
	const struct version_values of = of_version(counting->name, counting->version);

	return db_run(conn,
		      "UPDATE resource_version SET releases = releases + 1 "
		      "WHERE " OF_VERSION " AND releases >= 0",
		      of.values, 4, NULL, NULL, &counting->changed, fault);
}

enum tobi_err resource_count(struct broker *broker, const struct resource_name *name,
			     uint64_t version, bool *ret_taken, struct tobi_fault *fault)
{
	struct counting counting = {.name = name, .version = version};
	enum tobi_err err = store_apply(broker->db, count_down, &counting, fault);

	if (!err)
		*ret_taken = counting.changed == 1;
	return err;
}

enum tobi_err resource_uncount(struct broker *broker, const struct resource_name *name,
			       uint64_t version, struct tobi_fault *fault)
{
	struct counting counting = {.name = name, .version = version};

	return store_apply(broker->db, count_up, &counting, fault);
}

/* ---- open ---- */

static enum tobi_err take_sealed(void *context, const struct db_value *values,
				 size_t count, struct tobi_fault *fault)
{
	struct writer *sealed = context;

	(void)count;
	wr_bytes(sealed, values[0].bytes.ptr, values[0].bytes.size);
	return wr_err(sealed) ? fault_set(fault, wr_err(sealed), "secret", "", "no room")
			      : TOBI_OK;
}

enum tobi_err resource_open(struct broker *broker, const struct resource_name *name,
			    const struct resource_found *found, struct secret *ret_secret,
			    struct tobi_fault *fault)
{
	const struct version_values of = of_version(name, found->version);
	CLEANUP(wr_done) struct writer sealed = wr_init(LIMIT_SEALED);
	CLEANUP(wr_done) struct writer context = wr_init(RESOURCE_CONTEXT_MAX);
	enum tobi_err err =
	    store_run(broker->db, "SELECT sealed FROM resource_version WHERE " OF_VERSION,
		      of.values, 4, take_sealed, &sealed, NULL, fault);

	if (!err && !sealed.size)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "secret", "",
				"it was deleted meanwhile");
	resource_context(name, found->version, found->owner, &context);
	if (!err)
		err = wr_err(&context);
	return err ? err
		   : of_keyring(keyring_open_blob(broker->keyring, wr_view(&context),
						  wr_view(&sealed), ret_secret, fault),
				fault);
}

/* ---- rewrap ---- */

struct step {
	struct resource_name name;
	uint64_t version;
	char owner[65];
	struct writer sealed;
	bool found;
};

static enum tobi_err take_next(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	struct step *step = context;
	struct resource_name *name = &step->name;
	enum tobi_err err = TOBI_E_MALFORMED;

	if (count == 6)
		err = store_text(&values[0], name->repository, sizeof(name->repository),
				 fault);
	if (!err)
		err = store_text(&values[1], name->type, sizeof(name->type), fault);
	if (!err)
		err = store_text(&values[2], name->tag, sizeof(name->tag), fault);
	if (!err)
		err = store_text(&values[4], step->owner, sizeof(step->owner), fault);
	if (!err)
		err = take_sealed(&step->sealed, &values[5], 1, fault);
	step->version = (uint64_t)store_integer(&values[3]);
	step->found = !err;
	return err;
}

/* Only where it is still what was moved. */
static enum tobi_err replace(struct broker *broker, const struct step *step,
			     const struct writer *moved, struct tobi_fault *fault)
{
	const struct resource_name *name = &step->name;
	const struct db_value values[] = {db_bytes(wr_view(moved)),
					  db_text(name->repository),
					  db_text(name->type),
					  db_text(name->tag),
					  db_integer((int64_t)step->version),
					  db_bytes(wr_view(&step->sealed))};

	return store_run(broker->db,
			 "UPDATE resource_version SET sealed = ? WHERE " OF_VERSION
			 " AND sealed = ?",
			 values, STORE_COUNT(values), NULL, NULL, NULL, fault);
}

/* One that cannot be opened is counted, and left: it must not stand before the others. */
static enum tobi_err move(struct broker *broker, const struct step *step,
			  struct resource_rewrap *rewrap, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer context = wr_init(RESOURCE_CONTEXT_MAX);
	CLEANUP(wr_done) struct writer moved = wr_init(LIMIT_SEALED);
	bool changed = false;
	enum tobi_err err;

	resource_context(&step->name, step->version, step->owner, &context);
	err = wr_err(&context);
	if (!err)
		err = keyring_rewrap(broker->keyring, wr_view(&context),
				     wr_view(&step->sealed), &moved, &changed, fault);
	if (err == TOBI_E_SIGNATURE || err == TOBI_E_MALFORMED) {
		rewrap->failed++;
		return TOBI_OK;
	}
	if (!err && changed)
		err = replace(broker, step, &moved, fault);
	rewrap->moved += !err && changed;
	return err;
}

enum tobi_err resource_rewrap_step(struct broker *broker, struct resource_rewrap *rewrap,
				   size_t limit, struct tobi_fault *fault)
{
	for (size_t i = 0; i < limit && !rewrap->done; i++) {
		const struct version_values after =
		    of_version(&rewrap->name, rewrap->version);
		struct step step = {.sealed = wr_init(LIMIT_SEALED)};
		enum tobi_err err = store_run(
		    broker->db,
		    "SELECT v.repository, v.type, v.tag, v.version, r.owner, v.sealed "
		    "FROM resource_version v JOIN resource r ON r.repository = "
		    "v.repository AND r.type = v.type AND r.tag = v.tag WHERE "
		    "(v.repository, v.type, v.tag, v.version) > (?, ?, ?, ?) ORDER BY "
		    "v.repository, v.type, v.tag, v.version LIMIT 1",
		    after.values, 4, take_next, &step, NULL, fault);

		if (!err && step.found)
			err = move(broker, &step, rewrap, fault);
		wr_done(&step.sealed);
		if (err)
			return err;
		rewrap->done = !step.found;
		if (step.found) {
			rewrap->name = step.name;
			rewrap->version = step.version;
		}
	}
	return TOBI_OK;
}
