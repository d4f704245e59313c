/* Extensions of certificates that OpenSSL has no name for, by the bytes of their OIDs. */
#ifndef TOBI_PKI_EXTENSION_H
#define TOBI_PKI_EXTENSION_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

/* The content of the OBJECT IDENTIFIER: one in the field (Gramine's) is no valid OID, and
 * still a name. */
struct extension_name {
	const char *text; /* for messages */
	struct tobi_bytes body;
};

struct extension {
	struct tobi_bytes value; /* of the OCTET STRING; borrowed from the certificate */
	bool critical;
};

/* How many of this name there are; ret is the first, left alone when there is none. */
size_t extension_find(const X509 *certificate, const struct extension_name *name,
		      struct extension *ret_extension);
/* At the end. TOBI_E_CRYPTO. */
TOBI_MUST_USE enum tobi_err extension_add(X509 *certificate,
					  const struct extension_name *name,
					  const struct extension *extension,
					  struct tobi_fault *fault);

#endif
