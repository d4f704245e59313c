/* Certificates that cert_make() would not make, for tests. */
#ifndef TESTS_PKI_ODD_H
#define TESTS_PKI_ODD_H

#include "pki/cert.h"
#include "tests/bytes.h"

enum { NOW = 1800000000, DAY = 24 * 3600 };

struct odd {
	const char *name;
	EVP_PKEY *key;
	const char *basic, *usage, *more; /* "critical,CA:TRUE"; NULL: left out */
	int more_nid;
	int64_t from, to;     /* 0: around NOW */
	const EVP_MD *digest; /* NULL: SHA-256, or none for Ed25519 */
};

/* DER, appended. issuer NULL: self-signed. */
void odd_make(const struct odd *odd, const struct writer *issuer, EVP_PKEY *issuer_key,
	      struct writer *out);
EVP_PKEY *odd_key(enum key_kind kind);

#endif
