/*
 * One attested connection on a libevent loop: TLS, the exchange, then a plain stream.
 *
 * The owner gets exactly one of opened() (the gate of attested-tls section 5.5 is open,
 * and this side's acceptance was handed to the system) or closed(); after opened(),
 * closed() comes when the session ends. atls_conn_free() at any time ends it without
 * another callback.
 */
#ifndef TOBI_ATLS_CONN_H
#define TOBI_ATLS_CONN_H

#include <event2/bufferevent.h>
#include <openssl/ssl.h>

#include "appraise/policy.h"
#include "base/limits.h"
#include "token/claims_buffer.h"

/* Inner protocols (docs/PROTOCOL.md sections 5 and 18.2). */
#define ATLS_PROTOCOL_SECRETS "tobichi-secrets/1"
#define ATLS_PROTOCOL_BROKER "tobichi-broker/1"

/* What this side is and asks for; shared by connections, unchanged while one lives. */
struct atls_endpoint {
	enum tobi_role role;
	EVP_PKEY *key;		       /* leaf key; a client may have none */
	struct tobi_bytes certificate; /* DER, of that key */
	const struct tobi_policy
	    *policy; /* what the peer must prove; NULL: need not attest */
	const struct tobi_collateral *collateral; /* for its appraisal; or NULL */
	/* Without a policy: the peer must attest all the same, to somebody who judges
	 * later. That its evidence came with the claims of this very session is checked
	 * here; whether it was made over them is for who judges: atls_conn_evidence(). */
	bool collects;
	/* With collects: a peer that cannot attest is let in all the same, and there is
	 * no evidence of it. For who knows what to tell such a one. */
	bool lenient;
	bool attests;	      /* this side can attest: need_evidence() is served */
	bool ask_certificate; /* server: a client's certificate is asked for */
	const char *const
	    *protocols; /* inner protocols; NULL-terminated; NULL for none */
	/* server: the inner protocol whose clients need not meet the policy; or NULL */
	const char *exempt;
	const char *host_name; /* client, identity "ca"; or NULL */
	int64_t (*now)(void);  /* seconds since 1970 */
	/* 0: LIMIT_ATLS_EXCHANGE_MS; all of it, and TLS's part of it. */
	int64_t exchange_ms, handshake_ms;
	/* An open session ends then, or at the policy's max-age, if that is sooner. 0: no
	 * limit but the policy's. */
	int64_t max_age_ms;
	/* Server: who does not offer tobichi-atls/1 is given a certificate with evidence
	 * (atls/ratls.h); or NULL. Not where the client must attest. */
	struct ratls_server *compatible;
	SSL_CTX *tls; /* from atls_tls_new() */
};

struct atls_conn;

struct atls_events {
	/* Evidence over SHA-256(claims_buffer) is wanted. Answer, now or later, with
	 * atls_conn_give_evidence() or atls_conn_cannot_attest(). */
	void (*need_evidence)(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			      void *context);
	void (*opened)(struct atls_conn *conn, void *context);
	/* fault NULL: an orderly end. The connection is freed by its owner. */
	void (*closed)(struct atls_conn *conn, const struct tobi_fault *fault,
		       void *context);
};

/* The TLS context of an endpoint, with every rule of section 5.1; SSL_CTX_free() it. */
TOBI_MUST_USE enum tobi_err atls_tls_new(const struct atls_endpoint *endpoint,
					 SSL_CTX **ret_tls, struct tobi_fault *fault);

/* Takes the connected, non-blocking socket fd (closed on failure too). */
TOBI_MUST_USE enum tobi_err atls_conn_new(struct event_base *base,
					  const struct atls_endpoint *endpoint, int fd,
					  const struct atls_events *events, void *context,
					  struct atls_conn **ret_conn,
					  struct tobi_fault *fault);
/* Freeing alone does not say goodbye: to the peer the stream was cut, as it should be
 * when something failed. atls_conn_finish() first, once the stream's output is empty,
 * ends it in order (TLS close_notify). */
void atls_conn_finish(struct atls_conn *conn);
void atls_conn_free(struct atls_conn *conn);

void atls_conn_give_evidence(struct atls_conn *conn, struct tobi_bytes collection);
void atls_conn_cannot_attest(struct atls_conn *conn, const struct tobi_fault *why);

/* After opened(): the plain stream, owned by the connection. Set your own callbacks. The
 * owner reports an end of the stream that it sees with atls_conn_free(). */
struct bufferevent *atls_conn_stream(struct atls_conn *conn);
/* Moves what has come on the stream behind out, and wipes where it lay: it may be secret.
 */
void atls_conn_take(struct atls_conn *conn, struct writer *out);
/* The inner protocol agreed on; empty for none. */
const char *atls_conn_protocol(const struct atls_conn *conn);
/* SHA-384 of the peer's SubjectPublicKeyInfo; false when it showed no certificate. */
bool atls_conn_peer(const struct atls_conn *conn, uint8_t ret_hash[static 48]);
/* The appraisal of the peer, or NULL; owned by the connection. Complete after opened() or
 * closed(): also after a refusal. */
const struct tobi_result *atls_conn_result(const struct atls_conn *conn);
/* What a peer gave to an endpoint that collects: the claims-buffer that this side expects
 * its evidence to be made over, and the CMW collection; owned by the connection. False
 * before opened(), and for other endpoints. */
bool atls_conn_evidence(const struct atls_conn *conn,
			struct tobi_bytes *ret_claims_buffer,
			struct tobi_bytes *ret_collection);

#endif
