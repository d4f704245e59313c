/*
 * Certificate profiles: which names an owner lets the accepted enclaves of a scope have a
 * certificate for, for how long, and for which side of TLS. The longest scope counts, as
 * with policies. Rows carry a MAC (row_seal.h).
 */
#ifndef TOBI_BROKER_PROFILE_H
#define TOBI_BROKER_PROFILE_H

#include "broker/certificate_name.h"
#include "broker/policies.h"

enum {
	PROFILE_NAMES_MAX = 64,
	PROFILE_SIZE_MAX = 32 << 10, /* as JSON */
	PROFILE_SECONDS_MIN = 300,
	PROFILE_SECONDS = 24 * 3600, /* where it says nothing */
	PROFILE_SECONDS_MAX = 7 * 24 * 3600,
};

struct profile {
	struct certificate_name names[PROFILE_NAMES_MAX]; /* at least one */
	size_t name_count;
	bool wildcards; /* may be issued, those that it names */
	int64_t seconds;
	bool server, client; /* at least one */
};
/* JSON: {"names": [...], ? "wildcards": bool, ? "lifetime": seconds, ? "usage":
 * ["server", "client"]}. TOBI_E_MALFORMED, _LIMIT; _ARGUMENT for a lifetime that is too
 * long or too short. */
TOBI_MUST_USE enum tobi_err profile_read(struct tobi_bytes json,
					 struct profile *ret_profile,
					 struct tobi_fault *fault);
bool profile_allows(const struct profile *profile, const struct certificate_name *name);

/* Replaces one that is there. TOBI_E_DENIED when the repository is another's; those of
 * profile_read(); _LIMIT. */
TOBI_MUST_USE enum tobi_err profile_put(struct broker *broker, const char *owner,
					const char *scope, struct tobi_bytes json,
					int64_t now, struct tobi_fault *fault);
/* TOBI_E_NOT_FOUND, _DENIED. */
TOBI_MUST_USE enum tobi_err profile_delete(struct broker *broker, const char *owner,
					   const char *scope, struct tobi_fault *fault);
/* The one that counts for this name and owner. TOBI_E_NOT_FOUND; _SIGNATURE for a row
 * that no broker of these keys wrote. */
TOBI_MUST_USE enum tobi_err profile_find(struct broker *broker,
					 const struct resource_name *name,
					 const char *owner, struct profile *ret_profile,
					 struct tobi_fault *fault);
/* json is borrowed. */
typedef enum tobi_err profile_visit(void *context, const char *scope,
				    struct tobi_bytes json, int64_t changed,
				    struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err profile_list(struct broker *broker, const char *owner,
					 profile_visit *visit, void *context,
					 struct tobi_fault *fault);

#endif
