/* Keys as documents hold them: each form is the same key, and others are none. */
#include "corim/key.h"

#include "codec/base64.h"
#include "pki/cert.h"
#include "pki/cose_key.h"
#include "tests/bytes.h"
#include "tests/corim_scene.h"

static void assert_is(uint64_t tag, struct tobi_bytes value, EVP_PKEY *key,
		      EVP_PKEY *other)
{
	const struct corim_key one = {.tag = tag, .value = value};
	EVP_PKEY *opened = NULL;

	assert_int_equal(corim_key_open(&one, "test", &opened, NULL), 0);
	assert_int_equal(EVP_PKEY_eq(opened, key), 1);
	assert_true(corim_key_is(&one, key));
	assert_false(corim_key_is(&one, other));
	EVP_PKEY_free(opened);
}

static void test_corim_key__every_form__is_the_same_key(void **state)
{
	struct writer pem = wr_init(4096), spki = wr_init(1024), base64 = wr_init(4096),
		      der = wr_init(4096), certificate = wr_init(8192),
		      cose = wr_init(1024);
	EVP_PKEY *key = NULL, *other = NULL;
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "c",
				       .not_before = 1000,
				       .not_after = 2000000000};

	(void)state;
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &other, NULL), 0);
	request.key = key;
	assert_int_equal(key_write_public(key, &pem, NULL), 0);
	assert_int_equal(key_spki(key, &spki, NULL), 0);
	base64_write(&base64, wr_view(&spki));
	assert_int_equal(cert_make(&request, NULL, key, &der, NULL), 0);
	assert_int_equal(chain_write_pem(wr_view(&der), &certificate, NULL), 0);
	assert_int_equal(cose_key_write(&cose, key), 0);
	assert_is(CORIM_KEY_PKIX, wr_view(&pem), key, other);
	assert_is(CORIM_KEY_PKIX, wr_view(&base64), key, other);
	assert_is(CORIM_KEY_CERTIFICATE, wr_view(&certificate), key, other);
	assert_is(CORIM_KEY_DER_CERTIFICATE, wr_view(&der), key, other);
	assert_is(CORIM_KEY_COSE, wr_view(&cose), key, other);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	wr_done(&pem);
	wr_done(&spki);
	wr_done(&base64);
	wr_done(&der);
	wr_done(&certificate);
	wr_done(&cose);
}

static void test_corim_key__a_thumbprint__names_and_does_not_open(void **state)
{
	EVP_PKEY *key = NULL, *other = NULL, *opened = NULL;
	uint8_t small[SHA256_SIZE], large[SHA384_SIZE];
	struct corim_key one = {.tag = CORIM_KEY_THUMBPRINT};

	(void)state;
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &other, NULL), 0);
	assert_int_equal(key_spki_sha256(key, small, NULL), 0);
	assert_int_equal(key_spki_sha384(key, large, NULL), 0);
	one.algorithm = TEE_SHA256;
	one.value = (struct tobi_bytes){small, sizeof(small)};
	assert_true(corim_key_is(&one, key) && !corim_key_is(&one, other));
	assert_int_equal(corim_key_open(&one, "test", &opened, NULL), TOBI_E_UNSUPPORTED);
	one.algorithm = TEE_SHA384;
	one.value = (struct tobi_bytes){large, sizeof(large)};
	assert_true(corim_key_is(&one, key) && !corim_key_is(&one, other));
	one.algorithm = TEE_SHA512;
	assert_false(corim_key_is(&one, key));
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void test_corim_key__what_is_none__is_refused(void **state)
{
	static const struct {
		uint64_t tag;
		const char *text;
		enum tobi_err err;
	} cases[] = {
	    {CORIM_KEY_PKIX, "not base64", TOBI_E_MALFORMED},
	    {CORIM_KEY_PKIX, "AAAA", TOBI_E_MALFORMED},
	    {CORIM_KEY_CERTIFICATE, "AAAA", TOBI_E_MALFORMED},
	    {CORIM_KEY_DER_CERTIFICATE, "x", TOBI_E_MALFORMED},
	    {CORIM_KEY_PATH, "x", TOBI_E_UNSUPPORTED},
	    {CORIM_KEY_BYTES, "x", TOBI_E_UNSUPPORTED},
	    {999, "x", TOBI_E_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct corim_key one = {.tag = cases[i].tag,
					      .value = text_bytes(cases[i].text)};
		EVP_PKEY *opened = NULL;
		enum tobi_err err = corim_key_open(&one, "test", &opened, NULL);

		if (err != cases[i].err)
			fail_msg("%s: %d", cases[i].text, err);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_corim_key__every_form__is_the_same_key),
	    cmocka_unit_test(test_corim_key__a_thumbprint__names_and_does_not_open),
	    cmocka_unit_test(test_corim_key__what_is_none__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
