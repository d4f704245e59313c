#include "broker/keyring.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/limits.h"
#include "broker/keyring_blob.h"
#include "broker/keyring_rows.h"
#include "pki/key.h"

#define OBJECT "keys"

/* What a provider wraps: four letters, the generation, the key. */
static const uint8_t store_key_start[4] = {'T', 'B', 'K', '1'};

enum { STORE_KEY_PLAIN = 4 + 8 + AEAD_KEY };

struct store_key {
	uint64_t generation; /* 0: for derived keys */
	struct secret key;
};

struct keyring {
	struct db *db;
	char *location;
	struct key_provider *provider;
	pthread_rwlock_t lock; /* of keys and count */
	struct store_key *keys;
	size_t count;
};

DEFINE_CLEANUP(struct keyring *, keyring_free)
DEFINE_CLEANUP(struct key_provider *, key_provider_close)

void keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return;
	for (size_t i = 0; i < keyring->count; i++)
		secret_done(&keyring->keys[i].key);
	free(keyring->keys);
	key_provider_close(keyring->provider);
	pthread_rwlock_destroy(&keyring->lock);
	free(keyring->location);
	free(keyring);
}

/* The wrap key is not what it was, or not there: everything depends on it, so this is
 * said at length. */
static enum tobi_err lost(enum tobi_err err, const struct key_row *row,
			  struct tobi_fault *fault)
{
	char why[128];

	if (!fault || (err != TOBI_E_NOT_FOUND && err != TOBI_E_MISMATCH))
		return err;
	snprintf(why, sizeof(why), "%s", fault->message);
	return fault_set(fault, err, OBJECT, "wrap key",
			 "without the wrap key %.80s (%s) nothing in the database can be "
			 "opened, and it is lost here: %s",
			 row->wrap_key, row->provider, why);
}

static enum tobi_err check_row(const struct keyring *keyring, const struct key_row *row,
			       struct tobi_fault *fault)
{
	if (strcmp(row->provider, keyring->provider->ops->kind) == 0 &&
	    strcmp(row->wrap_key, keyring->provider->id) == 0)
		return TOBI_OK;
	return fault_set(
	    fault, TOBI_E_MISMATCH, OBJECT, "wrap key",
	    "generation %llu is wrapped by the key %.80s (%s), and this broker "
	    "has %.80s (%s): were the keys moved? Start it with the new place",
	    (unsigned long long)row->generation, row->wrap_key, row->provider,
	    keyring->provider->id, keyring->provider->ops->kind);
}

static enum tobi_err unwrap(const struct keyring *keyring, const struct key_row *row,
			    struct secret *ret_key, struct tobi_fault *fault)
{
	CLEANUP(secret_done) struct secret plain = {0};
	struct secret key = {0};
	enum tobi_err err = check_row(keyring, row, fault);

	if (!err)
		err = keyring->provider->ops->unwrap(
		    keyring->provider, wr_view(&row->wrapped), &plain, fault);
	if (err)
		return err;
	if (plain.size != STORE_KEY_PLAIN ||
	    memcmp(plain.ptr, store_key_start, sizeof(store_key_start)) != 0 ||
	    load_u64be(plain.ptr + 4) != row->generation)
		return fault_set(fault, TOBI_E_SIGNATURE, OBJECT, "store_keys",
				 "what is kept as generation %llu is another key",
				 (unsigned long long)row->generation);
	err = secret_new(AEAD_KEY, &key, fault);
	if (err)
		return err;
	bytes_copy(key.ptr, AEAD_KEY, plain.ptr + 12, AEAD_KEY);
	*ret_key = key;
	return TOBI_OK;
}

/* A new key for a generation, or an old one again (key), as a row. */
static enum tobi_err wrap(struct key_provider *provider, uint64_t generation,
			  const uint8_t *key, struct key_row *ret_row,
			  struct tobi_fault *fault)
{
	struct key_row row = {.generation = generation,
			      .wrapped = wr_init(LIMIT_STORE_KEY_WRAPPED)};
	uint8_t plain[STORE_KEY_PLAIN];
	enum tobi_err err;

