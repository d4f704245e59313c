/* What systemd is told (sd_notify(3)): a datagram to the socket that it names. Without
 * NOTIFY_SOCKET nothing is done. */
#ifndef TOBI_DAEMONS_BROKER_NOTIFY_H
#define TOBI_DAEMONS_BROKER_NOTIFY_H

#include "tobichi/error.h"

/* state: "READY=1", "STOPPING=1", ... False when the socket could not be written to. */
bool notify_send(const char *socket_name, const char *state);

#endif
