#include "broker/kbs_binding.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "codec/jose.h"
#include "tests/bytes.h"

static json_t *parsed(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

static void hash_is(const uint8_t *data, const char *text)
{
	uint8_t expected[KBS_REPORT_DATA_SIZE] = {0};

	SHA384((const uint8_t *)text, strlen(text), expected);
	assert_memory_equal(data, expected, KBS_REPORT_DATA_SIZE);
}

static const char key_text[] = "{\"y\":\"BB\",\"kty\":\"EC\",\"x\":\"AA\",\"more\":[1,"
			       "{\"b\":2,\"a\":null}]}";
#define KEY "{\"kty\":\"EC\",\"more\":[1,{\"a\":null,\"b\":2}],\"x\":\"AA\",\"y\":\"BB\"}"

static void test_kbs_binding__primary__hash_of_canonical_json(void **state)
{
	uint8_t data[KBS_REPORT_DATA_SIZE];
	json_t *jwk = parsed(key_text);

	(void)state;
	assert_int_equal(kbs_binding_primary("bm9uY2U=", jwk, "", data, NULL), 0);
	hash_is(data, "{\"additional-evidence\":\"\",\"nonce\":\"bm9uY2U=\","
		      "\"tee-pubkey\":" KEY "}");
	/* It is a text: not what the text says. */
	assert_int_equal(
	    kbs_binding_primary("bm9uY2U=", jwk, "{\"nvidia\": {}}", data, NULL), 0);
	hash_is(data, "{\"additional-evidence\":\"{\\\"nvidia\\\": {}}\",\"nonce\":"
		      "\"bm9uY2U=\",\"tee-pubkey\":" KEY "}");
	json_decref(jwk);
}

static void test_kbs_binding__devices__without_additional_evidence(void **state)
{
	uint8_t data[KBS_REPORT_DATA_SIZE];
	json_t *jwk = parsed(key_text);

	(void)state;
	assert_int_equal(kbs_binding_devices("bm9uY2U=", jwk, data, NULL), 0);
	hash_is(data, "{\"nonce\":\"bm9uY2U=\",\"tee-pubkey\":" KEY "}");
	json_decref(jwk);
}

static void test_kbs_binding__number_that_is_no_integer__unsupported(void **state)
{
	uint8_t data[KBS_REPORT_DATA_SIZE];
	json_t *jwk = parsed("{\"kty\":\"EC\",\"n\":1.5}");

	(void)state;
	assert_int_equal(kbs_binding_primary("x", jwk, "", data, NULL),
			 TOBI_E_UNSUPPORTED);
	assert_int_equal(kbs_binding_devices("x", jwk, data, NULL), TOBI_E_UNSUPPORTED);
	json_decref(jwk);
}

/* ---- keys ---- */

static enum tobi_err read_key(EVP_PKEY *made, const char *alg)
{
	json_t *jwk = jwk_write(made);
	EVP_PKEY *key = NULL;
	enum tobi_err err;

	assert_non_null(jwk);
	if (alg)
		json_object_set_new(jwk, "alg", json_string(alg));
	err = kbs_key_read(jwk, &key, NULL);
	if (!err)
		assert_int_equal(EVP_PKEY_eq(key, made), 1);
	else
		assert_null(key);
	EVP_PKEY_free(key);
	EVP_PKEY_free(made);
	json_decref(jwk);
	return err;
}

static void test_kbs_key_read__known_kinds__read(void **state)
{
	static const char *const curves[] = {"P-256", "P-384", "P-521"};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(read_key(EVP_EC_gen(curves[i]), "ECDH-ES+A256KW"), 0);
	assert_int_equal(read_key(EVP_RSA_gen(2048), "RSA-OAEP-256"), 0);
	assert_int_equal(read_key(EVP_RSA_gen(3072), "RSA-OAEP-256"), 0);
}

static void test_kbs_key_read__other_algorithms__unsupported(void **state)
{
	static const char *const algorithms[] = {
	    "RSA1_5", "RSA-OAEP", "RSA-OAEP-512", "rsa-oaep-256", "ECDH-ES+A256KW", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		assert_int_equal(read_key(EVP_RSA_gen(2048), algorithms[i]),
				 TOBI_E_UNSUPPORTED);
	assert_int_equal(read_key(EVP_EC_gen("P-256"), "RSA-OAEP-256"),
			 TOBI_E_UNSUPPORTED);
	assert_int_equal(read_key(EVP_EC_gen("P-256"), "ECDH-ES"), TOBI_E_UNSUPPORTED);
	assert_int_equal(read_key(EVP_EC_gen("P-256"), NULL), TOBI_E_UNSUPPORTED);
	assert_int_equal(read_key(EVP_RSA_gen(1024), "RSA-OAEP-256"), TOBI_E_UNSUPPORTED);
	assert_int_equal(
	    read_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "ECDH-ES+A256KW"),
	    TOBI_E_UNSUPPORTED);
}

static void test_kbs_key_read__no_key__refused(void **state)
{
	static const char *const texts[] = {
	    "{}", "{\"kty\":\"AKP\",\"alg\":\"ML-KEM-768+A192KW\",\"pub\":\"AA\"}",
	    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"AA\"}",
	    "{\"kty\":\"oct\",\"k\":\"AA\",\"alg\":\"ECDH-ES+A256KW\"}",
	    "{\"kty\":7,\"alg\":\"ECDH-ES+A256KW\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *jwk = parsed(texts[i]);
		EVP_PKEY *key = NULL;

		assert_int_not_equal(kbs_key_read(jwk, &key, NULL), 0);
		assert_null(key);
		json_decref(jwk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kbs_binding__primary__hash_of_canonical_json),
	    cmocka_unit_test(test_kbs_binding__devices__without_additional_evidence),
	    cmocka_unit_test(test_kbs_binding__number_that_is_no_integer__unsupported),
	    cmocka_unit_test(test_kbs_key_read__known_kinds__read),
	    cmocka_unit_test(test_kbs_key_read__other_algorithms__unsupported),
	    cmocka_unit_test(test_kbs_key_read__no_key__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
