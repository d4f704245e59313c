/*
 * The TLS rules of attested TLS section 5.1: a context that follows them, and the checks
 * after the handshake that they were followed.
 */
#ifndef TOBI_ATLS_TLS_H
#define TOBI_ATLS_TLS_H

#include "atls/binding.h"
#include "atls/conn.h"
#include "tee/check.h"

#define ATLS_ALPN "tobichi-atls/1"

/*
 * Call it once the handshake is complete. Records ATLS-VERSION, -ALPN, -NO-RESUMPTION and
 * -GROUP in list (which may be NULL). TOBI_E_PROTOCOL naming the first that failed.
 */
TOBI_MUST_USE enum tobi_err atls_tls_check(SSL *ssl, struct checklist *list,
					   struct tobi_fault *fault);
/* The rules that every channel keeps, this protocol's and ra-tls: TLS 1.3, no tickets, no
 * resumption, no early data. */
bool atls_tls_rules(SSL_CTX *tls);
/* Any leaf passes at the TLS level: it is judged afterwards, before any data. */
void atls_tls_accept_any_leaf(SSL_CTX *tls);
TOBI_MUST_USE enum tobi_err atls_tls_use_key(SSL_CTX *tls, EVP_PKEY *key,
					     struct tobi_bytes certificate,
					     struct tobi_fault *fault);
/* The exporter of a session, which must outlive it. */
struct atls_exporter atls_tls_exporter(SSL *ssl);
/* SHA-256 of the SubjectPublicKeyInfo, as the certificate has it. */
TOBI_MUST_USE enum tobi_err atls_tls_leaf_hash(X509 *leaf,
					       uint8_t ret_hash[static SHA256_SIZE],
					       struct tobi_fault *fault);

#endif
