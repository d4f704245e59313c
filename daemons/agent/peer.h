/*
 * The program judges its clients: what the agent tells it of who is behind a connection.
 */
#ifndef AGENT_PEER_H
#define AGENT_PEER_H

#include "image/manifest.h"
#include "proxy.h"
#include "seal/ask.h"

/* The edge's endpoint for an image whose program judges: who can attest must, and who
 * cannot is let in. Nothing for another image. */
void peer_collect(const struct manifest *manifest, struct atls_endpoint *endpoint);

/* Where PEER is answered from. */
struct peer_source {
	const struct proxy *const *proxy; /* NULL in it: nobody can connect yet */
	const struct atls_endpoint *endpoint;
	struct proxy_peer last; /* what an answer borrows */
};
/* struct desk_setup's peer; context: a peer_source. TOBI_E_UNSUPPORTED where the program
 * does not judge, _NOT_FOUND. */
TOBI_MUST_USE enum tobi_err peer_tell(void *context, const struct ask *ask,
				      struct peer_told *ret_told, int *ret_collection,
				      struct tobi_fault *fault);

#endif
