/*
 * Attested TLS, tobichi-atls/1, inside a program: a channel that opens only when the peer
 * has proven what it is, in this very session. Client and server, blocking.
 *
 * The caller connects or accepts a TCP socket and hands it over; no address is looked up
 * here. No byte of data is sent or delivered before both sides have accepted.
 *
 * Arguments: TOBI_E_ARGUMENT for an endpoint, session or options that are NULL. ret_
 * pointers must not be; a fault may always be.
 *
 * Ownership: what a _new, _connect or _accept returns is the caller's, to be given to the
 * matching _free or _close, which accept NULL. Threads: an endpoint may serve sessions in
 * several threads at once; one session belongs to one thread. Signals: a peer that has
 * gone raises SIGPIPE on write; ignore that signal (signal(SIGPIPE, SIG_IGN)). Source:
 * docs/PROTOCOL.md section 4; RFC 8446; RFC 9334 (names).
 */
#ifndef TOBICHI_ATLS_H
#define TOBICHI_ATLS_H

#include <stdbool.h>

#include "tobichi/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tobi_atls;	  /* an endpoint: what this side is, and asks for */
struct tobi_atls_session; /* one connection; used up by tobi_atls_close() */

/*
 * Gives evidence whose nonce is SHA-256(claims_buffer): a CMW collection, at most 1 MiB
 * less 1 KiB (the message around it has at most 1 MiB), that stays valid until the next
 * call or the end of the session. Not TOBI_OK: this side
 * cannot attest, and the session ends. Called in the thread of _connect or _accept.
 */
typedef enum tobi_err tobi_atls_evidence(void *context, struct tobi_bytes claims_buffer,
					 struct tobi_bytes *ret_collection,
					 struct tobi_fault *fault);

/* Zeroed fields are the defaults. Everything is borrowed for the endpoint's life. */
struct tobi_atls_options {
	/* The time in seconds since 1970: for certificates, evidence. Required. */
	int64_t (*now)(void);
	/* A private key of the caller's (PEM; P-256, P-384 or Ed25519), by which the peer
	 * knows this client; not for a side that attests, whose key is made inside. */
	struct tobi_bytes key_pem;
	const char *host_name; /* client: for SNI and identity "ca" */
	/* Inner protocols, NULL-terminated, at most 16 of 64 bytes each; or NULL. A
	 * client's are offers, a server's are what it speaks. */
	const char *const *protocols;
	tobi_atls_evidence *evidence; /* this side attests by this; or NULL */
	void *context;		      /* of evidence */
	/* What the vendors of the peer's hardware publish (tobichi/collateral.h), for
	 * policies that ask for hardware; NULL: what the evidence itself brings. */
	const struct tobi_collateral *collateral;
};

/*
 * An endpoint that connects. policy: what the server must prove; it outlives the
 * endpoint. One that names the channel ra-tls makes it plain TLS 1.3, with the evidence
 * in the server's certificate: then without inner protocols or evidence of its own. NULL
 * only with options->evidence (the client attests, the server verifies). *ret_client is
 * left alone on failure. Without a policy the server
 * is anybody, until tobi_atls_peer_key() was compared. Errors: TOBI_E_ARGUMENT (no clock;
 * neither policy nor evidence; a key and evidence), _MALFORMED, _UNSUPPORTED (key),
 * _CRYPTO, _MEMORY.
 */
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_atls_client_new(const struct tobi_policy *policy,
		     const struct tobi_atls_options *options,
		     struct tobi_atls **ret_client, struct tobi_fault *fault);
/*
 * An endpoint that accepts; its key (P-256) is made here and never leaves the process,
 * unless options->key_pem gives one. policy: what each client must prove; NULL only with
 * options->evidence. Errors: as above.
 */
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_atls_server_new(const struct tobi_policy *policy,
		     const struct tobi_atls_options *options,
		     struct tobi_atls **ret_server, struct tobi_fault *fault);
/* After its last session was closed. */
TOBI_API void tobi_atls_free(struct tobi_atls *endpoint);

/*
 * Runs the handshake and the exchange on a connected socket, which is the session's from
 * now on (closed on failure too; it becomes non-blocking). At most 30 s. When it returns
 * TOBI_OK, this side's acceptance was handed to the system. A session comes back after a
 * refusal as well, closed, so that its result can be read: give it to tobi_atls_close()
 * then, too. It is NULL only when there was no memory (TOBI_E_MEMORY) or no socket or
 * endpoint (TOBI_E_ARGUMENT). Errors: TOBI_E_REFUSED (the peer's evidence), TOBI_E_DENIED
 * (the peer refused this side), _PROTOCOL, _TIMEOUT, _MALFORMED, _LIMIT, _SYSTEM,
 * _CRYPTO.
 */
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_atls_open(const struct tobi_atls *endpoint, int fd,
	       struct tobi_atls_session **ret_session, struct tobi_fault *fault);

/*
 * Waits for data: up to size bytes; *ret_size 0 at the peer's orderly end. An end without
 * TLS's own close is TOBI_E_PROTOCOL, after the data that came before it; past the
 * policy's max-age, TOBI_E_TIMEOUT; size 0, TOBI_E_ARGUMENT.
 */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_atls_read(struct tobi_atls_session *session,
						    void *ret_data, size_t size,
						    size_t *ret_size,
						    struct tobi_fault *fault);
/* All of the bytes, handed to the system when it returns; it waits for a peer that does
 * not take them. Errors as for reading, and TOBI_E_MEMORY. */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_atls_write(struct tobi_atls_session *session,
						     struct tobi_bytes data,
						     struct tobi_fault *fault);
/* Ends the session with TLS's close and frees it. */
TOBI_API void tobi_atls_close(struct tobi_atls_session *session);

/* The checklist of the peer, owned by the session; NULL when no policy was given, the
 * connection ended before it began, or there is no session. */
TOBI_API const struct tobi_result *
tobi_atls_result(const struct tobi_atls_session *session);
/*
 * SHA-384 of the DER of the peer's SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), as
 * of the certificate that it showed; false when it showed none, or there is no session:
 * then ret_hash is left alone. A client without a policy takes any server: it must
 * compare this with the key that it expects before it says or believes anything. Its own
 * evidence went to the server before, which it should not mind.
 */
TOBI_API bool tobi_atls_peer_key(const struct tobi_atls_session *session,
				 uint8_t ret_hash[48]);
/* The inner protocol agreed on; empty for none. Never NULL; owned by the session. */
TOBI_API const char *tobi_atls_protocol(const struct tobi_atls_session *session);

#ifdef __cplusplus
}
#endif

#endif
