/* Collateral from files: what --collateral names. */
#ifndef CLI_COLLATERAL_LOAD_H
#define CLI_COLLATERAL_LOAD_H

#include "tobichi/collateral.h"

enum { COLLATERAL_PATHS_MAX = 64 };

/*
 * A file of collateral, a bundle, or a folder: then every file in it, in the order of
 * their names, not those below or hidden. What is no collateral is an error as a file,
 * and left out with a warning in a folder; a bundle whose signature does not hold is an
 * error in both.
 */
TOBI_MUST_USE enum tobi_err collateral_load(struct tobi_collateral *set, const char *path,
					    struct tobi_fault *fault);
/* What `tobichi collateral fetch` has kept; folder NULL: in the user's own cache. Damaged
 * entries are left out with a warning. */
TOBI_MUST_USE enum tobi_err collateral_load_cache(struct tobi_collateral *set,
						  const char *folder,
						  struct tobi_fault *fault);

#endif
