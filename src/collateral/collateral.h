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
	/* One of Intel's, PEM; name: "tcb", "platform", "processor" or "root". Documents
	 * that came without their issuers have them in their chain. */
	COLLATERAL_INTEL_ISSUER = 13,
	/* Reference values of NVIDIA, XML; name: the version, or "" where it is odd. */
	COLLATERAL_NVIDIA_RIM = 14,
	/* An OCSP responder's answer, DER; name: ocsp_name() of the certificate. */
	COLLATERAL_OCSP = 15,
	COLLATERAL_KIND_FIRST = COLLATERAL_SGX_TCB_INFO,
	COLLATERAL_KIND_LAST = COLLATERAL_OCSP,
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
	/* Who signed the bundle that it came in: SHA-384 of the key's
	 * SubjectPublicKeyInfo; counts only when it is bundled. */
	bool bundled;
	uint8_t signer[SHA384_SIZE];
};

enum { COLLATERAL_ITEMS_MAX = 4096, COLLATERAL_ISSUERS_MAX = 32 };

/* Copies what it is given; hash is filled in here. What is there already is not added
 * again. Of the kinds of which there is one for each name, the one that was issued last
 * is found, by its own word; of two of one date, the last that was added. Errors:
 * TOBI_E_LIMIT, _MEMORY. */
TOBI_MUST_USE enum tobi_err collateral_put(struct tobi_collateral *set,
					   const struct collateral_item *item,
					   struct tobi_fault *fault);
/* NULL past the end, and of a NULL set. */
const struct collateral_item *collateral_at(const struct tobi_collateral *set,
					    size_t index);
/* 0 of a NULL set. */
size_t collateral_count(const struct tobi_collateral *set);
/* The newest of that kind and name; name NULL: of any name. NULL when there is none. */
const struct collateral_item *collateral_find(const struct tobi_collateral *set,
					      enum collateral_kind kind,
					      const char *name);
/* The newest of those that had been issued by then: who looks at evidence of the past has
 * newer documents, too. The newest of all when none had, so that it can be said. */
const struct collateral_item *collateral_find_at(const struct tobi_collateral *set,
						 enum collateral_kind kind,
						 const char *name, int64_t time);
/* "sgx-tcb-info". */
const char *collateral_kind_name(enum collateral_kind kind);
/* When it was issued and when the next is due (for a certificate: its validity), by its
 * own word; 0 where it does not say. */
void collateral_dates(const struct collateral_item *item, int64_t *ret_issued,
		      int64_t *ret_next);
/* Whether a says that it was issued before b. */
bool collateral_is_older(const struct collateral_item *a,
			 const struct collateral_item *b);
/* Those of bundles that one of these keys signed: a set of its own, which borrows the
 * items of the other. NULL when there is no memory. */
struct tobi_collateral *collateral_signed_by(const struct tobi_collateral *set,
					     const struct tobi_bytes *signers,
					     size_t count);

#endif
