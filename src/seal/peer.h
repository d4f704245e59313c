/* The steps of tobi_peer_new(), for who must not wait: the question of a connection, and
 * the answer to it. */
#ifndef TOBI_SEAL_PEER_H
#define TOBI_SEAL_PEER_H

#include "ipc/packet.h"
#include "seal/ask.h"
#include "tobichi/peer.h"

/* PEER for the connected socket fd; TOBI_E_ARGUMENT when it is none of the loopback.
 * After the answer it is made once more: the same means that the connection is still
 * there, and so that the answer was about this one and not about a later one that got its
 * ports. */
TOBI_MUST_USE enum tobi_err peer_question(int fd, struct ask *ret_ask,
					  struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err peer_is_still(int fd, const struct ask *ask,
					  struct tobi_fault *fault);
/* From the agent's packet. A FAULT in it is this function's error. */
TOBI_MUST_USE enum tobi_err peer_take(const struct packet *packet,
				      struct tobi_peer **ret_peer,
				      struct tobi_fault *fault);

#endif
