/* An extension of a certificate that a test makes by hand. */
#ifndef TESTS_EXTENSION_H
#define TESTS_EXTENSION_H

#include <openssl/x509v3.h>

#include "tests/check.h"

/* value: as OpenSSL's configuration files have it; NULL: none is added. issuer: the
 * certificate itself, or NULL where the extension does not say whose it is. */
static inline void add_extension(X509 *certificate, X509 *issuer, int nid,
				 const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	if (!value)
		return;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

#endif
