/*
 * One side of a session after its TLS handshake: the exchange with its real exporter, and
 * the peer's appraisal. What is here knows TLS and policies, but does no I/O.
 */
#ifndef TOBI_ATLS_PEER_H
#define TOBI_ATLS_PEER_H

#include "appraise/appraise.h"
#include "atls/conn.h"
#include "atls/exchange.h"

struct atls_peer {
	const struct atls_endpoint *endpoint;
	SSL *ssl;			/* not owned after atls_peer_prepare() gave it */
	bool shown;			/* client: the server asked for a certificate */
	struct atls_exchange *exchange; /* NULL before the start and when it failed */
	struct tobi_result *result;	/* NULL without a policy */
	const char *accepted[LIMIT_ATLS_NAMES + 1];
	struct atls_appraiser appraiser;
	/* Of an endpoint that collects: what came, and the checks of its binding. */
	struct atls_collected {
		struct arena arena;
		struct checklist list;
		struct writer claims_buffer, collection;
	} * collected;
};

/* The peer must attest: to a policy, or to somebody who judges later. */
bool atls_peer_must_attest(const struct atls_endpoint *endpoint);

/*
 * The TLS session of a new connection, ready for its handshake; the caller frees it
 * before the peer, which must stay where it is. peer is zeroed before.
 */
TOBI_MUST_USE enum tobi_err atls_peer_prepare(struct atls_peer *peer,
					      const struct atls_endpoint *endpoint,
					      SSL **ret_ssl, struct tobi_fault *fault);
/*
 * After the handshake: checks the TLS rules and starts the exchange. A failure leaves the
 * result, which then refuses, in place. TOBI_E_PROTOCOL, _MEMORY, _CRYPTO.
 */
TOBI_MUST_USE enum tobi_err atls_peer_start(struct atls_peer *peer,
					    struct tobi_fault *fault);
void atls_peer_done(struct atls_peer *peer);
/* The other side's certificates as DER, leaf first: OPENSSL_free() each. */
size_t atls_peer_chain(SSL *ssl, unsigned char *ret_der[static LIMIT_COSE_CHAIN],
		       struct tobi_bytes ret_list[static LIMIT_COSE_CHAIN]);
/* The verdict again, after the exchange was closed: what has failed late counts too. */
void atls_peer_conclude(struct atls_peer *peer);

#endif
