#include "daemons/broker/attesting.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "atls/conn.h"
#include "base/address.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "daemons/broker/attested.h"
#include "daemons/broker/conn.h"
#include "daemons/broker/tls.h"

static const char object[] = "attested TLS";

/* Evidence and claims: as they come, as the session has them, and a copy for requests;
 * never all three in full, as what has come is freed before the copy is made. */
enum { MEMORY_MOST = CONFIG_EVIDENCE_MEMORY, CLIENT_MOST = 8 /* of one address */ };

struct attesting_self {
	unsigned references;
	struct atls_endpoint endpoint;
	struct writer certificate;
};

struct attesting {
	struct attesting *next, **link;
	const struct listener *listener;
	struct client *client;
	bool handed_over; /* to a connection */
	struct attesting_session session;
	struct sockaddr_storage address;
};

/* ---- this side ---- */

void attesting_self_unref(struct attesting_self *self)
{
	if (!self || --self->references)
		return;
	SSL_CTX_free(self->endpoint.tls);
	EVP_PKEY_free(self->endpoint.key);
	wr_done(&self->certificate);
	free(self);
}

static int64_t now(void)
{
	return time(NULL);
}

/* Those of the protocol (section 5.1): P-256, P-384, Ed25519. Another could be loaded,
 * and then no handshake would succeed. */
static enum tobi_err check_key(EVP_PKEY *key, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer spki = wr_init(LIMIT_PEM);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *known = NULL;

	if (!key_spki(key, &spki, NULL) &&
	    !key_read_spki(wr_view(&spki), object, &known, NULL))
		return TOBI_OK;
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "key",
			 "it is neither P-256 nor P-384 nor Ed25519");
}

/* The leaf is the endpoint's; what is behind it goes along for who asks for a name. */
static enum tobi_err take_identity(struct attesting_self *self, SSL_CTX *from,
				   struct tobi_fault *fault)
{
	X509 *leaf = SSL_CTX_get0_certificate(from);
	EVP_PKEY *key = SSL_CTX_get0_privatekey(from);
	STACK_OF(X509) *chain = NULL;
	unsigned char *der = NULL;
	int size = leaf ? i2d_X509(leaf, &der) : 0;
	enum tobi_err err;

	if (size <= 0 || !key || EVP_PKEY_up_ref(key) != 1) {
		OPENSSL_free(der);
		return fault_openssl(fault, object, "certificate", "it cannot be used");
	}
	self->endpoint.key = key;
	wr_bytes(&self->certificate, der, (size_t)size);
	OPENSSL_free(der);
	self->endpoint.certificate = wr_view(&self->certificate);
	err = wr_err(&self->certificate);
	if (!err)
		err = check_key(key, fault);
	if (!err)
		err = atls_tls_new(&self->endpoint, &self->endpoint.tls, fault);
	if (err)
		return err;
	SSL_CTX_get0_chain_certs(from, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (SSL_CTX_add1_chain_cert(self->endpoint.tls,
					    sk_X509_value(chain, i)) != 1)
			return fault_openssl(fault, object, "certificate", "no chain");
	}
	return TOBI_OK;
}

enum tobi_err attesting_self_load(const struct config *config,
				  struct attesting_self **ret_self,
				  struct tobi_fault *fault)
{
	static const char *const protocols[] = {ATLS_PROTOCOL_BROKER, NULL};
	const struct tls_setup files = {config->attested_certificate,
					config->attested_key, false};
	struct attesting_self *self = calloc(1, sizeof(*self));
	SSL_CTX *identity = NULL;
	enum tobi_err err;

	if (!self)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	*self = (struct attesting_self){
	    .references = 1,
	    .certificate = wr_init(LIMIT_PEM),
	    .endpoint = {.role = TOBI_ROLE_SERVER,
			 .collects = true,
			 .protocols = protocols,
			 .handshake_ms = (int64_t)config->limits.head_seconds * 1000,
			 .now = now}};
	err = tls_open(&files, &identity, fault);
	if (!err)
		err = take_identity(self, identity, fault);
	SSL_CTX_free(identity);
	if (err)
		attesting_self_unref(self);
	else
		*ret_self = self;
	return err;
}

void attesting_self_tell(const struct attesting_self *self)
{
	uint8_t hash[SHA384_SIZE];
	char hex[2 * SHA384_SIZE + 1];

	if (!self || key_spki_sha384(self->endpoint.key, hash, NULL))
		return;
	hex_write((struct tobi_bytes){hash, sizeof(hash)}, hex, sizeof(hex));
	log_event("info", "attested", "key", hex);
}

/* ---- sessions ---- */

void attesting_session_end(struct server *server, struct attesting_session *session)
{
	atls_conn_free(session->conn);
	attesting_self_unref(session->self);
	server->body_memory -= session->memory;
	*session = (struct attesting_session){0};
}

