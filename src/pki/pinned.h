/*
 * Certificate chains of hardware vendors: to a root that is known by its key.
 *
 * Certificates come in any order, and may include the root's own or not: of those given,
 * each with a pinned key is an anchor. What a vendor's profile asks beside a valid path
 * (names, extensions, order) is its verifier's to check, over the chain that was built.
 */
#ifndef TOBI_PKI_PINNED_H
#define TOBI_PKI_PINNED_H

#include "pki/chain.h"
#include "pki/vendor_roots.h"

enum { PINNED_CERTIFICATES_MAX = 32 };

struct pinned_request {
	X509 *leaf; /* borrowed */
	/* The rest, in any order, the leaf among them or not; borrowed. */
	X509 *const *others;
	size_t count; /* of others, 0 to PINNED_CERTIFICATES_MAX */
	const struct key_pins *pins;
	int64_t time;
	/* RFC 5280 in full (key identifiers, criticality); AMD's certificates lack some
	 * of it. Signatures, dates, CA flags, path lengths and unknown critical
	 * extensions are checked in any case. */
	bool strict;
};

struct pinned_chain {
	X509 *certificates[LIMIT_COSE_CHAIN]; /* leaf first, root last; owned */
	size_t count;
	struct chain_window window; /* in which each of them is valid */
};

/* pinned_chain_done() what it returns. Errors: TOBI_E_CERTIFICATE with the reason and the
 * depth; _LIMIT, _MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err pinned_chain_verify(const struct pinned_request *request,
						const char *object,
						struct pinned_chain *ret_chain,
						struct tobi_fault *fault);
/* Accepts a zeroed one. */
void pinned_chain_done(struct pinned_chain *chain);

/* Whether the common name of the subject is exactly this. False for a certificate without
 * one, or with several. */
bool certificate_is_named(const X509 *certificate, const char *common_name);
/* The common name, cut to the room, "" where there is none; '?' stands for what is not
 * printable ASCII. For messages. */
void certificate_name(const X509 *certificate, char *ret_name, size_t room);

#endif
