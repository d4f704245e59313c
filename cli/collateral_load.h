/* Collateral from files: what --collateral names. */
#ifndef CLI_COLLATERAL_LOAD_H
#define CLI_COLLATERAL_LOAD_H

#include "base/cleanup.h"
#include "tobichi/collateral.h"

enum { COLLATERAL_PATHS_MAX = 64 };

DEFINE_CLEANUP(struct tobi_collateral *, tobi_collateral_free)

/* What the options --collateral and --cache of a command name. */
struct collateral_paths {
	const char *paths[COLLATERAL_PATHS_MAX];
	size_t count;
	const char *cache; /* NULL: not asked for; "": the user's own */
};

/* What is wrong with one more --collateral, or NULL. */
const char *collateral_paths_add(struct collateral_paths *paths, const char *path);
/* All of it; *ret_set stays NULL where nothing is named. */
TOBI_MUST_USE enum tobi_err collateral_paths_load(const struct collateral_paths *paths,
						  struct tobi_collateral **ret_set,
						  struct tobi_fault *fault);

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
