/* What this broker serves: the one list of route tables. */
#ifndef TOBI_DAEMONS_BROKER_TABLES_H
#define TOBI_DAEMONS_BROKER_TABLES_H

#include "broker/http.h"

extern const struct broker_route *const broker_tables[], *const internal_tables[];

#endif
