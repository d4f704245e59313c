/*
 * The CA of an owner's enclaves (docs/PROTOCOL.md section 18.7): one for each owner, so
 * that nobody issues for another's names. Its key is made where it is first needed, is
 * sealed by the keyring, and is never shown; so all brokers of a database have it. It is
 * a root of its own, until the owner has it signed by another CA.
 */
#ifndef TOBI_BROKER_AUTHORITY_H
#define TOBI_BROKER_AUTHORITY_H

#include "broker/broker.h"
#include "broker/certificate_name.h"
#include "broker/csr.h"
#include "broker/profile.h"
#include "pki/chain.h"

enum {
	AUTHORITY_CHAIN_MAX = 4, /* certificates */
	AUTHORITY_YEARS = 10,
	AUTHORITY_BACK_SECONDS = 300, /* clocks of clients may be behind */
};

struct authority {
	EVP_PKEY *key;
	X509 *certificate;
	struct writer chain; /* PEM: its own first */
};
void authority_done(struct authority *authority);

/* Makes one where there is none. TOBI_E_SIGNATURE when the database's row is not a
 * broker's of these keys. authority_done() it. */
TOBI_MUST_USE enum tobi_err authority_get(struct broker *broker, const char *owner,
					  int64_t now, struct authority *ret_authority,
					  struct tobi_fault *fault);
/* A request (PEM) for another CA to sign. */
TOBI_MUST_USE enum tobi_err authority_request(const struct authority *authority,
					      const char *owner, struct writer *out,
					      struct tobi_fault *fault);
/* What that one gave (PEM, this CA's own first, then those above it, at most 4 together)
 * takes the place of what there is. Errors: TOBI_E_CERTIFICATE (of another key, no CA,
 * not valid now, not signed by the next one), _MALFORMED, _LIMIT. */
TOBI_MUST_USE enum tobi_err authority_import(struct broker *broker, const char *owner,
					     struct tobi_bytes pem, int64_t now,
					     struct tobi_fault *fault);
/* The next use makes a new key. TOBI_E_NOT_FOUND. */
TOBI_MUST_USE enum tobi_err authority_delete(struct broker *broker, const char *owner,
					     struct tobi_fault *fault);

enum { ISSUED_SERIAL_SIZE = 20 };
struct issued {
	struct writer der;
	char serial[2 * ISSUED_SERIAL_SIZE + 1]; /* hexadecimal */
	uint8_t sha256[SHA256_SIZE];
	int64_t not_after;
};
void issued_done(struct issued *issued);
/*
 * A certificate for what the request names, all of which the profile has, with the result
 * as an extension (id-pe-cmw), which the broker's token key signs. It ends with the CA's,
 * if that is sooner. Errors: TOBI_E_CERTIFICATE when the CA's has expired, or begins
 * later.
 */
TOBI_MUST_USE enum tobi_err
authority_issue(const struct broker *broker, const struct authority *authority,
		const struct csr *csr, const struct profile *profile,
		const struct tobi_result *result, int64_t now, struct issued *ret_issued,
		struct tobi_fault *fault);

#endif
