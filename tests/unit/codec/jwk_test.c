#include "codec/jose.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include "pki/key.h"
#include "tests/bytes.h"

static enum tobi_err read_text(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	EVP_PKEY *key = NULL;
	enum tobi_err err;

	assert_non_null(json);
	err = jwk_read(json, "key", &key, NULL);
	assert_true((key != NULL) == (err == TOBI_OK));
	EVP_PKEY_free(key);
	json_decref(json);
	return err;
}

static void test_jwk__each_kind__both_ways(void **state)
{
	EVP_PKEY *keys[5] = {NULL, NULL, NULL, EVP_RSA_gen(2048), EVP_EC_gen("P-521")};

	(void)state;
	assert_int_equal(key_new(KEY_P256, &keys[0], NULL), 0);
	assert_int_equal(key_new(KEY_P384, &keys[1], NULL), 0);
	assert_int_equal(key_new(KEY_ED25519, &keys[2], NULL), 0);
	for (size_t i = 0; i < 5; i++) {
		json_t *json = jwk_write(keys[i]);
		EVP_PKEY *again = NULL;

		assert_non_null(json);
		assert_null(json_object_get(json, "d"));
		assert_int_equal(jwk_read(json, "key", &again, NULL), 0);
		assert_int_equal(EVP_PKEY_eq(again, keys[i]), 1);
		EVP_PKEY_free(again);
		EVP_PKEY_free(keys[i]);
		json_decref(json);
	}
}

static void test_jwk_read__wrong__refused(void **state)
{
	static const struct {
		const char *text;
		enum tobi_err err;
	} wrong[] = {
	    {"{}", TOBI_E_UNSUPPORTED},
	    {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", TOBI_E_MALFORMED},
	    {"{\"kty\":\"oct\"}", TOBI_E_UNSUPPORTED},
	    {"{\"kty\":\"EC\",\"crv\":\"P-256\"}", TOBI_E_MALFORMED},
	    {"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
	     TOBI_E_MALFORMED},
	    /* Not on the curve. */
	    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	     "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPH"
	     "vRVEU\",\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
	     TOBI_E_MALFORMED},
	    /* One byte less. */
	    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	     "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPH"
	     "vRVA\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	     TOBI_E_MALFORMED},
	    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	     "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPH"
	     "vRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":"
	     "\"AAAA\"}",
	     TOBI_E_MALFORMED},
	    {"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_"
	     "7TyWQHOg7hcvPapiMlrwI"
	     "aaPcHURo\"}",
	     TOBI_E_MALFORMED},
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", TOBI_E_MALFORMED},
	    {"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}", TOBI_E_MALFORMED},
	    {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", TOBI_E_MALFORMED},
	    {"{\"kty\":7}", TOBI_E_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(read_text(wrong[i].text), wrong[i].err);
	assert_int_equal(
	    read_text(
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7"
		"hcvPapiMlrwIaaPcHURo\"}"),
	    TOBI_OK);
}

/* However OpenSSL keeps its point. */
static void test_jwk_write__point_kept_compressed__the_same(void **state)
{
	static const char *const groups[] = {"P-256", "P-384", "P-521"};

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		EVP_PKEY *key = EVP_EC_gen(groups[i]);
		json_t *before = jwk_write(key), *after;

		assert_non_null(before);
		assert_int_equal(EVP_PKEY_set_utf8_string_param(
				     key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
				     OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED),
				 1);
		after = jwk_write(key);
		assert_true(json_equal(before, after));
		json_decref(before);
		json_decref(after);
		EVP_PKEY_free(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_jwk_write__point_kept_compressed__the_same),
	    cmocka_unit_test(test_jwk__each_kind__both_ways),
	    cmocka_unit_test(test_jwk_read__wrong__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
