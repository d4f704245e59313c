/* A connection begins: its client is known, or joins the others, and its stream is that
 * of the listener. */
#include "daemons/broker/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>

#include "atls/conn.h"
#include "base/address.h"
#include "base/secret.h"
#include "daemons/broker/attested.h"

static struct bufferevent *new_stream(const struct listener *listener, int fd,
				      const struct conn_known *known)
{
	struct server *server = listener->server;
	struct bufferevent *stream;
	SSL *ssl;

	if (known->session.conn)
		return atls_conn_stream(known->session.conn);
	if (!server->tls || listener->internal)
		return bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	ssl = SSL_new(server->tls);
	if (!ssl)
		return NULL;
	stream = bufferevent_openssl_socket_new(
	    server->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!stream)
		SSL_free(ssl);
	else
		/* A body has its length: an end without goodbye hides nothing. */
		bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
	return stream;
}

void conn_open(const struct listener *listener, int fd, const struct sockaddr *address)
{
	const struct conn_known nothing = {0};

	conn_open_known(listener, fd, address, &nothing);
}

/* Nobody has the connection: what came with it goes. */
static void drop(const struct listener *listener, int fd, struct client *client,
		 const struct conn_known *known)
{
	struct attesting_session session = known->session;

	if (client)
		clients_leave(listener->server->clients, client);
	if (session.conn)
		attesting_session_end(listener->server, &session);
	else
		evutil_closesocket(fd);
}

void conn_open_known(const struct listener *listener, int fd,
		     const struct sockaddr *address, const struct conn_known *known)
{
	struct server *server = listener->server;
	struct client *client = known->client;
	struct bufferevent *stream;
	struct conn *conn;
	const int yes = 1;

	if (!listener->internal && !client)
		client = clients_join(server->clients, address, server_now_ms());
	if (!listener->internal && !client) {
		server->count->client_full++;
		drop(listener, fd, NULL, known);
		return;
	}
	if (!known->session.conn)
		IGNORE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)));
	conn = calloc(1, sizeof(*conn));
	stream = conn ? new_stream(listener, fd, known) : NULL;
	if (!stream) {
		server->count->no_memory++;
		free(conn);
		drop(listener, fd, client, known);
		return;
	}
	server->count->accepted++;
	server->conn_count++;
	*conn = (struct conn){.server = server,
			      .listener = listener,
			      .stream = stream,
			      .client = client,
			      .attested = attested_ref(known->attested),
			      .session = known->session,
			      .opened_ms = server_now_ms(),
			      .has_client_key = known->has_client_key,
			      .next = server->conns,
			      .link = &server->conns};
	if (conn->next)
		conn->next->link = &conn->next;
	server->conns = conn;
	bytes_copy(conn->client_key, SHA384_SIZE, known->client_key, SHA384_SIZE);
	address_write(address, conn->remote);
	conn_start(conn);
}
