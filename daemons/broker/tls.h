/* TLS of the broker's listeners. Certificates of clients are asked for; any passes here,
 * as its key's hash goes to the handlers: a principal is known by its key. */
#ifndef TOBI_DAEMONS_BROKER_TLS_H
#define TOBI_DAEMONS_BROKER_TLS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "pki/key.h"

struct tls_setup {
	const char *certificate, *key; /* files: PEM; leaf first, and a key of it */
	bool tls12;
};

/* SSL_CTX_free() it. Errors: those of file_read(), TOBI_E_MALFORMED, _MISMATCH (the key
 * is another certificate's), _DENIED (a key that others may read), _CRYPTO. */
TOBI_MUST_USE enum tobi_err tls_open(const struct tls_setup *setup, SSL_CTX **ret_tls,
				     struct tobi_fault *fault);
/* When its certificate ends; seconds since 1970. */
int64_t tls_expiry(SSL_CTX *tls);
/* False when the client has shown none, or one whose key cannot be hashed. */
bool tls_client_key(SSL *ssl, uint8_t ret_key[static SHA384_SIZE]);

#endif
