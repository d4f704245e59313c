#include "broker/schema.h"

/*
 * An owner's certificate profiles, by scope as policies (schema_resources.c), and its CA:
 * the key is sealed by the keyring in the context of the owner; chain: PEM, the CA's own
 * certificate first. mac: row_seal.h.
 */
const char *const schema_certificates[] = {
    "CREATE TABLE certificate_profile (scope TEXT PRIMARY KEY, owner TEXT NOT NULL, "
    "content BYTEA NOT NULL, changed BIGINT NOT NULL, mac BYTEA NOT NULL)",
    "CREATE INDEX certificate_profile_owner ON certificate_profile (owner)",
    "CREATE TABLE certificate_authority (owner TEXT PRIMARY KEY, "
    "sealed BYTEA NOT NULL, chain BYTEA NOT NULL, created BIGINT NOT NULL, "
    "mac BYTEA NOT NULL)",
    NULL,
};