	bytes_copy(plain, sizeof(plain), store_key_start, sizeof(store_key_start));
	store_be(plain + 4, 8, generation);
	if (key)
		bytes_copy(plain + 12, AEAD_KEY, key, AEAD_KEY);
	else if (RAND_priv_bytes(plain + 12, AEAD_KEY) != 1)
		return fault_openssl(fault, OBJECT, "", "no random bytes");
	err = provider->ops->wrap(provider, (struct tobi_bytes){plain, sizeof(plain)},
				  &row.wrapped, fault);
	explicit_bzero(plain, sizeof(plain));
	if (err) {
		wr_done(&row.wrapped);
		return err;
	}
	snprintf(row.provider, sizeof(row.provider), "%s", provider->ops->kind);
	snprintf(row.wrap_key, sizeof(row.wrap_key), "%s", provider->id);
	*ret_row = row;
	return TOBI_OK;
}

/* Under the lock. */
static const struct store_key *find(const struct keyring *keyring, uint64_t generation)
{
	for (size_t i = keyring->count; i > 0; i--) {
		if (keyring->keys[i - 1].generation == generation)
			return &keyring->keys[i - 1];
	}
	return NULL;
}

static bool has(struct keyring *keyring, uint64_t generation)
{
	bool found;

	pthread_rwlock_rdlock(&keyring->lock);
	found = find(keyring, generation) != NULL;
	pthread_rwlock_unlock(&keyring->lock);
	return found;
}

/* Takes key over. */
static enum tobi_err add(struct keyring *keyring, uint64_t generation, struct secret key)
{
	struct store_key *more;
	enum tobi_err err = TOBI_OK;

	pthread_rwlock_wrlock(&keyring->lock);
	more = find(keyring, generation)
		   ? NULL
		   : realloc(keyring->keys, (keyring->count + 1) * sizeof(*more));
	if (more) {
		more[keyring->count++] = (struct store_key){generation, key};
		keyring->keys = more;
	} else {
		/* Another thread was faster, or memory is out. */
		err = find(keyring, generation) ? TOBI_OK : TOBI_E_MEMORY;
		secret_done(&key);
	}
	pthread_rwlock_unlock(&keyring->lock);
	return err;
}

/* Those from a generation on that are not here yet. */
static enum tobi_err load(struct keyring *keyring, const struct key_rows *rows,
			  struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < rows->count && !err; i++) {
		struct secret key = {0};

		if (has(keyring, rows->rows[i].generation))
			continue;
		err = unwrap(keyring, &rows->rows[i], &key, fault);
		if (!err)
			err = add(keyring, rows->rows[i].generation, key);
	}
	return err;
}

static enum tobi_err need(struct keyring *keyring, uint64_t generation,
			  struct tobi_fault *fault)
{
	struct key_rows rows = {0};
	enum tobi_err err;

	if (has(keyring, generation))
		return TOBI_OK;
	err = key_rows_read(keyring->db, generation, &rows, fault);
	if (!err)
		err = load(keyring, &rows, fault);
	key_rows_done(&rows);
	if (err || has(keyring, generation))
		return err;
	return fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "generation",
			 "there is no store key of generation %llu",
			 (unsigned long long)generation);
}

static enum tobi_err open_with(struct keyring *keyring, const char *pin_file,
			       const struct key_rows *rows, struct tobi_fault *fault)
{
	const struct key_row *first = rows->rows;
	const char *place = NULL;
	const struct key_provider_ops *ops = key_provider_find(keyring->location, &place);
	enum tobi_err err;

	if (!rows->count)
		return fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "",
				 "there are no store keys in the database yet: run "
				 "tobichi broker init");
	if (ops && strcmp(ops->kind, first->provider) != 0) {
		fault_set(fault, TOBI_E_MISMATCH, OBJECT, "", "%.60s is of another kind",
			  keyring->location);
		return lost(TOBI_E_MISMATCH, first, fault);
	}
	err = key_provider_open(keyring->location, pin_file, first->wrap_key,
				&keyring->provider, fault);
	if (!err)
		err = load(keyring, rows, fault);
	return lost(err, first, fault);
}

enum tobi_err keyring_open(struct db *db, const char *location, const char *pin_file,
			   struct keyring **ret_keyring, struct tobi_fault *fault)
{
	CLEANUP(keyring_freep) struct keyring *keyring = calloc(1, sizeof(*keyring));
	struct key_rows rows = {0};
	enum tobi_err err;

