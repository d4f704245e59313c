#include "daemons/broker/setup.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "broker/keyring.h"
#include "broker/owners.h"

DEFINE_CLEANUP(struct db *, db_free)
DEFINE_CLEANUP(struct broker *, broker_free)
DEFINE_CLEANUP(struct keyring *, keyring_free)

static enum tobi_err open_database(const struct config *config, struct db **ret_db,
				   struct tobi_fault *fault)
{
	CLEANUP(db_freep) struct db *db = NULL;
	enum tobi_err err = db_open(config->database, 1, &db, fault);

	if (!err)
		err = db_migrate(db, broker_migrations, broker_migration_count, fault);
	if (!err)
		*ret_db = TAKE(db);
	return err;
}

enum tobi_err setup_init(const struct config *config, struct tobi_fault *fault)
{
	CLEANUP(db_freep) struct db *db = NULL;
	enum tobi_err err = open_database(config, &db, fault);

	return err ? err : keyring_init(db, config->keys, config->pin_file, fault);
}

enum tobi_err setup_first(const struct config *config, struct tobi_fault *fault)
{
	enum tobi_err err = setup_init(config, fault);

	return err == TOBI_E_EXISTS ? TOBI_OK : err;
}

static enum tobi_err read_token_key(const char *path, EVP_PKEY **ret_key,
				    struct tobi_fault *fault)
{
	struct secret pem = {0};
	enum tobi_err err = file_read_secret(path, LIMIT_PEM, "token key", &pem, fault);

	if (!err)
		err = key_read_private(secret_view(&pem), "token key", ret_key, fault);
	secret_done(&pem);
	return err;
}

static enum tobi_err set_operators(struct broker *broker, const struct config *config,
				   int64_t now, struct tobi_fault *fault)
{
	struct owner_key keys[CONFIG_LIST];
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < config->operator_count && !err; i++) {
		CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);

		err = file_read(config->operators[i], LIMIT_PEM, "operator", &pem, fault);
		if (!err)
			err = owner_key_read(wr_view(&pem), &keys[i], fault);
	}
	if (!err && config->operator_count)
		err =
		    owner_set_operator(broker, keys, config->operator_count, now, fault);
	return err;
}

enum tobi_err setup_open(const struct config *config, const struct loaded *loaded,
			 int64_t (*now)(void), struct broker **ret_broker,
			 struct tobi_fault *fault)
{
	CLEANUP(broker_freep) struct broker *broker = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct broker_setup setup = {
	    .name = config->name,
	    .database = config->database,
	    .keys = config->keys,
	    .pin_file = config->pin_file,
	    .connections = (unsigned)config->connections,
	    .session_seconds = (int64_t)config->session_seconds,
	    .sessions = config->sessions,
	    .entry = loaded->entry,
	    .hosts = config->hosts[0] ? config->hosts : NULL,
	    .collateral = loaded->collateral,
	    /* None is another word for the broker. */
	    .evidence_seconds =
		config->evidence_seconds ? (int64_t)config->evidence_seconds : -1,
	    .now = now};
	enum tobi_err err = TOBI_OK;

	if (config->token_key)
		err = read_token_key(config->token_key, &key, fault);
	if (err)
		return err;
	setup.token_key = key;
	err = broker_open(&setup, &broker, fault);
	if (err)
		return err;
	key = NULL; /* the broker's, now */
	err = set_operators(broker, config, now(), fault);
	if (!err)
		*ret_broker = TAKE(broker);
	return err;
}

enum tobi_err setup_backup(const struct config *config, const char *path,
			   struct tobi_fault *fault)
{
	CLEANUP(db_freep) struct db *db = NULL;
	enum tobi_err err = db_open(config->database, 1, &db, fault);

	return err ? err : db_backup(db, path, fault);
}

enum tobi_err setup_move_keys(const struct config *config, const char *place,
			      const char *pin_file, struct tobi_fault *fault)
{
	CLEANUP(db_freep) struct db *db = NULL;
	CLEANUP(keyring_freep) struct keyring *keyring = NULL;
	enum tobi_err err = open_database(config, &db, fault);

	if (!err)
		err = keyring_open(db, config->keys, config->pin_file, &keyring, fault);
	return err ? err : keyring_move(keyring, place, pin_file, fault);
}
