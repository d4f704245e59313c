/*
 * Bundles: a set of collateral in one signed file (docs/PROTOCOL.md section 13).
 *
 * The signature says who chose the documents, not that they are true: each is signed by
 * its vendor, and checked like any other.
 */
#ifndef TOBI_COLLATERAL_BUNDLE_H
#define TOBI_COLLATERAL_BUNDLE_H

#include "collateral/collateral.h"

enum { BUNDLE_VERSION = 1, BUNDLE_SOURCE_MAX = 1024, BUNDLE_SPKI_MAX = 512 };

struct bundle_about {
	int64_t created;
	uint8_t signer[SHA384_SIZE]; /* SHA-384 of its SubjectPublicKeyInfo */
	size_t count;		     /* of documents */
};

/* Whether it starts as one. */
bool bundle_is(struct tobi_bytes bytes);
/* All documents of the set, signed by the key. Appended. */
TOBI_MUST_USE enum tobi_err bundle_write(const struct tobi_collateral *set, EVP_PKEY *key,
					 int64_t created, struct writer *out,
					 struct tobi_fault *fault);
/* Verifies the signature first, then reads all, then adds. set NULL: adds nothing.
 * Errors: those of tobi_collateral_read_bundle(). */
TOBI_MUST_USE enum tobi_err bundle_read(struct tobi_bytes bytes, const char *object,
					struct tobi_collateral *set,
					struct bundle_about *ret_about,
					struct tobi_fault *fault);

/* The list inside, also alone (the cache's entries): spki is then empty. */
struct collateral_list {
	int64_t created;
	struct tobi_bytes spki;
};
TOBI_MUST_USE enum tobi_err list_write(const struct tobi_collateral *set,
				       const struct collateral_list *about,
				       struct writer *out, struct tobi_fault *fault);
/* signer: of the bundle that it is in, or NULL. set may be NULL. */
TOBI_MUST_USE enum tobi_err list_read(struct tobi_bytes bytes, const char *object,
				      const uint8_t *signer, struct tobi_collateral *set,
				      struct collateral_list *ret_about,
				      size_t *ret_count, struct tobi_fault *fault);

#endif
