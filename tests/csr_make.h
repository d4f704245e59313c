/* Certificate requests for tests, good and bad ones, made with OpenSSL. */
#ifndef TESTS_CSR_MAKE_H
#define TESTS_CSR_MAKE_H

#include <openssl/x509.h>

#include "base/writer.h"

enum { CSR_MAKE_EXTENSIONS = 6 };

struct csr_make {
	EVP_PKEY *key;
	EVP_PKEY *signs;	  /* NULL: key */
	const char *common_name;  /* or NULL */
	const char *another_name; /* a second common name */
	const char *names;	  /* "DNS:a.example,IP:192.0.2.1"; or NULL */
	const EVP_MD *digest;	  /* NULL: SHA-256, or what the key has */
	bool twice;		  /* the extensions, in two attributes */
	bool pem;
	/* Others, as OpenSSL's configuration has them: {NID, text}. */
	struct {
		int nid;
		const char *value;
	} more[CSR_MAKE_EXTENSIONS];
};

/* Appends. */
void csr_make(const struct csr_make *make, struct writer *out);
/* "EC:P-256", "RSA:3072", "ED25519", ...: a new one. */
EVP_PKEY *csr_make_key(const char *kind);
/* A certificate with these basic constraints, and such as cert_make() makes none; issuer
 * NULL: of its own. X509_free() it. */
X509 *csr_make_ca(EVP_PKEY *subject, const char *name, X509 *issuer, EVP_PKEY *signs,
		  const char *basic, int64_t from, int64_t until);

#endif
