#include "broker/owners.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/resource.h"
#include "broker/row_seal.h"
#include "broker/store.h"

/* ---- keys ---- */

enum tobi_err owner_key_read(struct tobi_bytes pem, struct owner_key *ret_key,
			     struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer spki = wr_init(OWNER_SPKI_MAX);
	struct owner_key read = {0};
	enum tobi_err err = key_read_public(pem, "key", &key, fault);

	if (!err)
		err = key_spki_sha384(key, read.id, fault);
	if (!err)
		err = key_spki(key, &spki, fault);
	if (err)
		return err;
	bytes_copy(read.spki, sizeof(read.spki), spki.ptr, spki.size);
	read.spki_size = spki.size;
	*ret_key = read;
	return TOBI_OK;
}

void owner_key_parts(const char *name, bool is_operator, struct tobi_bytes id,
		     struct tobi_bytes spki,
		     struct tobi_bytes ret_parts[static OWNER_KEY_PARTS])
{
	ret_parts[0] = bytes_of_text(name);
	ret_parts[1] = bytes_of_text(is_operator ? "operator" : "owner");
	ret_parts[2] = id;
	ret_parts[3] = spki;
}

/* The MAC is made here, in the transaction: it needs no device. */
static enum tobi_err write_key(const struct broker *broker, struct db_conn *conn,
			       const char *name, bool is_operator,
			       const struct owner_key *key, int64_t now,
			       struct tobi_fault *fault)
{
	const struct tobi_bytes id = {key->id, sizeof(key->id)};
	const struct tobi_bytes spki = {key->spki, key->spki_size};
	struct tobi_bytes parts[OWNER_KEY_PARTS];
	uint8_t mac[ROW_SEAL_SIZE];
	enum tobi_err err;

	owner_key_parts(name, is_operator, id, spki, parts);
	err = row_seal(broker, "owner_key", parts, OWNER_KEY_PARTS, mac, fault);
	if (!err)
		err = db_run(
		    conn,
		    "INSERT INTO owner_key (id, owner, is_operator, spki, created, "
		    "mac) VALUES (?, ?, ?, ?, ?, ?)",
		    (struct db_value[]){db_bytes(id), db_text(name),
					db_integer(is_operator), db_bytes(spki),
					db_integer(now),
					db_bytes((struct tobi_bytes){mac, sizeof(mac)})},
		    6, NULL, NULL, NULL, fault);
	return err == TOBI_E_EXISTS ? fault_set(fault, err, "owner", "key",
						"it is some principal's already")
				    : err;
}

/* ---- changes ---- */

struct change {
	struct broker *broker;
	const char *name;
	const struct owner_new *new;
	const struct owner_key *keys;
	size_t key_count;
	const uint8_t *id;
	const char *repository;
	bool with_secrets;
	int64_t now;
};

/* sql counts rows of what one text names. */
static enum tobi_err count_of(struct db_conn *conn, const char *sql, const char *text,
			      int64_t *ret_count, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(text)};

	*ret_count = 0;
	return db_run(conn, sql, values, text ? 1 : 0, store_take_count, ret_count, NULL,
		      fault);
}

/* The operator is none. */
static enum tobi_err must_be(struct db_conn *conn, const char *name,
			     struct tobi_fault *fault)
{
	int64_t count;
	enum tobi_err err = count_of(
	    conn, "SELECT count(*) FROM owner WHERE name = ? AND is_operator = 0", name,
	    &count, fault);

	return !err && count == 0 ? fault_set(fault, TOBI_E_NOT_FOUND, "owner", "",
					      "there is none of this name")
				  : err;
}

static enum tobi_err write_owner(struct db_conn *conn, const char *name, bool is_operator,
				 int64_t now, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(name), db_integer(is_operator),
					  db_integer(now)};
	enum tobi_err err = db_run(
	    conn, "INSERT INTO owner (name, is_operator, created) VALUES (?, ?, ?)",
	    values, STORE_COUNT(values), NULL, NULL, NULL, fault);

	return err == TOBI_E_EXISTS
		   ? fault_set(fault, err, "owner", "", "there is one of this name")
		   : err;
}

static enum tobi_err write_repository(struct db_conn *conn, const char *name,
				      const char *repository, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_text(repository), db_text(name)};
	enum tobi_err err =
	    db_run(conn, "INSERT INTO owner_repository (repository, owner) VALUES (?, ?)",
		   values, STORE_COUNT(values), NULL, NULL, NULL, fault);

	return err == TOBI_E_EXISTS
		   ? fault_set(fault, err, "owner", "repository",
			       "%.128s is some owner's already", repository)
		   : err;
}

