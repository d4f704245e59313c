#include "tests/csr_make.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

EVP_PKEY *csr_make_key(const char *kind)
{
	EVP_PKEY *key;

	if (strncmp(kind, "EC:", 3) == 0)
		key = EVP_EC_gen(kind + 3);
	else if (strncmp(kind, "RSA:", 4) == 0)
		key = EVP_RSA_gen((unsigned)strtoul(kind + 4, NULL, 10));
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
	assert_non_null(key);
	return key;
}

static void add(STACK_OF(X509_EXTENSION) * list, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *one;

	X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	one = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(one);
	assert_true(sk_X509_EXTENSION_push(list, one) > 0);
}

static void add_name(X509_NAME *subject, const char *name)
{
	if (name)
		assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
							    (const unsigned char *)name,
							    -1, -1, 0),
				 1);
}

static void add_extensions(const struct csr_make *make, X509_REQ *request)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();

	if (make->names)
		add(list, NID_subject_alt_name, make->names);
	for (size_t i = 0; i < CSR_MAKE_EXTENSIONS && make->more[i].value; i++)
		add(list, make->more[i].nid, make->more[i].value);
	if (sk_X509_EXTENSION_num(list) > 0)
		assert_int_equal(X509_REQ_add_extensions(request, list), 1);
	if (make->twice)
		assert_int_equal(
		    X509_REQ_add_extensions_nid(request, list, NID_ms_ext_req), 1);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

void csr_make(const struct csr_make *make, struct writer *out)
{
	X509_REQ *request = X509_REQ_new();
	X509_NAME *subject = X509_NAME_new();
	const EVP_MD *digest = make->digest ? make->digest : EVP_sha256();
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long size;

	add_name(subject, make->common_name);
	add_name(subject, make->another_name);
	assert_int_equal(X509_REQ_set_subject_name(request, subject), 1);
	assert_int_equal(X509_REQ_set_pubkey(request, make->key), 1);
	add_extensions(make, request);
	if (EVP_PKEY_is_a(make->key, "ED25519") || EVP_PKEY_is_a(make->key, "ED448"))
		digest = NULL;
	assert_true(
	    X509_REQ_sign(request, make->signs ? make->signs : make->key, digest) > 0);
	if (make->pem)
		assert_int_equal(PEM_write_bio_X509_REQ(bio, request), 1);
	else
		assert_int_equal(i2d_X509_REQ_bio(bio, request), 1);
	size = BIO_get_mem_data(bio, &data);
	wr_bytes(out, data, (size_t)size);
	assert_int_equal(wr_err(out), 0);
	BIO_free(bio);
	X509_NAME_free(subject);
	X509_REQ_free(request);
}

X509 *csr_make_ca(EVP_PKEY *subject, const char *name, X509 *issuer, EVP_PKEY *signs,
		  const char *basic, int64_t from, int64_t until)
{
	X509V3_CTX context;
	X509_EXTENSION *id;
	X509 *certificate = X509_new();
	X509_NAME *subject_name = X509_NAME_new();
	X509_EXTENSION *constraints =
			   X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, basic),
		       *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage,
						    "critical,keyCertSign");

	assert_true(certificate && subject_name && constraints && usage);
	X509_NAME_add_entry_by_txt(subject_name, "CN", MBSTRING_UTF8,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	X509_set_subject_name(certificate, subject_name);
	X509_set_issuer_name(certificate,
			     issuer ? X509_get_subject_name(issuer) : subject_name);
	ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)from);
	ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until);
	X509_set_pubkey(certificate, subject);
	X509_add_ext(certificate, constraints, -1);
	X509_add_ext(certificate, usage, -1);
	X509V3_set_ctx(&context, NULL, certificate, NULL, NULL, 0);
	id = X509V3_EXT_conf_nid(NULL, &context, NID_subject_key_identifier, "hash");
	assert_non_null(id);
	X509_add_ext(certificate, id, -1);
	X509_EXTENSION_free(id);
	assert_true(X509_sign(certificate, signs, EVP_sha256()) > 0);
	X509_EXTENSION_free(constraints);
	X509_EXTENSION_free(usage);
	X509_NAME_free(subject_name);
	return certificate;
}