static void attesting_free(struct attesting *attesting)
{
	struct server *server = attesting->listener->server;

	*attesting->link = attesting->next;
	if (attesting->next)
		attesting->next->link = attesting->link;
	server->conn_count--;
	attesting->client->attesting--;
	if (!attesting->handed_over)
		clients_leave(server->clients, attesting->client);
	attesting_session_end(server, &attesting->session);
	free(attesting);
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	struct attesting *attesting = context;
	struct server *server = attesting->listener->server;

	(void)conn;
	server->count->bad_sessions++;
	if (fault && server->config->log != LOG_NONE &&
	    log_may(&server->pace, server_now_ms() / 1000))
		log_fault("session-refused", fault);
	attesting_free(attesting);
}

/* What was put by for the most that it could be is now what it is. */
static void settle(struct server *server, struct attesting_session *session, size_t size)
{
	server->body_memory -= session->memory;
	session->memory = 2 * size;
	server->body_memory += session->memory;
}

static void on_opened(struct atls_conn *atls, void *context)
{
	struct attesting *attesting = context;
	const struct listener *listener = attesting->listener;
	struct server *server = listener->server;
	struct conn_known known = {.client = attesting->client};
	struct sockaddr_storage address = attesting->address;
	struct tobi_bytes claims = {0}, collection = {0};
	char remote[INET6_ADDRSTRLEN];

	address_write((struct sockaddr *)&address, remote);
	known.has_client_key = atls_conn_peer(atls, known.client_key);
	if (atls_conn_evidence(atls, &claims, &collection) &&
	    strcmp(atls_conn_protocol(atls), ATLS_PROTOCOL_BROKER) == 0)
		known.attested = attested_new(claims, collection, remote);
	if (!known.attested) {
		on_closed(atls, NULL, attesting);
		return;
	}
	settle(server, &attesting->session, claims.size + collection.size);
	server->count->sessions++;
	known.session = attesting->session;
	attesting->session = (struct attesting_session){0};
	attesting->handed_over = true;
	attesting_free(attesting);
	conn_open_known(listener, -1, (struct sockaddr *)&address, &known);
	attested_unref(known.attested);
}

/* This side has nothing to attest. */
static void on_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			     void *context)
{
	struct tobi_fault fault = {0};

	(void)claims_buffer, (void)context;
	fault_set(&fault, TOBI_E_UNSUPPORTED, object, "",
		  "the broker runs in no enclave");
	atls_conn_cannot_attest(conn, &fault);
}

static void begin(struct attesting *attesting, int fd)
{
	static const struct atls_events events = {on_need_evidence, on_opened, on_closed};
	struct server *server = attesting->listener->server;
	struct attesting_session *session = &attesting->session;
	struct tobi_fault fault = {0};

	session->self = server->self;
	session->self->references++;
	session->memory = MEMORY_MOST;
	server->body_memory += MEMORY_MOST;
	if (atls_conn_new(server->base, &session->self->endpoint, fd, &events, attesting,
			  &session->conn, &fault)) {
		server->count->no_memory++;
		attesting_free(attesting);
	}
}

/* Who has proven nothing yet takes half of it at most, or is alone. */
static bool has_room(const struct server *server)
{
	uint64_t all = server->config->limits.body_memory, waiting = 0;

	for (const struct attesting *one = server->attesting; one; one = one->next)
		waiting += MEMORY_MOST;
	return all - server->body_memory >= MEMORY_MOST &&
	       (!waiting || waiting + MEMORY_MOST <= all / 2);
}

void attesting_start(const struct listener *listener, int fd,
		     const struct sockaddr *address)
{
	struct server *server = listener->server;
	struct client *client = clients_join(server->clients, address, server_now_ms());
	struct attesting *attesting = NULL;
	bool room = has_room(server) && (!client || client->attesting < CLIENT_MOST);

	if (client && room && !server->stopping)
		attesting = calloc(1, sizeof(*attesting));
	if (!attesting) {
		server->count->client_full += !client;
		server->count->no_memory += client != NULL;
		if (client)
			clients_leave(server->clients, client);
		evutil_closesocket(fd);
		return;
	}
	*attesting = (struct attesting){.listener = listener,
					.client = client,
					.next = server->attesting,
					.link = &server->attesting};
	if (attesting->next)
		attesting->next->link = &attesting->next;
	server->attesting = attesting;
	server->conn_count++;
	client->attesting++;
	bytes_copy(&attesting->address, sizeof(attesting->address), address,
		   address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						  : sizeof(struct sockaddr_in));
	begin(attesting, fd);
}

void attesting_done(struct server *server)
{
	while (server->attesting)
		attesting_free(server->attesting);
}
