/*
 * What a certificate is asked for with: a PKCS#10 request (RFC 2986), of which nothing
 * goes into the certificate but the key and the names, and those only when the owner's
 * profile has them.
 */
#ifndef TOBI_BROKER_CSR_H
#define TOBI_BROKER_CSR_H

#include "broker/certificate_name.h"
#include "pki/key.h"

enum { CSR_NAMES_MAX = 16, CSR_MAX = 16 << 10, CSR_RSA_BITS = 3072 };

struct csr {
	EVP_PKEY *key;
	uint8_t spki[SHA256_SIZE]; /* of the key */
	struct certificate_name names[CSR_NAMES_MAX];
	size_t name_count; /* at least 1 */
};

/*
 * DER, or one PEM block and nothing else. The signature is that of its key: who asks has
 * it. csr_done() it. Errors: TOBI_E_MALFORMED, _LIMIT; TOBI_E_SIGNATURE;
 * TOBI_E_UNSUPPORTED (a key that is none of P-256, P-384, Ed25519 and RSA of 3072 bits
 * and more; a signature over MD5 or SHA-1; an extension that is asked for and never
 * given: a CA, other usages than TLS's; names of other kinds, none at all, or a common
 * name that is not among the subject alternative names).
 */
TOBI_MUST_USE enum tobi_err csr_read(struct tobi_bytes bytes, struct csr *ret_csr,
				     struct tobi_fault *fault);
void csr_done(struct csr *csr);

#endif
