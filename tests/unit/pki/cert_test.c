#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "odd.h"

static X509 *make(enum cert_role role, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
		  const char *host_name)
{
	struct cert_request request = {.role = role,
				       .common_name = "a name \xc3\xa9",
				       .host_name = host_name,
				       .not_before = NOW - DAY,
				       .not_after = NOW + DAY,
				       .key = key};
	struct writer out = wr_init(LIMIT_CERTIFICATE);
	X509 *certificate = NULL;

	assert_int_equal(cert_make(&request, issuer, issuer_key, &out, NULL), 0);
	assert_int_equal(
	    chain_read_certificate(wr_view(&out), "made", &certificate, NULL), 0);
	wr_done(&out);
	return certificate;
}

static void expect_usage(X509 *certificate, uint32_t usage)
{
	assert_int_equal(X509_get_key_usage(certificate), usage);
	assert_true(X509_EXTENSION_get_critical(X509_get_ext(
	    certificate, X509_get_ext_by_NID(certificate, NID_key_usage, -1))));
	assert_true(X509_EXTENSION_get_critical(X509_get_ext(
	    certificate, X509_get_ext_by_NID(certificate, NID_basic_constraints, -1))));
}

static void test_cert_make__each_role__its_own_extensions(void **state)
{
	EVP_PKEY *ca_key = odd_key(KEY_P384), *key = odd_key(KEY_P256);
	X509 *ca = make(CERT_CA, ca_key, NULL, NULL, NULL);
	X509 *platform = make(CERT_PLATFORM, key, ca, ca_key, NULL);
	X509 *tls = make(CERT_TLS, key, ca, ca_key, "db.example");

	(void)state;
	assert_int_equal(X509_check_ca(ca), 1);
	assert_int_equal(X509_get_pathlen(ca), 0);
	expect_usage(ca, KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_true(X509_get_extension_flags(ca) & EXFLAG_SS);
	assert_int_equal(X509_check_ca(platform), 0);
	expect_usage(platform, KU_DIGITAL_SIGNATURE);
	/* There, and none of those that OpenSSL knows: purpose_test.c. */
	assert_int_equal(X509_get_extended_key_usage(platform), 0);
	assert_int_equal(X509_check_ca(tls), 0);
	expect_usage(tls, KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(tls),
			 XKU_SSL_SERVER | XKU_SSL_CLIENT);
	assert_int_equal(X509_check_host(tls, "db.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(tls, "a name", 0, 0, NULL), 0);
	assert_int_equal(X509_get_version(tls), 2);
	assert_int_equal(X509_verify(platform, ca_key), 1);
	assert_int_equal(X509_verify(tls, ca_key), 1);
	assert_int_equal(X509_check_issued(ca, tls), X509_V_OK);
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(tls),
					       X509_get0_subject_key_id(ca)),
			 0);
	X509_free(ca);
	X509_free(platform);
	X509_free(tls);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
}

static void test_cert_make__each_kind_of_key__verifies(void **state)
{
	(void)state;
	for (int kind = KEY_P256; kind <= KEY_ED25519; kind++) {
		EVP_PKEY *key = odd_key((enum key_kind)kind);
		X509 *ca = make(CERT_CA, key, NULL, NULL, NULL);

		assert_int_equal(X509_verify(ca, key), 1);
		assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(ca), key), 1);
		X509_free(ca);
		EVP_PKEY_free(key);
	}
}

static void test_cert_make__many__serial_numbers_differ(void **state)
{
	enum { COUNT = 40 };
	EVP_PKEY *key = odd_key(KEY_ED25519);
	X509 *made[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		const ASN1_INTEGER *serial;
		BIGNUM *number;

		made[i] = make(CERT_CA, key, NULL, NULL, NULL);
		serial = X509_get0_serialNumber(made[i]);
		number = ASN1_INTEGER_to_BN(serial, NULL);
		assert_int_equal(BN_num_bits(number), 127);
		assert_false(BN_is_negative(number));
		BN_free(number);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(
			    ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(made[j])), 0);
	}
	for (size_t i = 0; i < COUNT; i++)
		X509_free(made[i]);
	EVP_PKEY_free(key);
}

