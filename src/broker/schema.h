/* The statements of each part's tables; schema.c puts them in order. */
#ifndef TOBI_BROKER_SCHEMA_H
#define TOBI_BROKER_SCHEMA_H

#include "broker/broker.h"

/* NULL at the end of each. */
extern const char *const schema_owners[], *const schema_resources[], *const schema_keys[];
extern const char *const schema_log[], *const schema_page[], *const schema_details[];
extern const char *const schema_numbers[], *const schema_counters[];
extern const char *const schema_certificates[];

#endif
