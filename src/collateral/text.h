/* Documents as text: PEM, percent encoding (Intel's headers), hexadecimal digits. */
#ifndef TOBI_COLLATERAL_TEXT_H
#define TOBI_COLLATERAL_TEXT_H

#include "pki/crl.h"

/* "%2D" becomes "-"; a plus stays one. TOBI_E_MALFORMED for a sign that is not followed
 * by two digits. */
TOBI_MUST_USE enum tobi_err text_percent_decode(struct tobi_bytes text,
						const char *object, struct writer *out,
						struct tobi_fault *fault);
/* Digits, and white space at the end. */
TOBI_MUST_USE enum tobi_err text_hex_decode(struct tobi_bytes text, const char *object,
					    struct writer *out, struct tobi_fault *fault);

enum { PEM_BLOCKS_MAX = 32 };

/* What a PEM text has in it: certificates, or one CRL. Owned. */
struct pem_list {
	X509 *certificates[PEM_BLOCKS_MAX]; /* in the order of the text */
	size_t count;
	X509_CRL *crl;
};

/* Text around the blocks is skipped. Errors: TOBI_E_MALFORMED, also for a text without
 * any block; _LIMIT; _UNSUPPORTED for blocks of another kind. */
TOBI_MUST_USE enum tobi_err pem_list_read(struct tobi_bytes pem, const char *object,
					  struct pem_list *ret_list,
					  struct tobi_fault *fault);
void pem_list_done(struct pem_list *list);
/* Appends one certificate as PEM. */
TOBI_MUST_USE enum tobi_err pem_write(X509 *certificate, struct writer *out,
				      struct tobi_fault *fault);

#endif
