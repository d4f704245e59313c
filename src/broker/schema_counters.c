#include "broker/schema.h"

/* bound_to, identity: whose it is (counter.h); mac: row_seal.h, over all but the time. */
const char *const schema_counters[] = {
    "CREATE TABLE counter (repository TEXT NOT NULL, type TEXT NOT NULL, "
    "tag TEXT NOT NULL, owner TEXT NOT NULL, bound_to BIGINT NOT NULL, "
    "identity BYTEA NOT NULL, value BIGINT NOT NULL, changed BIGINT NOT NULL, "
    "mac BYTEA NOT NULL, PRIMARY KEY (repository, type, tag))",
    "CREATE INDEX counter_owner ON counter (owner)",
    NULL,
};