	if (!keyring || pthread_rwlock_init(&keyring->lock, NULL))
		return TOBI_E_MEMORY;
	keyring->db = db;
	keyring->location = strdup(location);
	if (!keyring->location)
		return TOBI_E_MEMORY;
	err = key_rows_read(db, 0, &rows, fault);
	if (!err)
		err = open_with(keyring, pin_file, &rows, fault);
	key_rows_done(&rows);
	if (err)
		return err;
	*ret_keyring = TAKE(keyring);
	return TOBI_OK;
}

static enum tobi_err exists(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_EXISTS, OBJECT, "",
			 "the database has store keys already");
}

enum tobi_err keyring_init(struct db *db, const char *location, const char *pin_file,
			   struct tobi_fault *fault)
{
	CLEANUP(key_provider_closep) struct key_provider *provider = NULL;
	struct key_row two[2] = {0};
	struct key_rows rows = {0};
	enum tobi_err err = key_rows_read(db, 0, &rows, fault);

	if (!err && rows.count)
		err = exists(fault);
	key_rows_done(&rows);
	if (!err)
		err = key_provider_open(location, pin_file, NULL, &provider, fault);
	for (uint64_t i = 0; i < 2 && !err; i++)
		err = wrap(provider, i, NULL, &two[i], fault);
	if (!err)
		err = key_rows_write(db, &(struct key_rows){two, 2}, false, fault);
	wr_done(&two[0].wrapped);
	wr_done(&two[1].wrapped);
	return err == TOBI_E_EXISTS ? exists(fault) : err;
}

/* The newest generation, which is here then. */
static enum tobi_err newest(struct keyring *keyring, uint64_t *ret_generation,
			    struct tobi_fault *fault)
{
	uint64_t generation = 0;
	enum tobi_err err = key_rows_newest(keyring->db, &generation, fault);

	if (!err && !generation)
		err = fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "store_keys",
				"the database's store keys are gone; restore a backup");
	if (!err)
		err = need(keyring, generation, fault);
	if (!err)
		*ret_generation = generation;
	return err;
}

enum tobi_err keyring_seal(struct keyring *keyring, struct tobi_bytes context,
			   struct tobi_bytes plain, struct writer *out,
			   struct tobi_fault *fault)
{
	uint64_t generation = 0;
	enum tobi_err err = newest(keyring, &generation, fault);

	if (err)
		return err;
	pthread_rwlock_rdlock(&keyring->lock);
	err = keyring_blob_seal(generation, find(keyring, generation)->key.ptr, context,
				plain, out, fault);
	pthread_rwlock_unlock(&keyring->lock);
	return err;
}

static enum tobi_err open_parsed(struct keyring *keyring, const struct keyring_blob *blob,
				 struct tobi_bytes context, struct secret *ret_plain,
				 struct tobi_fault *fault)
{
	enum tobi_err err = need(keyring, blob->generation, fault);

	if (err)
		return err;
	pthread_rwlock_rdlock(&keyring->lock);
	err = keyring_blob_open(blob, find(keyring, blob->generation)->key.ptr, context,
				ret_plain, fault);
	pthread_rwlock_unlock(&keyring->lock);
	return err;
}

enum tobi_err keyring_open_blob(struct keyring *keyring, struct tobi_bytes context,
				struct tobi_bytes blob, struct secret *ret_plain,
				struct tobi_fault *fault)
{
	struct keyring_blob parsed;
	enum tobi_err err = keyring_blob_parse(blob, &parsed, fault);

	return err ? err : open_parsed(keyring, &parsed, context, ret_plain, fault);
}

enum tobi_err keyring_rewrap(struct keyring *keyring, struct tobi_bytes context,
			     struct tobi_bytes blob, struct writer *out,
			     bool *ret_changed, struct tobi_fault *fault)
{
	CLEANUP(secret_done) struct secret plain = {0};
	struct keyring_blob parsed;
	uint64_t generation = 0;
	enum tobi_err err = keyring_blob_parse(blob, &parsed, fault);

	if (!err)
		err = newest(keyring, &generation, fault);
	if (err)
		return err;
	if (parsed.generation == generation) {
		wr_bytes(out, blob.ptr, blob.size);
		*ret_changed = false;
		return wr_err(out);
	}
	err = open_parsed(keyring, &parsed, context, &plain, fault);
	if (!err)
		err = keyring_seal(keyring, context, secret_view(&plain), out, fault);
	if (!err)
		*ret_changed = true;
	return err;
}

