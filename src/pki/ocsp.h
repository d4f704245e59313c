/*
 * Answers on whether a certificate is revoked (OCSP, RFC 6960), given as bytes: nobody is
 * asked here.
 */
#ifndef TOBI_PKI_OCSP_H
#define TOBI_PKI_OCSP_H

#include <openssl/ocsp.h>

#include "pki/chain.h"

DEFINE_CLEANUP(OCSP_BASICRESP *, OCSP_BASICRESP_free)

enum { OCSP_NAME_SIZE = 16, OCSP_SINGLES_MAX = 16 };

/* From the best to the worst. */
enum ocsp_status { OCSP_GOOD, OCSP_HOLD, OCSP_UNKNOWN, OCSP_REVOKED };

struct ocsp_answer {
	enum ocsp_status status;
	/* Its issuer, or who the issuer lets answer, has signed it, and had a valid
	 * certificate then. */
	bool genuine;
	struct chain_window window; /* thisUpdate, nextUpdate */
};

/* One answer in DER, successful, basic, of at most LIMIT_DOCUMENT bytes, with nothing
 * behind it. Errors: TOBI_E_LIMIT, _MALFORMED, _TRAILING, _UNSUPPORTED (an error instead
 * of an answer). */
TOBI_MUST_USE enum tobi_err ocsp_read(struct tobi_bytes bytes, const char *object,
				      OCSP_BASICRESP **ret_answer,
				      struct tobi_fault *fault);
/* What it says of this certificate; false when it says nothing of it. Of several that it
 * says the worst counts. */
bool ocsp_answers(OCSP_BASICRESP *answer, X509 *certificate, X509 *issuer,
		  struct ocsp_answer *ret_answer);
/* A short name of a serial number, for finding: its last eight bytes, hexadecimal. */
void ocsp_name(const ASN1_INTEGER *serial, char ret_name[static OCSP_NAME_SIZE + 1]);

#endif
