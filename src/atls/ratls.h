/*
 * Connections with certificate-borne evidence (RA-TLS; docs/PROTOCOL.md section 4.4): for
 * peers that speak nothing better. The policy alone chooses: a client whose policy names
 * the channel ra-tls speaks only that, and any other never does.
 */
#ifndef TOBI_ATLS_RATLS_H
#define TOBI_ATLS_RATLS_H

#include "atls/peer.h"

/* The endpoint's policy names the channel ra-tls. */
bool ratls_is_asked(const struct atls_endpoint *endpoint);
/* A client's TLS context. TOBI_E_ARGUMENT for what this channel cannot do: a server that
 * verifies, a side that attests, inner protocols. */
TOBI_MUST_USE enum tobi_err ratls_tls_new(const struct atls_endpoint *endpoint,
					  SSL_CTX **ret_tls, struct tobi_fault *fault);

/* After the handshake: this connection has no exchange. */
bool ratls_is_spoken(const struct atls_endpoint *endpoint, SSL *ssl);
/* In place of atls_peer_start(). A client appraises the certificate now: TOBI_E_REFUSED
 * when the policy does; a server has nothing to ask. */
TOBI_MUST_USE enum tobi_err ratls_peer_start(struct atls_peer *peer,
					     struct tobi_fault *fault);

/* What a server shows to peers that do not offer tobichi-atls/1. */
struct ratls_server;
/* Without a certificate yet: until then no handshake of the kind succeeds. */
TOBI_MUST_USE enum tobi_err ratls_server_new(EVP_PKEY *key,
					     struct ratls_server **ret_server,
					     struct tobi_fault *fault);
void ratls_server_free(struct ratls_server *server);
/* From now on (DER). */
TOBI_MUST_USE enum tobi_err ratls_server_use(struct ratls_server *server,
					     struct tobi_bytes certificate,
					     struct tobi_fault *fault);
/* While the hello is looked at: true when this connection is served so. server may be
 * NULL. */
bool ratls_server_take(struct ratls_server *server, SSL *ssl);

#endif
