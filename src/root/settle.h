/*
 * A platform that moves to another provider is made whole in a folder inside the
 * platform's own; one rename decides, and what follows can be done again from the start
 * after any interruption:
 *
 *   migrate.new     being made: nothing of it counts, it is thrown away
 *   migrate.commit  the new platform, whole: it counts; the old one is taken away
 *   migrate.move    the old one is gone; the new one's files move up
 */
#ifndef TOBI_ROOT_SETTLE_H
#define TOBI_ROOT_SETTLE_H

#include "root/folder.h"

#define SETTLE_NEW "migrate.new"
#define SETTLE_COMMIT "migrate.commit"
#define SETTLE_MOVE "migrate.move"

/* Something was interrupted. */
bool root_is_unsettled(const char *folder);
/* And the new platform is the one that counts. */
bool root_is_decided(const char *folder);
/* Ends it; the folder is locked for writing. left: keys of the old platform are still in
 * their device, which could not be reached (never set to false). */
TOBI_MUST_USE enum tobi_err root_settle(const char *folder, bool *ret_left,
					struct tobi_fault *fault);
/* migrate.new becomes migrate.commit, and survives a power cut. */
TOBI_MUST_USE enum tobi_err root_commit(const char *folder, struct tobi_fault *fault);
/* Overwrites and removes the files of a platform of whatever kind, and what writes of
 * them that were killed have left. */
TOBI_MUST_USE enum tobi_err root_wipe(const char *folder, struct tobi_fault *fault);

#endif
