#include <stddef.h>

#include "broker/schema.h"

/*
 * log_state has one row: whoever appends changes it, so that one broker appends at a
 * time. log_nodes has every whole subtree, from the leaves' own hashes up, in the order
 * in which they became whole: a leaf's neighbours are in the same page of the file, so
 * that a proof reads few.
 *
 * owner is NULL for a decision that is nobody's, and empty in log_evidence.
 */
const char *const schema_log[] = {
    "CREATE TABLE log_state (id BIGINT PRIMARY KEY, name TEXT NOT NULL, "
    "size BIGINT NOT NULL, frontier BYTEA NOT NULL, head BYTEA NOT NULL)",
    "CREATE TABLE log_leaves (idx BIGINT PRIMARY KEY, owner TEXT, body BYTEA NOT NULL)",
    "CREATE INDEX log_leaves_owner ON log_leaves (owner, idx)",
    "CREATE TABLE log_nodes (place BIGINT PRIMARY KEY, hash BYTEA NOT NULL)",
    "CREATE TABLE log_evidence (digest BYTEA NOT NULL, owner TEXT NOT NULL, "
    "evidence BYTEA NOT NULL, stored BIGINT NOT NULL, expires BIGINT NOT NULL, "
    "PRIMARY KEY (digest, owner))",
    "CREATE INDEX log_evidence_expires ON log_evidence (expires)",
    "CREATE INDEX log_evidence_owner ON log_evidence (owner)",
    "CREATE TABLE log_retention (owner TEXT PRIMARY KEY, seconds BIGINT NOT NULL)",
    NULL,
};
