#include "daemons/broker/tables.h"

#include "daemons/broker/service.h"

/* Each part of the broker adds its own (broker/http.h). */
const struct broker_route *const broker_tables[] = {
    service_routes, kbs_routes,	    admin_routes,	log_routes, page_routes,
    direct_routes,  counter_routes, certificate_routes, NULL};
/* Of the listener for metrics. */
const struct broker_route *const internal_tables[] = {service_routes, NULL};
