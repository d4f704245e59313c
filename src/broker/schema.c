#include "broker/schema.h"

#include "broker/kbs_store.h"

/* What the broker knows of itself: the log's name, who the operator is, ... */
static const char *const about[] = {
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)", NULL};

/* Rows are only ever added at the end. */
const struct db_migration broker_migrations[] = {
    {"about", about},
    {"owners", schema_owners},
    {"resources", schema_resources},
    {"keys", schema_keys},
    {"log", schema_log},
    {"kbs", schema_kbs},
    {"kbs-mac", schema_kbs_mac},
    {"page", schema_page},
    {"details", schema_details},
    {"numbers", schema_numbers},
    {"counters", schema_counters},
    {"certificates", schema_certificates},
};
const size_t broker_migration_count =
    sizeof(broker_migrations) / sizeof(broker_migrations[0]);
