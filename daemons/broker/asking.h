/*
 * A broker inside an enclave: attested TLS ends at the agent, and plain bytes come from
 * the loopback. Of each connection the agent is asked who is behind it, before a byte is
 * read; without an answer it is closed.
 *
 * The loop asks, without waiting: an answer takes the agent microseconds, but a handshake
 * of its own may come first, and a worker that waits would be one less for requests.
 */
#ifndef TOBI_DAEMONS_BROKER_ASKING_H
#define TOBI_DAEMONS_BROKER_ASKING_H

#include "daemons/broker/server.h"

/* Takes the accepted descriptor. It counts as a connection from now on; conn_open_known()
 * once the agent has answered. */
void asking_start(const struct listener *listener, int fd);
/* Those that wait longer than they may. */
void asking_tick(struct server *server, int64_t now_ms);
/* All that wait are closed. */
void asking_done(struct server *server);

#endif
