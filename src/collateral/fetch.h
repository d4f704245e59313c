/* Documents from the vendors' services, or from caches of them (PCCS). */
#ifndef TOBI_COLLATERAL_FETCH_H
#define TOBI_COLLATERAL_FETCH_H

#include "collateral/check.h"
#include "collateral/http.h"
#include "collateral/needs.h"

#define FETCH_PCS "https://api.trustedservices.intel.com"
#define FETCH_PCS_ROOT "https://certificates.trustedservices.intel.com"
#define FETCH_KDS "https://kdsintf.amd.com"
#define FETCH_RIM "https://rim.attestation.nvidia.com"
#define FETCH_OCSP "https://ocsp.ndis.nvidia.com"

struct fetch_settings {
	struct http_client *client;
	const char *pcs, *kds, *rim, *ocsp; /* NULL: the vendors' own */
	struct collateral_rules rules;
};

/*
 * Gets what is needed and adds it to the set, once it has proven to be that, signed by
 * its vendor and in date. Issuers are looked for in known, too. Errors: those of
 * http_get() and collateral_check(); TOBI_E_MISMATCH for a document of something else;
 * TOBI_E_MALFORMED for one that cannot be read, or an issuers' chain that is no PEM.
 */
TOBI_MUST_USE enum tobi_err
fetch_document(const struct fetch_settings *settings, const struct need *need,
	       const struct tobi_collateral *known, struct tobi_collateral *set,
	       enum collateral_checked *ret_checked, struct tobi_fault *fault);
/* The service's address that the settings name, or NULL. */
const char *fetch_named(const struct fetch_settings *settings, enum need_service service);
/* Whether the item is what the need asks for, with why not; NULL when it is. */
const char *need_unmet(const struct need *need, const struct collateral_item *item);

#endif
