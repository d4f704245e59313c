#include "broker/broker.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/decision.h"
#include "broker/keyring.h"
#include "broker/policies.h"
#include "broker/token_key.h"
#include "broker/used_tokens.h"

DEFINE_CLEANUP(struct broker *, broker_free)

static enum tobi_err open_parts(struct broker *broker, struct tobi_fault *fault)
{
	struct broker_setup *setup = &broker->setup;
	enum tobi_err err =
	    db_open(setup->database, setup->connections, &broker->db, fault);

	if (!err)
		err = db_migrate(broker->db, broker_migrations, broker_migration_count,
				 fault);
	if (!err)
		err = keyring_open(broker->db, setup->keys, setup->pin_file,
				   &broker->keyring, fault);
	if (!err)
		err = keyring_derive(broker->keyring, "rows", broker->row_key, fault);
	if (!err && !setup->token_key)
		err = token_key_derive(broker->keyring, &setup->token_key, fault);
	if (!err)
		err = decision_log_open(broker->db, setup->token_key, setup->name,
					&broker->log, fault);
	if (!err && setup->evidence_seconds)
		decision_log_retention_default(broker->log, setup->evidence_seconds);
	return err;
}

enum tobi_err broker_open(const struct broker_setup *setup, struct broker **ret_broker,
			  struct tobi_fault *fault)
{
	CLEANUP(broker_freep) struct broker *broker = calloc(1, sizeof(*broker));
	enum tobi_err err;

	if (!broker)
		return fault_set(fault, TOBI_E_MEMORY, "broker", "", "out of memory");
	broker->setup = *setup;
	broker->policies = policy_cache_new();
	broker->used = used_tokens_new();
	err = broker->policies && broker->used
		  ? open_parts(broker, fault)
		  : fault_set(fault, TOBI_E_MEMORY, "broker", "", "out of memory");
	if (err) {
		/* Taken over only when all is open. */
		if (setup->token_key)
			broker->setup.token_key = NULL;
		return err;
	}
	*ret_broker = TAKE(broker);
	return TOBI_OK;
}

void broker_free(struct broker *broker)
{
	if (!broker)
		return;
	decision_log_free(broker->log);
	policy_cache_free(broker->policies);
	used_tokens_free(broker->used);
	keyring_free(broker->keyring);
	db_free(broker->db);
	EVP_PKEY_free(broker->setup.token_key);
	explicit_bzero(broker->row_key, sizeof(broker->row_key));
	free(broker);
}
