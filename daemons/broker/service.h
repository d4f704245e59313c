/* The broker's own route: /readyz, which asks the database and the key provider. What
 * needs no worker (/healthz, /metrics) is the server's. */
#ifndef TOBI_DAEMONS_BROKER_SERVICE_H
#define TOBI_DAEMONS_BROKER_SERVICE_H

#include "broker/http.h"

extern const struct broker_route service_routes[];

#endif