/* ---- the operator ---- */

static enum tobi_err set_operator(struct db_conn *conn, void *context,
				  struct tobi_fault *fault)
{
	const struct change *change = context;
	const struct db_value values[] = {db_text(OPERATOR_NAME)};
	enum tobi_err err = db_run(conn, "DELETE FROM owner_key WHERE owner = ?", values,
				   1, NULL, NULL, NULL, fault);

	if (!err)
		err = db_run(conn, "DELETE FROM owner WHERE name = ?", values, 1, NULL,
			     NULL, NULL, fault);
	if (!err)
		err = write_owner(conn, OPERATOR_NAME, true, change->now, fault);
	for (size_t i = 0; i < change->key_count && !err; i++)
		err = write_key(change->broker, conn, OPERATOR_NAME, true,
				&change->keys[i], change->now, fault);
	return err;
}

enum tobi_err owner_set_operator(struct broker *broker, const struct owner_key *keys,
				 size_t count, int64_t now, struct tobi_fault *fault)
{
	struct change change = {
	    .broker = broker, .keys = keys, .key_count = count, .now = now};

	if (count > LIMIT_BROKER_KEYS)
		return fault_set(fault, TOBI_E_LIMIT, "operator", "keys", "over %d",
				 LIMIT_BROKER_KEYS);
	return store_apply(broker->db, set_operator, &change, fault);
}

/* ---- adding ---- */

static enum tobi_err check_new(const struct owner_new *new, struct tobi_fault *fault)
{
	enum tobi_err err = resource_part_check(new->name, fault);

	if (!err && strlen(new->name) > PRINCIPAL_NAME_MAX)
		err = fault_set(fault, TOBI_E_LIMIT, "owner", "name",
				"over %d characters", PRINCIPAL_NAME_MAX);
	if (!err && strcmp(new->name, OPERATOR_NAME) == 0)
		err = fault_set(fault, TOBI_E_ARGUMENT, "owner", "name",
				"that is the operator's");
	if (!err && !new->key_count)
		err = fault_set(fault, TOBI_E_ARGUMENT, "owner", "keys",
				"one is needed at least");
	if (!err && (new->key_count > LIMIT_BROKER_KEYS ||
		     new->repository_count > LIMIT_BROKER_REPOSITORIES))
		err = fault_set(fault, TOBI_E_LIMIT, "owner", "",
				"at most %d keys and %d repositories are allowed",
				LIMIT_BROKER_KEYS, LIMIT_BROKER_REPOSITORIES);
	for (size_t i = 0; i < new->repository_count && !err; i++)
		err = resource_part_check(new->repositories[i], fault);
	return err;
}

/* What is in the log is read by who has the name: whoever had it before is the only one.
 * Without entries there is nothing to read. */
static enum tobi_err check_unused(struct db_conn *conn, const char *name,
				  struct tobi_fault *fault)
{
	int64_t count;
	enum tobi_err err =
	    count_of(conn,
		     "SELECT count(*) FROM (SELECT idx FROM log_leaves WHERE owner = ? "
		     "LIMIT 1) AS first",
		     name, &count, fault);

	return !err && count ? fault_set(fault, TOBI_E_EXISTS, "owner", "name",
					 "it was an owner's, whose entries are in the "
					 "log for ever: take another")
			     : err;
}

static enum tobi_err add(struct db_conn *conn, void *context, struct tobi_fault *fault)
{
	const struct change *change = context;
	const struct owner_new *new = change->new;
	int64_t count;
	enum tobi_err err =
	    count_of(conn, "SELECT count(*) FROM owner", NULL, &count, fault);

	if (!err && count >= LIMIT_BROKER_OWNERS)
		err = fault_set(fault, TOBI_E_LIMIT, "owner", "", "over %d",
				LIMIT_BROKER_OWNERS);
	if (!err)
		err = write_owner(conn, new->name, false, change->now, fault);
	if (!err)
		err = check_unused(conn, new->name, fault);
	for (size_t i = 0; i < new->key_count && !err; i++)
		err = write_key(change->broker, conn, new->name, false, &new->keys[i],
				change->now, fault);
	for (size_t i = 0; i < new->repository_count && !err; i++)
		err = write_repository(conn, new->name, new->repositories[i], fault);
	return err;
}

