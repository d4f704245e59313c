/* The inside of a set, for the files of this room. */
#ifndef TOBI_COLLATERAL_SET_H
#define TOBI_COLLATERAL_SET_H

#include "collateral/collateral.h"

struct entry {
	struct collateral_item item;
	/* The name of the issuer (COLLATERAL_INTEL_ISSUER) that it is to be joined with,
	 * or NULL: it has its chain. */
	const char *joins;
	int64_t issued; /* of kinds of which one is found by its date; else 0 */
};

struct tobi_collateral {
	struct arena arena;
	struct entry **entries; /* in the arena; or borrowed */
	size_t count;
	size_t issuers; /* of them, each of which is tried for each document */
};

/* collateral_put(), with what to join. joins must outlive the set (a literal). */
TOBI_MUST_USE enum tobi_err set_put(struct tobi_collateral *set,
				    const struct collateral_item *item, const char *joins,
				    struct tobi_fault *fault);
/* Gives each entry that is to be joined, or that one only, the issuers that fit. */
TOBI_MUST_USE enum tobi_err set_join(struct tobi_collateral *set, struct entry *only,
				     struct tobi_fault *fault);
/* The hash, once all else is in place. */
bool set_hash(struct collateral_item *item);

#endif
