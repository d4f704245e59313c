/*
 * One connection: bytes in, whole requests out to the pool, replies back. A deadline runs
 * in every state, and every refusal closes what cannot be used on.
 */
#ifndef TOBI_DAEMONS_BROKER_CONN_H
#define TOBI_DAEMONS_BROKER_CONN_H

#include "daemons/broker/attesting.h"
#include "daemons/broker/server.h"

struct conn {
	struct conn *next, **link;
	struct server *server;
	const struct listener *listener;
	struct bufferevent *stream;
	struct client *client; /* NULL on an internal listener */
	struct job *job;       /* that is being read, or that the pool has */
	int64_t deadline_ms;
	size_t searched; /* of the head that comes in */
	uint64_t requests;
	unsigned allowed; /* methods, of a path that has others */
	enum conn_state {
		CONN_HANDSHAKE,
		CONN_IDLE, /* no byte of a request */
		CONN_HEAD,
		CONN_BODY,
		CONN_WORK, /* the pool has the job */
		CONN_REPLY,
		CONN_LINGER, /* all is said: until the client closes, too */
	} state;
	bool close_after; /* the reply */
	bool ended;	  /* the client sends no more */
	bool has_client_key;
	uint8_t client_key[SHA384_SIZE];
	struct attested *attested;	  /* what the client has proven; NULL: nothing */
	struct attesting_session session; /* whose stream it is, in attested TLS */
	int64_t opened_ms;
	unsigned denials; /* replies of 403 */
	char remote[INET6_ADDRSTRLEN];
};

/* What is known of a client before its first byte. */
struct conn_known {
	struct attested *attested; /* or NULL; the connection takes a reference */
	bool has_client_key;
	uint8_t client_key[SHA384_SIZE];
	struct client *client;		  /* joined already, and taken over; or NULL */
	struct attesting_session session; /* open, and taken over; fd is not used then */
};

/* conn_open.c: takes the descriptor, or closes it. */
void conn_open(const struct listener *listener, int fd, const struct sockaddr *address);
void conn_open_known(const struct listener *listener, int fd,
		     const struct sockaddr *address, const struct conn_known *known);
/* Its first byte is waited for. */
void conn_start(struct conn *conn);
void conn_free(struct conn *conn);
/* Its bytes are secret on their way, by TLS of this program's. */
bool conn_has_tls(const struct conn *conn);
/* The deadline has passed. */
void conn_expired(struct conn *conn);
/* A job is done: in the loop's thread. */
void conn_answer(struct conn *conn, struct job *job);

/* reply.c: writes it; conn->close_after is known. Takes the body. */
void conn_write_reply(struct conn *conn, struct broker_reply *reply);

#endif