enum tobi_err owner_add(struct broker *broker, const struct owner_new *new, int64_t now,
			struct tobi_fault *fault)
{
	struct change change = {.broker = broker, .new = new, .now = now};
	enum tobi_err err = check_new(new, fault);

	return err ? err : store_apply(broker->db, add, &change, fault);
}

static enum tobi_err add_key(struct db_conn *conn, void *context,
			     struct tobi_fault *fault)
{
	const struct change *change = context;
	int64_t count = 0;
	enum tobi_err err = must_be(conn, change->name, fault);

	if (!err)
		err = count_of(conn, "SELECT count(*) FROM owner_key WHERE owner = ?",
			       change->name, &count, fault);
	if (!err && count >= LIMIT_BROKER_KEYS)
		err = fault_set(fault, TOBI_E_LIMIT, "owner", "keys", "over %d",
				LIMIT_BROKER_KEYS);
	return err ? err
		   : write_key(change->broker, conn, change->name, false, change->keys,
			       change->now, fault);
}

enum tobi_err owner_add_key(struct broker *broker, const char *name,
			    const struct owner_key *key, int64_t now,
			    struct tobi_fault *fault)
{
	struct change change = {.broker = broker, .name = name, .keys = key, .now = now};

	return store_apply(broker->db, add_key, &change, fault);
}

static enum tobi_err add_repository(struct db_conn *conn, void *context,
				    struct tobi_fault *fault)
{
	const struct change *change = context;
	int64_t count = 0;
	enum tobi_err err = must_be(conn, change->name, fault);

	if (!err)
		err = count_of(conn,
			       "SELECT count(*) FROM owner_repository WHERE owner = ?",
			       change->name, &count, fault);
	if (!err && count >= LIMIT_BROKER_REPOSITORIES)
		err = fault_set(fault, TOBI_E_LIMIT, "owner", "repositories", "over %d",
				LIMIT_BROKER_REPOSITORIES);
	return err ? err
		   : write_repository(conn, change->name, change->repository, fault);
}

enum tobi_err owner_add_repository(struct broker *broker, const char *name,
				   const char *repository, struct tobi_fault *fault)
{
	struct change change = {.name = name, .repository = repository};
	enum tobi_err err = resource_part_check(repository, fault);

	return err ? err : store_apply(broker->db, add_repository, &change, fault);
}

/* ---- removing ---- */

static enum tobi_err has_nothing(struct db_conn *conn, const char *sql, const char *text,
				 const char *what, struct tobi_fault *fault)
{
	int64_t count;
	enum tobi_err err = count_of(conn, sql, text, &count, fault);

	return !err && count ? fault_set(fault, TOBI_E_EXISTS, "owner", "",
					 "%lld %s are left", (long long)count, what)
			     : err;
}

static enum tobi_err remove_all(struct db_conn *conn, const char *name,
				struct tobi_fault *fault)
{
	static const char *const statements[] = {
	    "DELETE FROM policy_file WHERE scope IN (SELECT scope FROM policy WHERE "
	    "owner = ?)",
	    "DELETE FROM policy WHERE owner = ?",
	    "DELETE FROM resource_version WHERE (repository, type, tag) IN (SELECT "
	    "repository, type, tag FROM resource WHERE owner = ?)",
	    RESOURCE_KEEP_NUMBERS "owner = ?" RESOURCE_KEPT_NUMBERS,
	    "DELETE FROM resource WHERE owner = ?",
	    "DELETE FROM counter WHERE owner = ?",
	    "DELETE FROM certificate_profile WHERE owner = ?",
	    "DELETE FROM certificate_authority WHERE owner = ?",
	    "DELETE FROM owner_repository WHERE owner = ?",
	    "DELETE FROM owner_key WHERE owner = ?",
	    "DELETE FROM owner WHERE name = ?",
	};
	const struct db_value values[] = {db_text(name)};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < STORE_COUNT(statements) && !err; i++)
		err = db_run(conn, statements[i], values, 1, NULL, NULL, NULL, fault);
	return err;
}

static enum tobi_err remove_owner(struct db_conn *conn, void *context,
				  struct tobi_fault *fault)
{
	const struct change *change = context;
	enum tobi_err err = must_be(conn, change->name, fault);

