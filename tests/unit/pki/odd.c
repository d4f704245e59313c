#include "odd.h"

#include "tests/extension.h"

EVP_PKEY *odd_key(enum key_kind kind)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(key_new(kind, &key, NULL), 0);
	return key;
}

void odd_make(const struct odd *odd, const struct writer *issuer_der,
	      EVP_PKEY *issuer_key, struct writer *out)
{
	X509 *certificate = X509_new(), *issuer = certificate;
	EVP_PKEY *signing = issuer_der ? issuer_key : odd->key;
	X509_NAME *name = X509_get_subject_name(certificate);
	const EVP_MD *digest = EVP_PKEY_is_a(signing, "ED25519") ? NULL
			       : odd->digest			 ? odd->digest
								 : EVP_sha256();
	unsigned char *der = NULL;
	int size;

	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
						    (const unsigned char *)odd->name, -1,
						    -1, 0),
			 1);
	if (issuer_der)
		assert_int_equal(
		    chain_read_certificate(wr_view(issuer_der), "issuer", &issuer, NULL),
		    0);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	ASN1_TIME_set(X509_getm_notBefore(certificate),
		      (time_t)(odd->from ? odd->from : NOW - DAY));
	ASN1_TIME_set(X509_getm_notAfter(certificate),
		      (time_t)(odd->to ? odd->to : NOW + DAY));
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	X509_set_pubkey(certificate, odd->key);
	add_extension(certificate, issuer, NID_basic_constraints, odd->basic);
	add_extension(certificate, issuer, NID_key_usage, odd->usage);
	add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
	add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
	add_extension(certificate, issuer, odd->more_nid, odd->more);
	assert_true(X509_sign(certificate, signing, digest) > 0);
	size = i2d_X509(certificate, &der);
	assert_true(size > 0);
	*out = wr_init(LIMIT_CERTIFICATE);
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	if (issuer != certificate)
		X509_free(issuer);
	X509_free(certificate);
}
