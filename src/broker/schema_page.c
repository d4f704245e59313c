#include "broker/schema.h"

/*
 * Who may see the page. Of tokens and cookies the SHA-256 alone is there; key_id is the
 * key that has logged in, and with it goes what it has. mac: row_seal.h.
 */
const char *const schema_page[] = {
    "CREATE TABLE page_login (hash BYTEA PRIMARY KEY, key_id BYTEA NOT NULL, "
    "expires BIGINT NOT NULL, mac BYTEA NOT NULL)",
    "CREATE INDEX page_login_expires ON page_login (expires)",
    "CREATE INDEX page_login_key ON page_login (key_id)",
    "CREATE TABLE page_session (hash BYTEA PRIMARY KEY, key_id BYTEA NOT NULL, "
    "created BIGINT NOT NULL, used BIGINT NOT NULL, mac BYTEA NOT NULL)",
    "CREATE INDEX page_session_key ON page_session (key_id, created)",
    "CREATE INDEX page_session_created ON page_session (created)",
    NULL,
};

/*
 * What each check of a refusal has expected and found (decision_details.h), as long as
 * its evidence is kept. owner is empty for nobody's.
 */
const char *const schema_details[] = {
    "CREATE TABLE log_details (idx BIGINT PRIMARY KEY, owner TEXT NOT NULL, "
    "details BYTEA NOT NULL, stored BIGINT NOT NULL, expires BIGINT NOT NULL)",
    "CREATE INDEX log_details_expires ON log_details (expires)",
    "CREATE INDEX log_details_owner ON log_details (owner)",
    NULL,
};
