/*
 * EAT, the claims of an attester (RFC 9711), of any profile: shape and registered claims.
 * One reader for JWT and CWT, over the tree of claims_tree.h.
 */
#ifndef TOBI_TOKEN_EAT_H
#define TOBI_TOKEN_EAT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/limits.h"

#define EAT_PROFILE_CONSTRAINED "urn:ietf:rfc:rfc9711"

enum {
	EAT_SUBMODS_MAX = 32,
	EAT_DEPTH_MAX = 4,
	EAT_NONCES_MAX = 8,
	EAT_DEBUG_UNSAID = -1,
	EAT_DEBUG_ENABLED = 0,
};

/* How a submodule came. */
enum eat_submod_kind {
	EAT_CLAIMS,   /* claims of the token around it */
	EAT_TOKEN,    /* a token of its own, signed by somebody; perhaps in a wrapper */
	EAT_DETACHED, /* a digest of claims that came beside the token */
	EAT_WRAPPED,  /* a message of somebody's in a wrapper (CMW), or several */
};

struct eat_submod {
	const char *path; /* "outer/inner" */
	enum eat_submod_kind kind;
	bool proven;		      /* signed by a trusted key; equal to its digest */
	const char *wrong;	      /* why not; or NULL */
	const char *profile, *swname; /* or NULL */
	const char *type;	      /* what a record of a wrapper has; or NULL */
};

/* What a claims-set says; texts are in the arena, NULL or empty where it does not say. */
struct eat {
	bool is_json;
	const char *profile, *issuer, *subject;
	int64_t issued, expires, not_before;	      /* 0: it does not say */
	struct tobi_bytes nonces[2 * EAT_NONCES_MAX]; /* every way to read each */
	size_t nonce_count, nonce_given;
	struct tobi_bytes ueid;
	const char *oemid, *hwmodel; /* a number, or hexadecimal */
	const char *hwversion, *swname, *swversion;
	int dbgstat; /* 0 to 4; EAT_DEBUG_UNSAID */
	bool has_uptime, has_bootcount, has_oemboot, oemboot;
	int64_t uptime, bootcount;
	int intuse;	/* 1 to 5; 0: it does not say */
	size_t unknown; /* claims that have no meaning here */
	struct eat_submod submods[EAT_SUBMODS_MAX];
	size_t submod_count;
};

/* Checks the shape of every registered claim, and that what depends on another comes with
 * it; does not go into submodules. Errors: TOBI_E_MALFORMED naming the claim, _MEMORY. */
TOBI_MUST_USE enum tobi_err eat_read(const json_t *tree, bool is_json,
				     struct arena *arena, struct eat *ret_eat,
				     struct tobi_fault *fault);
/* "disabled-since-boot"; "not said". */
const char *eat_dbgstat_name(int dbgstat);
const char *eat_intuse_name(int intuse);
/* Whether a tree of claims is an EAT: by a claim that only an EAT has. */
bool eat_is(const json_t *tree);

#endif
