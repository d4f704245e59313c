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

#ifdef __cplusplus
}
#endif

#endif
