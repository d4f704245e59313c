/*
 * The broker's context: what its parts share. Made once at the start (broker_open()),
 * used by all workers; nothing in it changes but behind the locks of the parts.
 */
#ifndef TOBI_BROKER_BROKER_H
#define TOBI_BROKER_BROKER_H

#include "appraise/policy.h"
#include "codec/cose.h"
#include "db/db.h"
#include "tobichi/collateral.h"

struct keyring;
struct decision_log;
struct policy_cache;
struct used_tokens;

struct broker_setup {
	const char *name;     /* of this broker, in tokens and heads: a URI or a word */
	const char *database; /* as db_open() takes it */
	const char *keys;     /* where wrap keys are, as keyring_open() takes it */
	const char *pin_file; /* for keys that need one; or NULL */
	unsigned connections;
	int64_t session_seconds; /* of a challenge and its session; 0: 300 */
	size_t sessions;	 /* at once; 0: 100,000 */
	/* P-256: signs tokens and log heads; taken over. NULL: token_key_derive(). */
	EVP_PKEY *token_key;
	const struct tobi_policy *entry; /* whose evidence is taken at all; or NULL */
	/* The names by which clients reach it, "host" or "host:port", NULL at the end:
	 * signed requests for another broker are refused. NULL: any name will do. */
	const char *const *hosts;
	const struct tobi_collateral *collateral; /* or NULL */
	/* How long evidence of owners is kept that have not said it; 0: a month; less:
	 * none is. */
	int64_t evidence_seconds;
	int64_t (*now)(void);
};

struct broker {
	struct broker_setup setup;
	struct db *db;
	struct keyring *keyring;
	struct decision_log *log;
	struct policy_cache *policies; /* of resources, parsed */
	struct used_tokens *used;      /* of signed requests */
	uint8_t row_key[32];	       /* row_seal.h */
};

/* Opens database (and brings its schema up to date), keys and log. Errors: those of
 * db_open(), db_migrate(), keyring_open(), decision_log_open(). */
TOBI_MUST_USE enum tobi_err broker_open(const struct broker_setup *setup,
					struct broker **ret_broker,
					struct tobi_fault *fault);
void broker_free(struct broker *broker);

/* The schema's steps, each part's in a file of its own: schema.c lists them. */
extern const struct db_migration broker_migrations[];
extern const size_t broker_migration_count;

#endif
