#include "tests/ratls.h"

#include <openssl/rsa.h>

#include "base/endian.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "tests/check.h"
#include "tests/extension.h"

EVP_PKEY *test_key_make(enum test_key kind)
{
	EVP_PKEY *key = NULL;

	switch (kind) {
	case TEST_P256:
		assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
		return key;
	case TEST_P384:
		assert_int_equal(key_new(KEY_P384, &key, NULL), 0);
		return key;
	case TEST_RSA2048:
		return EVP_RSA_gen(2048);
	case TEST_RSA1024:
		return EVP_RSA_gen(1024);
	}
	return NULL;
}

static void add_ours(X509 *certificate, const struct test_leaf *leaf)
{
	for (size_t i = 0; i < leaf->extension_count; i++) {
		const struct test_extension *one = &leaf->extensions[i];
		const struct extension extension = {one->value, one->critical};

		assert_int_equal(extension_add(certificate, one->name, &extension, NULL),
				 0);
	}
}

static void add_extensions(X509 *certificate, X509 *issuer, const struct test_leaf *leaf)
{
	static const uint8_t body[] = {0x2a, 0x03, 0x04};
	const struct extension_name unknown = {"1.2.3.4", {body, sizeof(body)}};
	const struct extension critical = {{body, sizeof(body)}, true};
	char names[128];

	if (leaf->extensions_first)
		add_ours(certificate, leaf);
	/* Gramine's, Intel's and librats' say CA:FALSE and these two. */
	add_extension(certificate, issuer, NID_basic_constraints, "CA:FALSE");
	add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
	add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
	if (leaf->dns) {
		snprintf(names, sizeof(names), "DNS:%s", leaf->dns);
		add_extension(certificate, issuer, NID_subject_alt_name, names);
	}
	if (!leaf->extensions_first)
		add_ours(certificate, leaf);
	if (leaf->unknown_critical)
		assert_int_equal(extension_add(certificate, &unknown, &critical, NULL),
				 0);
}

void test_leaf_write(const struct test_leaf *leaf, struct writer *out)
{
	X509 *certificate = X509_new(), *issuer = certificate;
	X509_NAME *name = X509_get_subject_name(certificate);
	EVP_PKEY *signing = leaf->issuer ? leaf->issuer_key : leaf->key;
	unsigned char *der = NULL;
	int size;

	if (leaf->issuer)
		assert_int_equal(chain_read_certificate(wr_view(leaf->issuer), "issuer",
							&issuer, NULL),
				 0);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
						    (const unsigned char *)"RATLS", -1,
						    -1, 0),
			 1);
	X509_set_version(certificate, leaf->version_1 ? X509_VERSION_1 : X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	ASN1_TIME_set(X509_getm_notBefore(certificate),
		      (time_t)(leaf->from ? leaf->from : TEST_NOW - 10));
	ASN1_TIME_set(X509_getm_notAfter(certificate),
		      (time_t)(leaf->to ? leaf->to : TEST_NOW + 10));
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	X509_set_pubkey(certificate, leaf->key);
	add_extensions(certificate, issuer, leaf);
	assert_true(X509_sign(certificate, signing, EVP_sha256()) > 0);
	size = i2d_X509(certificate, &der);
	assert_true(size > 0);
	wr_bytes(out, der, (size_t)size);
	assert_int_equal(wr_err(out), 0);
	if (leaf->spoiled)
		out->ptr[out->size - 1] ^= 1;
	OPENSSL_free(der);
	if (issuer != certificate)
		X509_free(issuer);
	X509_free(certificate);
}

void test_claims_write(EVP_PKEY *key, const struct test_claims *claims,
		       struct writer *out)
{
	const EVP_MD *digest = claims->hash == CLAIMS_SHA512   ? EVP_sha512()
			       : claims->hash == CLAIMS_SHA384 ? EVP_sha384()
							       : EVP_sha256();
	struct writer spki = wr_init(1 << 14), inner = wr_init(256);
	uint8_t hash[64];
	unsigned size = 0;

	assert_int_equal(key_spki(key, &spki, NULL), 0);
	assert_int_equal(EVP_Digest(spki.ptr, spki.size, hash, &size, digest, NULL), 1);
	cbor_write_array(&inner, 2);
	cbor_write_uint(&inner, claims->hash ? claims->hash : CLAIMS_SHA256);
	cbor_write_bytes(&inner, (struct tobi_bytes){hash, size});
	cbor_write_map(out, 1u + claims->before_count + claims->after_count +
				(claims->nonce.size > 0));
	wr_printf(out, "%s", claims->before ? claims->before : "");
	cbor_write_text(out, "pubkey-hash");
	cbor_write_bytes(out, wr_view(&inner));
	wr_printf(out, "%s", claims->after ? claims->after : "");
	if (claims->nonce.size) {
		cbor_write_text(out, "nonce");
		cbor_write_bytes(out, claims->nonce);
	}
	assert_int_equal(wr_err(out), 0);
	wr_done(&spki);
	wr_done(&inner);
}

void test_quote_write(unsigned version, bool tdx, const uint8_t report_data[static 64],
		      struct writer *out)
{
	size_t body = version == 5 ? 54 : 48;
	uint8_t *bytes = wr_reserve(out, 1500);

	assert_non_null(bytes);
	store_le(bytes, 2, version);
	store_le(bytes + 4, 4, tdx ? 0x81 : 0);
	if (version == 5)
		store_le(bytes + 48, 2, tdx ? 2 : 1);
	bytes_copy(bytes + body + (tdx ? 520 : 320), 64, report_data, 64);
}
