/* Lists of revoked certificates (RFC 5280, section 5), given as bytes. */
#ifndef TOBI_PKI_CRL_H
#define TOBI_PKI_CRL_H

#include "pki/chain.h"

DEFINE_CLEANUP(X509_CRL *, X509_CRL_free)

/* Exactly one, as DER, as PEM, or as DER in hexadecimal digits (Intel's PCCS): what it is
 * shows by its first bytes. Space may stand around a text, and nothing else. At most
 * LIMIT_CRL bytes. Errors: TOBI_E_LIMIT, _MALFORMED, _TRAILING. */
TOBI_MUST_USE enum tobi_err crl_read(struct tobi_bytes bytes, const char *object,
				     X509_CRL **ret_crl, struct tobi_fault *fault);
/*
 * Whether it may be relied on at a time: issued by this issuer (name, signature by its
 * key, and it may sign lists), with cRLNumber and authority key identifier, no critical
 * extension that is not known, of the list or of an entry, thisUpdate <= time <
 * nextUpdate + grace. The window has the grace in it. Errors: TOBI_E_CERTIFICATE.
 */
TOBI_MUST_USE enum tobi_err crl_verify(X509_CRL *crl, X509 *issuer, int64_t time,
				       int64_t grace, const char *object,
				       struct chain_window *ret_window,
				       struct tobi_fault *fault);
/* Whether its serial number is listed. The certificate's issuer must be the list's:
 * crl_verify() has checked the list's, the caller asks only of certificates of that
 * issuer. */
bool crl_revokes(X509_CRL *crl, const X509 *certificate);
/* thisUpdate, and the CRL's number (-1 when it is larger than 2^53). */
int64_t crl_issued(const X509_CRL *crl);
int64_t crl_number(const X509_CRL *crl);

#endif
