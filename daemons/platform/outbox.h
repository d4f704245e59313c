/* Packets that a peer has no room for yet. What lies here may be a key: it is wiped. */
#ifndef PLATFORM_OUTBOX_H
#define PLATFORM_OUTBOX_H

#include <stdbool.h>

#include "base/writer.h"

enum {
	OUTBOX_MAX = 4 << 20, /* bytes, with 128 more for each packet */
	OUTBOX_FDS_MAX = 64,  /* they are this process's: all others' too */
};

struct outbox {
	struct outbox_entry *first, *last;
	size_t size, fds;
};

/* All zero is an empty one. */
bool outbox_is_empty(const struct outbox *outbox);
/* Sends it, with fd (borrowed) unless that is -1, behind what waits already; or keeps it
 * while the peer has no room: TOBI_E_TIMEOUT then. TOBI_E_LIMIT when too much waits; else
 * as packet_send(). */
TOBI_MUST_USE enum tobi_err outbox_send(struct outbox *outbox, int socket,
					struct tobi_bytes packet, int fd,
					struct tobi_fault *fault);
/* Sends what waits: TOBI_E_TIMEOUT when some is left. */
TOBI_MUST_USE enum tobi_err outbox_flush(struct outbox *outbox, int fd,
					 struct tobi_fault *fault);
void outbox_done(struct outbox *outbox);

#endif