enum tobi_err keyring_derive(struct keyring *keyring, const char *purpose,
			     uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer info = wr_init(256);
	enum tobi_err err = need(keyring, 0, fault);

	wr_printf(&info, "tobichi broker %s", purpose);
	if (!err)
		err = wr_err(&info);
	if (err)
		return err;
	pthread_rwlock_rdlock(&keyring->lock);
	err =
	    hkdf_sha256(secret_view(&find(keyring, 0)->key), wr_view(&info), ret_key, 32);
	pthread_rwlock_unlock(&keyring->lock);
	return err ? fault_openssl(fault, OBJECT, "", "no key is derived") : TOBI_OK;
}

/* The provider must still open the newest row. A new one would else be wrapped by a key
 * that the other brokers do not have any more, or by one that a server has just made. */
static enum tobi_err check_newest(struct keyring *keyring, uint64_t generation,
				  struct tobi_fault *fault)
{
	CLEANUP(secret_done) struct secret key = {0};
	struct key_rows rows = {0};
	enum tobi_err err = key_rows_read(keyring->db, generation, &rows, fault);

	if (!err && !rows.count)
		err = fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "store_keys",
				"the database's store keys are gone; restore a backup");
	if (!err)
		err = unwrap(keyring, rows.rows, &key, fault);
	key_rows_done(&rows);
	return err;
}

enum tobi_err keyring_rotate(struct keyring *keyring, uint64_t *ret_generation,
			     struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_E_EXISTS;
	uint64_t generation = 0;

	/* Others may do the same now: each try that is lost is a generation of theirs, of
	 * which there are not endlessly many. */
	for (int i = 0; i < LIMIT_STORE_KEYS && err == TOBI_E_EXISTS; i++) {
		struct key_row row = {0};

		err = newest(keyring, &generation, fault);
		if (!err)
			err = check_newest(keyring, generation, fault);
		if (!err && generation >= LIMIT_STORE_KEYS - 1)
			err = fault_set(fault, TOBI_E_LIMIT, OBJECT, "generation",
					"there were %d generations", LIMIT_STORE_KEYS);
		if (!err)
			err = wrap(keyring->provider, ++generation, NULL, &row, fault);
		if (!err)
			err = key_rows_write(keyring->db, &(struct key_rows){&row, 1},
					     false, fault);
		wr_done(&row.wrapped);
	}
	if (!err)
		err = need(keyring, generation, fault);
	if (!err)
		*ret_generation = generation;
	return err;
}

enum tobi_err keyring_check(struct keyring *keyring, struct tobi_fault *fault)
{
	uint64_t generation = 0;
	enum tobi_err err = key_rows_newest(keyring->db, &generation, fault);

	return err ? err : check_newest(keyring, generation, fault);
}

/* The rows that are there, wrapped by another provider. */
static enum tobi_err wrap_all(struct keyring *keyring, struct key_provider *provider,
			      struct key_rows *rows, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < rows->count && !err; i++) {
		struct key_row row = {0};

		err = need(keyring, rows->rows[i].generation, fault);
		if (err)
			break;
		pthread_rwlock_rdlock(&keyring->lock);
		err = wrap(provider, rows->rows[i].generation,
			   find(keyring, rows->rows[i].generation)->key.ptr, &row, fault);
		pthread_rwlock_unlock(&keyring->lock);
		if (err)
			break;
		wr_done(&rows->rows[i].wrapped);
		rows->rows[i] = row;
	}
	return err;
}

enum tobi_err keyring_move(struct keyring *keyring, const char *location,
			   const char *pin_file, struct tobi_fault *fault)
{
	struct key_provider *provider = NULL;
	struct key_rows rows = {0};
	enum tobi_err err = key_provider_open(location, pin_file, NULL, &provider, fault);

	if (err)
		return err;
	err = key_rows_read(keyring->db, 0, &rows, fault);
	if (!err)
		err = load(keyring, &rows, fault);
	if (!err)
		err = wrap_all(keyring, provider, &rows, fault);
	if (!err)
		err = key_rows_write(keyring->db, &rows, true, fault);
	key_rows_done(&rows);
	if (err) {
		key_provider_close(provider);
		return err;
	}
	key_provider_close(keyring->provider);
	keyring->provider = provider;
	return TOBI_OK;
}
