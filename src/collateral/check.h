/*
 * Whether a document is what its vendor signed, and in date: before it is kept. Whoever
 * relies on evidence checks again, under a policy; this spares a verifier documents that
 * could never count.
 */
#ifndef TOBI_COLLATERAL_CHECK_H
#define TOBI_COLLATERAL_CHECK_H

#include "collateral/collateral.h"
#include "pki/pinned.h"

struct collateral_rules {
	struct key_pins intel, amd; /* the roots' keys */
	int64_t time, grace;
};

enum collateral_checked {
	COLLATERAL_CHECKED,
	/* There is no rule for the kind, or the issuer is not among what is known. */
	COLLATERAL_NOT_CHECKED,
};

/* known: where issuers are looked for, beside the item's own chain; may be NULL. Errors:
 * TOBI_E_CERTIFICATE, _SIGNATURE, _MALFORMED and those of reading it. */
TOBI_MUST_USE enum tobi_err collateral_check(const struct collateral_item *item,
					     const struct tobi_collateral *known,
					     const struct collateral_rules *rules,
					     enum collateral_checked *ret_checked,
					     struct tobi_fault *fault);

#endif
