/* The meaning of a log's events, once its replay has shown that they are the registers'.
 */
#ifndef TOBI_TEE_BOOT_WALK_H
#define TOBI_TEE_BOOT_WALK_H

#include "tee/boot.h"

/*
 * Fills in the claims but for those of the replay. *ret_wrong says what is wrong with the
 * separators, or stays. Errors: TOBI_E_LIMIT, _MEMORY, _CRYPTO.
 */
TOBI_MUST_USE enum tobi_err boot_walk(struct tobi_bytes log,
				      const struct boot_registers_shown *shown,
				      const struct event_hash *hash, struct arena *arena,
				      struct boot_claims *boot, const char **ret_wrong,
				      struct tobi_fault *fault);

#endif
