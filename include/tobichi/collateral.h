/*
 * Collateral: what makers of hardware publish about it, as files and bundles.
 *
 * A verifier needs it beside the evidence: which certificates are revoked, which versions
 * of firmware are current. Nothing is fetched by this library, and no document is
 * believed here: tobi_verify() checks the vendor's signature and dates of each that it
 * uses.
 *
 * Ownership: a set is the caller's, to be given to tobi_collateral_free(), which accepts
 * NULL. It must outlive the calls of tobi_verify() that it is given to. Threads: a set
 * that nobody adds to may be used by many. Source: Intel PCS API v4; AMD 57230 (KDS);
 * docs/PROTOCOL.md section 13 (bundles).
 */
#ifndef TOBICHI_COLLATERAL_H
#define TOBICHI_COLLATERAL_H

#include "tobichi/bytes.h"
#include "tobichi/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tobi_collateral;

/* An empty set. NULL when there is no memory. */
TOBI_API struct tobi_collateral *tobi_collateral_new(void);
TOBI_API void tobi_collateral_free(struct tobi_collateral *set);

/*
 * Adds one file, at most 1 MiB, by what is in it: a document of Intel's (TCB info, QE
 * identity, CRL, certificates) or of AMD's (VCEK, VLEK, their issuers, CRL, certificates
 * of SEV), as it is served, as DER, PEM or hexadecimal digits; or a bundle (64 MiB).
 * The order of files does not matter: an issuer's chain that comes apart is joined with
 * the documents that it fits. The bytes are copied; name is for messages (a path, an
 * address) and may be NULL. Errors: TOBI_E_UNSUPPORTED (no collateral), _TRUNCATED
 * (empty), _MALFORMED, _TRAILING, _LIMIT, _MEMORY, _CRYPTO, those of a bundle; after one,
 * part of a file that has several documents may have been added.
 * Source: Intel PCS API v4; AMD 57230, 55766.
 */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_collateral_add(struct tobi_collateral *set,
							 struct tobi_bytes bytes,
							 const char *name,
							 struct tobi_fault *fault);
/*
 * Adds the documents of a bundle, whose signature must hold; whether its signer counts is
 * the policy's to say. After an error before the documents (TOBI_E_SIGNATURE, _MALFORMED,
 * _TRAILING, _TRUNCATED, _UNSUPPORTED, _LIMIT) nothing has been added; after TOBI_E_LIMIT
 * or _MEMORY of the set itself, some may have been.
 * Source: RFC 9052 (COSE); docs/PROTOCOL.md section 13.
 */
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_collateral_read_bundle(struct tobi_collateral *set, struct tobi_bytes bytes,
			    const char *name, struct tobi_fault *fault);

#ifdef __cplusplus
}
#endif

#endif
