/*
 * Connections by attested TLS, until their session is open: then they are as others are,
 * and what the client has given as evidence is theirs (docs/PROTOCOL.md section 18.2).
 * Evidence is memory that is given before anything is known of a client: it is taken out
 * of what there is for bodies.
 */
#ifndef TOBI_DAEMONS_BROKER_ATTESTING_H
#define TOBI_DAEMONS_BROKER_ATTESTING_H

#include "tobichi/error.h"

struct atls_conn;
struct config;
struct listener;
struct server;
struct sockaddr;

/* Who this side is in attested TLS: its key and certificates. Counted by those whose
 * session is of it; all of them in the loop's thread. */
struct attesting_self;
/* One reference. Errors: those of tls_open(); TOBI_E_UNSUPPORTED (a kind of key). */
TOBI_MUST_USE enum tobi_err attesting_self_load(const struct config *config,
						struct attesting_self **ret_self,
						struct tobi_fault *fault);
/* Tells the log by which key clients know this broker. */
void attesting_self_tell(const struct attesting_self *self);
/* Both accept NULL. */
void attesting_self_unref(struct attesting_self *self);

/* A session that is open, as a connection has it. */
struct attesting_session {
	struct atls_conn *conn; /* NULL: there is none */
	struct attesting_self *self;
	uint64_t memory; /* that was taken for its evidence */
};
/* Frees the stream, too. */
void attesting_session_end(struct server *server, struct attesting_session *session);

/* Takes the accepted descriptor. It counts as a connection from now on; conn_open_known()
 * once the session is open. */
void attesting_start(const struct listener *listener, int fd,
		     const struct sockaddr *address);
/* All that wait are closed. */
void attesting_done(struct server *server);

#endif