static enum tobi_err try_make(const struct cert_request *request, size_t room)
{
	struct writer out = wr_init(room);
	struct tobi_fault fault = {0};
	enum tobi_err err = cert_make(request, NULL, NULL, &out, &fault);

	assert_int_equal(fault.code, err);
	wr_done(&out);
	return err;
}

static void test_cert_make__wrong_request__refused(void **state)
{
	EVP_PKEY *key = odd_key(KEY_P256);
	char name[66];
	struct cert_request request = {
	    .role = CERT_PLATFORM, .common_name = name, .key = key, .not_before = NOW};

	(void)state;
	memset(name, 'x', sizeof(name));
	name[65] = 0;
	request.not_after = NOW;
	assert_int_equal(try_make(&request, 4096), TOBI_E_ARGUMENT);
	request.not_after = NOW - 1;
	assert_int_equal(try_make(&request, 4096), TOBI_E_ARGUMENT);
	request.not_after = NOW + 1;
	assert_int_equal(try_make(&request, 4096), TOBI_E_CRYPTO);
	name[64] = 0;
	assert_int_equal(try_make(&request, 4096), TOBI_OK);
	assert_int_equal(try_make(&request, 100), TOBI_E_LIMIT);
	name[0] = '\xff';
	assert_int_equal(try_make(&request, 4096), TOBI_E_CRYPTO);
	name[0] = 0;
	assert_int_equal(try_make(&request, 4096), TOBI_E_CRYPTO);
	assert_int_equal(ERR_peek_error(), 0);
	EVP_PKEY_free(key);
}

static void test_cert_make_csr__each_kind_of_key__verifies(void **state)
{
	(void)state;
	for (int kind = KEY_P256; kind <= KEY_ED25519; kind++) {
		EVP_PKEY *key = odd_key((enum key_kind)kind), *other = odd_key(KEY_P256);
		struct writer out = wr_init(4096), small = wr_init(10);
		X509_REQ *request;
		char name[80] = "";
		BIO *bio;

		assert_int_equal(cert_make_csr(key, "platform", &out, NULL), 0);
		bio = BIO_new_mem_buf(out.ptr, (int)out.size);
		request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
		assert_non_null(request);
		assert_int_equal(X509_REQ_verify(request, key), 1);
		assert_int_not_equal(X509_REQ_verify(request, other), 1);
		X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request),
					  NID_commonName, name, sizeof(name));
		assert_string_equal(name, "platform");
		assert_int_equal(cert_make_csr(key, "platform", &small, NULL),
				 TOBI_E_LIMIT);
		ERR_clear_error();
		X509_REQ_free(request);
		BIO_free(bio);
		wr_done(&out);
		wr_done(&small);
		EVP_PKEY_free(key);
		EVP_PKEY_free(other);
	}
}

static void test_chain_write_pem__der__read_back(void **state)
{
	EVP_PKEY *key = odd_key(KEY_P256);
	struct odd odd = {"x", key, "CA:TRUE"};
	struct writer der, pem = wr_init(LIMIT_PEM), out = wr_init(LIMIT_PEM);
	struct tobi_bytes list[1];
	size_t count = 0;

	(void)state;
	odd_make(&odd, NULL, NULL, &der);
	assert_int_equal(chain_write_pem(wr_view(&der), &pem, NULL), 0);
	assert_int_equal(
	    chain_read_pem(wr_view(&pem), "pem", &out, list, 1, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_bytes_equal(list[0], wr_view(&der));
	assert_int_equal(chain_write_pem(text_bytes("no"), &pem, NULL), TOBI_E_MALFORMED);
	wr_done(&der);
	wr_done(&pem);
	wr_done(&out);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cert_make__each_role__its_own_extensions),
	    cmocka_unit_test(test_cert_make__each_kind_of_key__verifies),
	    cmocka_unit_test(test_cert_make__many__serial_numbers_differ),
	    cmocka_unit_test(test_cert_make__wrong_request__refused),
	    cmocka_unit_test(test_cert_make_csr__each_kind_of_key__verifies),
	    cmocka_unit_test(test_chain_write_pem__der__read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
