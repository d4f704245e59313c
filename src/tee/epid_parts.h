/*
 * What a report of Intel's Attestation Service comes in: its body, its signature and the
 * certificates are three things, which were a reply's body and headers. They come as
 * files, as the reply itself, or in one JSON object (docs/PROTOCOL.md, section 14.6).
 */
#ifndef TOBI_TEE_EPID_PARTS_H
#define TOBI_TEE_EPID_PARTS_H

#include "base/arena.h"
#include "base/limits.h"
#include "tee/tee.h"

enum { EPID_TEXTS_MAX = LIMIT_PIECES + LIMIT_COSE_CHAIN };

struct epid_parts {
	struct tobi_bytes body;	     /* exactly what is signed */
	struct tobi_bytes signature; /* or empty */
	size_t signatures;	     /* how many there were */
	/* Each some PEM, or one certificate in DER. */
	struct tobi_bytes certificates[EPID_TEXTS_MAX];
	size_t count;
};

/* By how it starts: a JSON object that has a quote's body in it, a reply with the
 * signature among its headers, or an object of three members. */
bool epid_recognise(struct tobi_bytes evidence);
/* Whether a piece beside it is one of these: tee_verifier.takes. */
bool epid_parts_takes(struct tobi_bytes piece);
/* Borrowed from the request, or in the arena. Of what came beside the evidence each piece
 * is taken for what it looks like; what looks like nothing that is needed is left alone.
 * Errors: TOBI_E_MALFORMED, _LIMIT, _MEMORY, _UNSUPPORTED, _TRAILING. */
TOBI_MUST_USE enum tobi_err epid_parts_find(const struct tee_request *request,
					    struct arena *arena,
					    struct epid_parts *ret_parts,
					    struct tobi_fault *fault);

#endif
