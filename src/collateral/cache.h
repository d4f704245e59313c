/*
 * A folder of documents that were fetched, for many processes at once.
 *
 * Of the processes that want one document one fetches it, and the others wait for it, so
 * long and no longer. What has been there for a day is asked for again; when its source
 * is down, or behind, what is still valid is served, and said so. Nothing that has
 * expired is, beyond the grace that the caller grants. Each document is checked whenever
 * it is read.
 */
#ifndef TOBI_COLLATERAL_CACHE_H
#define TOBI_COLLATERAL_CACHE_H

#include "collateral/fetch.h"

struct cache_settings {
	const char *folder;
	int64_t max_age;  /* seconds after which a document is asked for again */
	unsigned wait_ms; /* for another process that fetches the same */
};

enum cache_how {
	CACHE_FETCHED,
	CACHE_KEPT,    /* from the folder; nobody was asked */
	CACHE_IN_NEED, /* from the folder: the source gives nothing, or something older */
};

struct cache_report {
	enum cache_how how;
	enum collateral_checked checked;
	bool dropped; /* an entry that was damaged, or does not hold, was thrown away */
	struct tobi_fault why; /* of an entry that was dropped, or of the source */
};

/* Makes the folder, for its owner only. TOBI_E_DENIED for one that others may write to,
 * or that is another's; _SYSTEM. */
TOBI_MUST_USE enum tobi_err cache_open(const char *folder, struct tobi_fault *fault);
/* Adds the document to the set. Errors: those of fetch_document(), also when another
 * process had them a moment ago; TOBI_E_TIMEOUT when another has fetched for too long. */
TOBI_MUST_USE enum tobi_err
cache_get(const struct cache_settings *cache, const struct fetch_settings *fetch,
	  const struct need *need, struct tobi_collateral *set,
	  struct cache_report *ret_report, struct tobi_fault *fault);

enum { CACHE_FILES_MAX = 4096 };
/* Adds all that is in the folder, whatever its dates; damaged entries are counted, and
 * left out. TOBI_E_NOT_FOUND when there is no folder. */
TOBI_MUST_USE enum tobi_err cache_read_all(const char *folder,
					   struct tobi_collateral *set,
					   size_t *ret_damaged, struct tobi_fault *fault);

#endif
