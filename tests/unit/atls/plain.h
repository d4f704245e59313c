/* A TLS end of OpenSSL's own, without this project's rules: so that a test can break one.
 * At the other end of the socket pair is a real connection of the world's. */
#ifndef TESTS_UNIT_ATLS_PLAIN_H
#define TESTS_UNIT_ATLS_PLAIN_H

#include "tests/unit/atls/world.h"

#include "atls/message.h"

/* What a test may want in a leaf that cert_make() would not make. */
struct leaf_wish {
	const char *dns;	/* subjectAltName, or NULL */
	struct tobi_bytes rats; /* value of the extension 2.23.133.5.4.9, or empty */
	X509 *issuer;		/* NULL: self-signed */
	EVP_PKEY *issuer_key;
};
/* Valid at TEST_NOW. */
X509 *plain_leaf(EVP_PKEY *key, const struct leaf_wish *wish);
/* The leaf of an end of the world. */
X509 *plain_leaf_of(const struct end *end);

/* Callbacks of a loose end: every certificate, and the first ALPN that is offered. */
int plain_accept_any(X509_STORE_CTX *store, void *unused);
int plain_take_alpn(SSL *ssl, const unsigned char **ret_out, unsigned char *ret_size,
		    const unsigned char *offered, unsigned size, void *unused);

struct plain {
	SSL_CTX *tls;
	SSL *ssl;
	int fd;
	unsigned tickets, key_updates; /* handshake messages that were received or sent */
	bool hello_had_psk;	       /* server: the client offered one */
	char server_name[64];	       /* server: SNI; empty for none */
	struct writer heard;
};

/* TLS 1.3 and the protocol's ALPN; the leaf may be NULL. fd is the plain end's. */
void plain_init(struct plain *plain, enum tobi_role role, EVP_PKEY *key, X509 *leaf,
		int fd);
/* Turns the loop until the handshake is over on this side; false when it fails. */
bool plain_shake(struct plain *plain, struct world *world);
/* Sends all of it; false on a failure. */
bool plain_send(struct plain *plain, struct world *world, const struct writer *bytes);
/* Reads into heard until there is a frame of this type, which comes last; false when the
 * stream ends before. */
bool plain_hear(struct plain *plain, struct world *world, enum atls_type type,
		struct tobi_bytes *ret_item);
void plain_done(struct plain *plain);

/* What a loose server with this end's leaf gives such a client, to resume with and to
 * send early data. */
SSL_SESSION *plain_ticket(SSL_CTX *client, const struct end *like);

#endif
