/* `tobichi broker status`: whether the broker answers, and what its database holds. */
#ifndef TOBI_DAEMONS_BROKER_STATUS_H
#define TOBI_DAEMONS_BROKER_STATUS_H

#include "daemons/broker/config.h"

/* Prints it; 0 when the broker is ready, 1 when it is not, 2 with a fault. */
int status_print(const struct config *config, bool json, struct tobi_fault *fault);

#endif
