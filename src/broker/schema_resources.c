#include "broker/schema.h"

/*
 * Owners, their keys, the repositories that are theirs, and signatures that were used.
 * mac: row_seal.h. A repository has one owner.
 */
const char *const schema_owners[] = {
    "CREATE TABLE owner (name TEXT PRIMARY KEY, is_operator BIGINT NOT NULL, "
    "created BIGINT NOT NULL)",
    "CREATE TABLE owner_key (id BYTEA PRIMARY KEY, owner TEXT NOT NULL, "
    "is_operator BIGINT NOT NULL, spki BYTEA NOT NULL, created BIGINT NOT NULL, "
    "mac BYTEA NOT NULL)",
    "CREATE INDEX owner_key_owner ON owner_key (owner)",
    "CREATE TABLE owner_repository (repository TEXT PRIMARY KEY, owner TEXT NOT NULL)",
    "CREATE INDEX owner_repository_owner ON owner_repository (owner)",
    "CREATE TABLE used_token (id BYTEA PRIMARY KEY, expires BIGINT NOT NULL)",
    "CREATE INDEX used_token_expires ON used_token (expires)",
    NULL,
};

/*
 * expires: seconds since 1970, or 0; releases: how many are left, or -1; sealed: by the
 * keyring, in the context of name, version and owner. scope: "repository",
 * "repository/type" or a resource's whole name. hash is of the policy's text and files,
 * text_hash of the text.
 */
const char *const schema_resources[] = {
    "CREATE TABLE resource (repository TEXT NOT NULL, type TEXT NOT NULL, "
    "tag TEXT NOT NULL, owner TEXT NOT NULL, latest BIGINT NOT NULL, "
    "created BIGINT NOT NULL, PRIMARY KEY (repository, type, tag))",
    "CREATE INDEX resource_owner ON resource (owner)",
    "CREATE TABLE resource_version (repository TEXT NOT NULL, type TEXT NOT NULL, "
    "tag TEXT NOT NULL, version BIGINT NOT NULL, created BIGINT NOT NULL, "
    "expires BIGINT NOT NULL, releases BIGINT NOT NULL, size BIGINT NOT NULL, "
    "sealed BYTEA NOT NULL, PRIMARY KEY (repository, type, tag, version))",
    "CREATE TABLE policy (scope TEXT PRIMARY KEY, owner TEXT NOT NULL, "
    "hash BYTEA NOT NULL, text_hash BYTEA NOT NULL, content BYTEA NOT NULL, "
    "changed BIGINT NOT NULL, mac BYTEA NOT NULL)",
    "CREATE INDEX policy_owner ON policy (owner)",
    "CREATE TABLE policy_file (scope TEXT NOT NULL, place BIGINT NOT NULL, "
    "name TEXT NOT NULL, content BYTEA NOT NULL, PRIMARY KEY (scope, place))",
    NULL,
};

/* The last number of what was deleted, so that the next one of its name goes on from it.
 */
const char *const schema_numbers[] = {
    "CREATE TABLE resource_past (repository TEXT NOT NULL, type TEXT NOT NULL, "
    "tag TEXT NOT NULL, latest BIGINT NOT NULL, PRIMARY KEY (repository, type, tag))",
    NULL,
};
