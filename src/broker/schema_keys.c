#include "broker/schema.h"

/* Store keys, each wrapped by the provider. Generation 0 is not sealed under: keys for
 * purposes are derived from it, and so it stays. */
const char *const schema_keys[] = {
    "CREATE TABLE store_keys ("
    " generation BIGINT PRIMARY KEY CHECK (generation >= 0),"
    " provider TEXT NOT NULL,"
    " wrap_key TEXT NOT NULL,"
    " wrapped BYTEA NOT NULL)",
    NULL};
