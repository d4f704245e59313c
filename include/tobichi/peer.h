/*
 * Who is at the other end: for a program inside an enclave whose image says that the
 * program judges its clients (`tobichi build --client-policy program`).
 *
 * The agent ends attested TLS and connects to the program's port on the loopback. Of each
 * such connection the program asks here what its client has proven in that very session,
 * and judges it.
 *
 * Ownership: a peer is the caller's, for tobi_peer_free(); what the other functions
 * return is the peer's, and of one that is NULL they return nothing (empty, false).
 * Arguments: ret_ pointers must not be NULL; a fault may be. Threads: every call stands
 * alone; tobi_peer_new() waits for the agent's answer. Source: docs/PROTOCOL.md sections
 * 4 and 11.
 */
#ifndef TOBICHI_PEER_H
#define TOBICHI_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "tobichi/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tobi_peer;

/*
 * Who is behind the connected TCP socket fd that the program has accepted. No answer
 * means that nothing is known of it: close it. Errors: TOBI_E_ARGUMENT (no connected
 * socket of the loopback), _NOT_FOUND (not inside an enclave; no connection of the
 * agent's, or one that has ended meanwhile), _UNSUPPORTED (the image does not leave the
 * clients to its program), _TIMEOUT, _PROTOCOL, _MEMORY, _SYSTEM.
 */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_peer_new(int fd, struct tobi_peer **ret_peer,
						   struct tobi_fault *fault);
/* Accepts NULL. */
TOBI_API void tobi_peer_free(struct tobi_peer *peer);

/* Its evidence, a CMW collection, and the claims-buffer that the evidence must be made
 * over; both empty when the client has proven nothing. Nothing in them was judged. */
TOBI_API struct tobi_bytes tobi_peer_collection(const struct tobi_peer *peer);
TOBI_API struct tobi_bytes tobi_peer_claims_buffer(const struct tobi_peer *peer);
/*
 * What a policy says of it, as tobi_verify(): TOBI_OK means that there is a result, not
 * that it accepts. *ret_result is the caller's, for tobi_result_free(). An identity "ca"
 * is never met: certificates stay at the agent. Errors: TOBI_E_NOT_FOUND (it has proven
 * nothing), and those of tobi_verify().
 */
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_peer_verify(const struct tobi_peer *peer, const struct tobi_policy *policy,
		 const struct tobi_collateral *collateral, int64_t time,
		 struct tobi_result **ret_result, struct tobi_fault *fault);
/* The client's address, as the host says; empty when it is not known. Never NULL. */
TOBI_API const char *tobi_peer_address(const struct tobi_peer *peer);
/* SHA-384 of the SubjectPublicKeyInfo of the client's TLS certificate, whose key it has
 * shown to hold; false, and ret_key is left alone, when it showed none. */
TOBI_API bool tobi_peer_key(const struct tobi_peer *peer, uint8_t ret_key[48]);

#ifdef __cplusplus
}
#endif

#endif
