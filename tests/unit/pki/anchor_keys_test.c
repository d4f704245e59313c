/* Bare public keys as anchors: which are read, which are refused, and by what. */
#include <openssl/rsa.h>

#include "base/limits.h"
#include "pki/anchor_keys.h"
#include "odd.h"

#define JUNK_KEY "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
#define CUT_KEY "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZI"

static void append_key(struct writer *pem, EVP_PKEY *key)
{
	assert_int_equal(key_write_public(key, pem, NULL), TOBI_OK);
}

static enum tobi_err read_keys(const struct writer *pem, struct anchor_keys *ret_keys)
{
	return anchor_keys_read((struct tobi_bytes){pem->ptr, pem->size}, "policy",
				ret_keys, NULL);
}

static enum tobi_err read_text(const char *text, struct anchor_keys *ret_keys)
{
	struct writer pem = wr_init(LIMIT_PEM + 2);
	enum tobi_err err;

	wr_bytes(&pem, text, strlen(text));
	err = read_keys(&pem, ret_keys);
	wr_done(&pem);
	return err;
}

static void test_pki_anchor_keys__keys_of_each_kind__are_found(void **state)
{
	EVP_PKEY *keys[] = {odd_key(KEY_P256), odd_key(KEY_P384), odd_key(KEY_ED25519),
			    EVP_RSA_gen(2048), EVP_EC_gen("P-521")};
	EVP_PKEY *stranger = odd_key(KEY_P256);
	enum { COUNT = sizeof(keys) / sizeof(keys[0]) };
	struct writer pem = wr_init(LIMIT_PEM);
	struct anchor_keys read = {0};
	uint8_t spki[SHA256_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		append_key(&pem, keys[i]);
	assert_int_equal(read_keys(&pem, &read), TOBI_OK);
	assert_int_equal(read.count, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(key_spki_sha256(keys[i], spki, NULL), TOBI_OK);
		assert_int_equal(EVP_PKEY_eq(anchor_keys_find(&read, spki), keys[i]), 1);
		EVP_PKEY_free(keys[i]);
	}
	assert_int_equal(key_spki_sha256(stranger, spki, NULL), TOBI_OK);
	assert_null(anchor_keys_find(&read, spki));
	assert_null(anchor_keys_find(NULL, spki));
	EVP_PKEY_free(stranger);
	anchor_keys_done(&read);
	wr_done(&pem);
}

static void test_pki_anchor_keys__other_blocks__are_passed_over(void **state)
{
	EVP_PKEY *key = odd_key(KEY_P256);
	struct odd odd = {.name = "root", .key = key};
	struct writer der = wr_init(LIMIT_CERTIFICATE), pem = wr_init(LIMIT_PEM);
	struct anchor_keys read = {0};

	(void)state;
	odd_make(&odd, NULL, NULL, &der);
	assert_int_equal(
	    chain_write_pem((struct tobi_bytes){der.ptr, der.size}, &pem, NULL), TOBI_OK);
	assert_int_equal(read_keys(&pem, &read), TOBI_OK);
	assert_int_equal(read.count, 0);
	append_key(&pem, key);
	assert_int_equal(read_keys(&pem, &read), TOBI_OK);
	assert_int_equal(read.count, 1);
	anchor_keys_done(&read);
	EVP_PKEY_free(key);
	wr_done(&der);
	wr_done(&pem);
}

static void test_pki_anchor_keys__weak_or_odd_keys__are_refused(void **state)
{
	EVP_PKEY *keys[] = {EVP_RSA_gen(1024), EVP_EC_gen("secp256k1"),
			    EVP_PKEY_Q_keygen(NULL, NULL, "X25519")};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct writer pem = wr_init(LIMIT_PEM);
		struct anchor_keys read = {0};

		append_key(&pem, keys[i]);
		assert_int_equal(read_keys(&pem, &read), TOBI_E_UNSUPPORTED);
		assert_int_equal(read.count, 0);
		EVP_PKEY_free(keys[i]);
		wr_done(&pem);
	}
}

static void test_pki_anchor_keys__private_key__is_refused(void **state)
{
	EVP_PKEY *key = odd_key(KEY_P256);
	struct writer pem = wr_init(LIMIT_PEM);
	struct anchor_keys read = {0};

	(void)state;
	assert_int_equal(key_write_private(key, &pem, NULL), TOBI_OK);
	assert_int_equal(read_keys(&pem, &read), TOBI_E_UNSUPPORTED);
	EVP_PKEY_free(key);
	wr_done(&pem);
}

static void test_pki_anchor_keys__bad_text__is_refused(void **state)
{
	struct anchor_keys read = {0};

	(void)state;
	assert_int_equal(read_text("", &read), TOBI_OK);
	assert_int_equal(read.count, 0);
	assert_int_equal(read_text(JUNK_KEY, &read), TOBI_E_MALFORMED);
	assert_int_equal(read_text(CUT_KEY, &read), TOBI_E_MALFORMED);
}

static void test_pki_anchor_keys__too_many_or_too_long__is_refused(void **state)
{
	EVP_PKEY *key = odd_key(KEY_P256);
	struct writer pem = wr_init(LIMIT_PEM + 2);
	struct anchor_keys read = {0};

	(void)state;
	for (size_t i = 0; i < ANCHOR_KEYS_MAX; i++)
		append_key(&pem, key);
	assert_int_equal(read_keys(&pem, &read), TOBI_OK);
	assert_int_equal(read.count, ANCHOR_KEYS_MAX);
	anchor_keys_done(&read);
	append_key(&pem, key);
	assert_int_equal(read_keys(&pem, &read), TOBI_E_LIMIT);
	while (pem.size <= LIMIT_PEM)
		wr_u8(&pem, '\n');
	assert_int_equal(read_keys(&pem, &read), TOBI_E_LIMIT);
	EVP_PKEY_free(key);
	wr_done(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pki_anchor_keys__keys_of_each_kind__are_found),
	    cmocka_unit_test(test_pki_anchor_keys__other_blocks__are_passed_over),
	    cmocka_unit_test(test_pki_anchor_keys__weak_or_odd_keys__are_refused),
	    cmocka_unit_test(test_pki_anchor_keys__private_key__is_refused),
	    cmocka_unit_test(test_pki_anchor_keys__bad_text__is_refused),
	    cmocka_unit_test(test_pki_anchor_keys__too_many_or_too_long__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
