/*
 * Whom a policy trusts, as a tree: every root, key, service, signer and image that it
 * lets decide, how old firmware may be, what it allows; and what each of them could do if
 * it turned bad, and what would make the set smaller.
 *
 * The lines are in the order in which a reader meets them: a line's children follow it,
 * one deeper. Nothing here reads evidence, a clock, the environment or the network.
 *
 * Ownership: a tree is the caller's, to be given to tobi_trust_free(), which accepts
 * NULL; it does not need its policy any more. What is in it lives as long as it does.
 * Threads: one tree may be read by many. Source: docs/POLICY.md, "Whom a policy trusts".
 */
#ifndef TOBICHI_TRUST_H
#define TOBICHI_TRUST_H

#include "tobichi/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are part of the ABI. */
enum tobi_trust_kind {
	TOBI_TRUST_GROUP = 0, /* only holds others together */
	TOBI_TRUST_TIER = 1,
	TOBI_TRUST_ROOT = 2,	  /* a key that chains end at */
	TOBI_TRUST_KEY = 3,	  /* one that a root certifies */
	TOBI_TRUST_FLOOR = 4,	  /* the oldest firmware, what state it may be in */
	TOBI_TRUST_SERVICE = 5,	  /* who else has a part: a cloud, a carrier */
	TOBI_TRUST_SIGNER = 6,	  /* of programs */
	TOBI_TRUST_IMAGE = 7,	  /* a program */
	TOBI_TRUST_INSTANCE = 8,  /* which enclave of the program */
	TOBI_TRUST_FRESHNESS = 9, /* how old what is shown may be */
	TOBI_TRUST_ALLOWANCE = 10 /* an insecure choice */
};

/* Texts may be empty, and are never NULL. They may quote the policy and certificates in
 * it: escape them before you show them. */
struct tobi_trust_line {
	enum tobi_trust_kind kind;
	unsigned depth; /* 0 to 7 */
	const char *name;
	const char *value;   /* a key's hash, a measurement, a number */
	const char *source;  /* where it is published, or which key of the policy says so
			      */
	const char *does;    /* what it vouches for, or means */
	const char *bad;     /* what it could do if it turned bad */
	const char *smaller; /* what would make the set smaller */
	/* Who could alone have an enclave accepted that does not exist or is another
	 * one: "Intel". Lines of one party have the same. */
	const char *party;
};

struct tobi_trust;

/* Errors: TOBI_E_ARGUMENT, _MEMORY, _CRYPTO. *ret_trust is left alone on failure. */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_trust_new(const struct tobi_policy *policy,
						    struct tobi_trust **ret_trust,
						    struct tobi_fault *fault);
TOBI_API void tobi_trust_free(struct tobi_trust *trust);
/* NULL past the end, and of NULL. */
TOBI_API const struct tobi_trust_line *tobi_trust_line(const struct tobi_trust *trust,
						       size_t index);
/* Each party once; NULL past the end, and of NULL. */
TOBI_API const char *tobi_trust_party(const struct tobi_trust *trust, size_t index);

/* The tree to show, UTF-8 and terminated, at most 4 MiB; free() it. What comes from
 * outside is escaped for the format. Errors: TOBI_E_ARGUMENT (no tree, no such format),
 * _MEMORY, _LIMIT. */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_trust_write(const struct tobi_trust *trust,
						      enum tobi_format format,
						      char **ret_text,
						      struct tobi_fault *fault);

#ifdef __cplusplus
}
#endif

#endif
