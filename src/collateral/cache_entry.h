/*
 * The files of a cache. An entry is the list of a bundle (docs/PROTOCOL.md section 13)
 * without a signer, and SHA-256 over it. Beside it stands, for a short time, why there is
 * none.
 */
#ifndef TOBI_COLLATERAL_CACHE_ENTRY_H
#define TOBI_COLLATERAL_CACHE_ENTRY_H

#include "collateral/bundle.h"

#define CACHE_ENTRY_SUFFIX ".collateral"
#define CACHE_MISS_SUFFIX ".miss"
#define CACHE_LOCK_SUFFIX ".lock"

/* Errors: TOBI_E_NOT_FOUND (no file), _MALFORMED and the decoder's (damaged). */
TOBI_MUST_USE enum tobi_err entry_read(const char *path, struct tobi_collateral *set,
				       struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err entry_write(const char *path,
					const struct tobi_collateral *set, int64_t now,
					struct tobi_fault *fault);

/* Why a source gave nothing, and when. */
TOBI_MUST_USE enum tobi_err miss_write(const char *path, const struct tobi_fault *why,
				       int64_t now, struct tobi_fault *fault);
/* False when there is none that still counts at that time. */
bool miss_read(const char *path, int64_t now, struct tobi_fault *ret_why);

#endif
