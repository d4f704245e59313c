/*
 * Certificates as Intel's formats carry them: PEM blocks one behind another, or one in
 * DER. What stands before a block or behind the last is refused, but for newlines, and
 * for the zero bytes that many quotes have at the end.
 */
#ifndef TOBI_TEE_DCAP_CERTIFICATES_H
#define TOBI_TEE_DCAP_CERTIFICATES_H

#include "pki/memo.h"
#include "pki/pinned.h"

struct dcap_certificates {
	/* Of CAs those that were read before, or NULL: reading one takes longer than a
	 * signature. */
	struct memo *memo;
	X509 *list[PINNED_CERTIFICATES_MAX]; /* owned */
	size_t count;
};

/* Appends; dcap_certificates_done() it, also after an error. Empty bytes have none.
 * Errors: TOBI_E_MALFORMED, _TRAILING, _LIMIT (more than there is room for), _MEMORY. */
TOBI_MUST_USE enum tobi_err dcap_certificates_read(struct tobi_bytes bytes,
						   const char *object,
						   struct dcap_certificates *certificates,
						   struct tobi_fault *fault);
/* Whether bytes are some: tee_verifier.takes. */
bool dcap_certificates_are(struct tobi_bytes bytes);
/* Accepts a zeroed one. */
void dcap_certificates_done(struct dcap_certificates *certificates);

#endif
