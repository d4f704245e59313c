/*
 * Collateral: what vendors publish about their hardware, and a verifier needs beside the
 * evidence. A set of documents as they were served; each is signed by its vendor, and
 * nothing here believes one: the verifier of the kind does.
 */
#ifndef TOBI_COLLATERAL_COLLATERAL_H
#define TOBI_COLLATERAL_COLLATERAL_H

#include "base/arena.h"
#include "base/limits.h"
#include "pki/key.h"
#include "tobichi/collateral.h"

/* The numbers are in bundles: append only. */
enum collateral_kind {
	/* Intel PCS: the JSON envelope, and its issuers' PEM in chain. name: the FMSPC,
	 * 12 upper-case hexadecimal digits. */
	COLLATERAL_SGX_TCB_INFO = 1,
	COLLATERAL_TDX_TCB_INFO = 2,
	/* The same; name is "". */
	COLLATERAL_SGX_QE_IDENTITY = 3,
	COLLATERAL_TDX_QE_IDENTITY = 4,
	COLLATERAL_INTEL_ROOT_CRL = 5, /* DER, PEM or hexadecimal; name "" */
	COLLATERAL_PCK_CRL = 6,	       /* the same; name "platform" or "processor" */
	COLLATERAL_PCK = 7,	       /* PCK certificate, PEM or DER, issuers may follow;
					* name "" */
	/* AMD KDS. */
	COLLATERAL_SNP_LEAF = 8,   /* VCEK or VLEK, DER or PEM; name "" */
	COLLATERAL_SNP_ISSUER = 9, /* ASK or ASVK, and ARK, PEM or DER; name: "Milan" */
	COLLATERAL_SNP_CRL = 10,   /* name: the ARK's product, "Milan" */
	/* AMD SEV: certificates in its own formats, one or several back to back; name ""
	 */
	COLLATERAL_SEV = 11,
	/* Any other X.509 certificate. */
	COLLATERAL_CERTIFICATE = 12,
};

struct collateral_item {
	enum collateral_kind kind;
	const char *name;
	struct tobi_bytes data;
	struct tobi_bytes chain;   /* PEM of its issuers, or empty */
	const char *source;	   /* whence: an address or a file's name; may be "" */
	int64_t fetched;	   /* seconds since 1970; 0: not known */
	uint8_t hash[SHA256_SIZE]; /* of kind, name, data and chain: its name for
				      memo_name_make() */
};

enum { COLLATERAL_ITEMS_MAX = 4096 };

/* Copies what it is given; hash is filled in here. The last of a kind and name that was
 * added is the one that is found, for the kinds of which there is one for each name.
 * Errors: TOBI_E_LIMIT, _MEMORY. */
TOBI_MUST_USE enum tobi_err collateral_put(struct tobi_collateral *set,
					   const struct collateral_item *item,
					   struct tobi_fault *fault);
/* NULL past the end, and of a NULL set. */
const struct collateral_item *collateral_at(const struct tobi_collateral *set,
					    size_t index);
/* The newest of that kind and name; name NULL: of any name. NULL when there is none. */
const struct collateral_item *collateral_find(const struct tobi_collateral *set,
					      enum collateral_kind kind,
					      const char *name);

#endif