	if (!err && !change->with_secrets)
		err = has_nothing(conn, "SELECT count(*) FROM resource WHERE owner = ?",
				  change->name, "secrets", fault);
	if (!err && !change->with_secrets)
		err = has_nothing(conn, "SELECT count(*) FROM policy WHERE owner = ?",
				  change->name, "policies", fault);
	/* Without its counters old states of its enclaves count again. */
	if (!err && !change->with_secrets)
		err = has_nothing(conn, "SELECT count(*) FROM counter WHERE owner = ?",
				  change->name, "counters", fault);
	return err ? err : remove_all(conn, change->name, fault);
}

enum tobi_err owner_remove(struct broker *broker, const char *name, bool with_secrets,
			   struct tobi_fault *fault)
{
	struct change change = {.name = name, .with_secrets = with_secrets};

	return store_apply(broker->db, remove_owner, &change, fault);
}

static enum tobi_err remove_key(struct db_conn *conn, void *context,
				struct tobi_fault *fault)
{
	const struct change *change = context;
	const struct db_value values[] = {
	    db_text(change->name),
	    db_bytes((struct tobi_bytes){change->id, PRINCIPAL_ID_SIZE})};
	uint64_t changed = 0;
	int64_t left = 0;
	enum tobi_err err = must_be(conn, change->name, fault);

	if (!err)
		err = db_run(conn, "DELETE FROM owner_key WHERE owner = ? AND id = ?",
			     values, STORE_COUNT(values), NULL, NULL, &changed, fault);
	if (!err && !changed)
		return fault_set(fault, TOBI_E_NOT_FOUND, "owner", "key",
				 "the owner has no such key");
	if (!err)
		err = count_of(conn, "SELECT count(*) FROM owner_key WHERE owner = ?",
			       change->name, &left, fault);
	return !err && !left
		   ? fault_set(fault, TOBI_E_ARGUMENT, "owner", "key",
			       "it is the last one; add another one first, or remove the "
			       "owner")
		   : err;
}

enum tobi_err owner_remove_key(struct broker *broker, const char *name,
			       const uint8_t id[static PRINCIPAL_ID_SIZE],
			       struct tobi_fault *fault)
{
	struct change change = {.name = name, .id = id};

	return store_apply(broker->db, remove_key, &change, fault);
}

/* The scopes of a repository are it, and what begins with it and a slash. */
static enum tobi_err count_policies(struct db_conn *conn, const char *repository,
				    int64_t *ret_count, struct tobi_fault *fault)
{
	char start[RESOURCE_NAME_SIZE];
	int size = snprintf(start, sizeof(start), "%s/", repository);

	*ret_count = 0;
	return db_run(
	    conn,
	    "SELECT count(*) FROM policy WHERE scope = ? OR "
	    "substr(scope, 1, CAST(? AS INTEGER)) = ?",
	    (struct db_value[]){db_text(repository), db_integer(size), db_text(start)}, 3,
	    store_take_count, ret_count, NULL, fault);
}

static enum tobi_err remove_repository(struct db_conn *conn, void *context,
				       struct tobi_fault *fault)
{
	const struct change *change = context;
	const struct db_value values[] = {db_text(change->repository),
					  db_text(change->name)};
	uint64_t changed = 0;
	int64_t policies = 0;
	enum tobi_err err =
	    has_nothing(conn, "SELECT count(*) FROM resource WHERE repository = ?",
			change->repository, "secrets", fault);

	if (!err)
		err =
		    has_nothing(conn, "SELECT count(*) FROM counter WHERE repository = ?",
				change->repository, "counters", fault);
	if (!err)
		err = count_policies(conn, change->repository, &policies, fault);
	if (!err && policies)
		err = fault_set(fault, TOBI_E_EXISTS, "owner", "repository",
				"policies are left in it");
	if (!err)
		err = db_run(
		    conn,
		    "DELETE FROM owner_repository WHERE repository = ? AND owner = ?",
		    values, STORE_COUNT(values), NULL, NULL, &changed, fault);
	return !err && !changed
		   ? fault_set(fault, TOBI_E_NOT_FOUND, "owner", "repository",
			       "the owner has no such repository")
		   : err;
}

enum tobi_err owner_remove_repository(struct broker *broker, const char *name,
				      const char *repository, struct tobi_fault *fault)
{
	struct change change = {.name = name, .repository = repository};

	return store_apply(broker->db, remove_repository, &change, fault);
}
