/* Answers of Vault's transit engine, as its documentation prints them, and others. */
#include "broker/keyring_vault_answer.h"
#include "tests/bytes.h"

static enum tobi_err ciphertext(const char *body, const char *wanted)
{
	struct writer out = wr_init(8192);
	struct block block = block_new(text_bytes(body));
	enum tobi_err err = vault_read_ciphertext(block_view(block), &out, NULL);

	if (wanted)
		assert_bytes_equal(wr_view(&out), text_bytes(wanted));
	else
		assert_int_equal(out.size, 0);
	wr_done(&out);
	block_done(block);
	return err;
}

static enum tobi_err plaintext(const char *body, const char *wanted)
{
	struct secret plain = {0};
	struct block block = block_new(text_bytes(body));
	enum tobi_err err = vault_read_plaintext(block_view(block), &plain, NULL);

	if (wanted)
		assert_bytes_equal(secret_view(&plain), text_bytes(wanted));
	else
		assert_null(plain.ptr);
	secret_done(&plain);
	block_done(block);
	return err;
}

static void test_vault_read_ciphertext__as_documented__taken(void **state)
{
	(void)state;
	assert_int_equal(ciphertext("{\"data\":{\"ciphertext\":\"vault:v1:abcdefgh\"}}",
				    "vault:v1:abcdefgh"),
			 TOBI_OK);
	assert_int_equal(ciphertext("{\"x\":1,\"data\":{\"key_version\":3,\"ciphertext\":"
				    "\"vault:v37:A+/=\"}}",
				    "vault:v37:A+/="),
			 TOBI_OK);
}

static void test_vault_read_ciphertext__other__malformed(void **state)
{
	static const char *const odd[] = {
	    "",
	    "[]",
	    "{}",
	    "{\"data\":[]}",
	    "{\"data\":{\"ciphertext\":1}}",
	    "{\"data\":{\"ciphertext\":\"\"}}",
	    "{\"data\":{\"ciphertext\":\"vault:v:abcd\"}}",
	    "{\"data\":{\"ciphertext\":\"vault:v1:\"}}",
	    "{\"data\":{\"ciphertext\":\"vault:v1\"}}",
	    "{\"data\":{\"ciphertext\":\"vault:v1234567890:abcd\"}}",
	    "{\"data\":{\"ciphertext\":\"vault:v1:ab\\\"cd\"}}",
	    "{\"data\":{\"ciphertext\":\"vault:v1:ab\\u0000cd\"}}",
	    "{\"data\":{\"ciphertext\":\"Vault:v1:abcd\"}}",
	    "{\"data\":{\"ciphertext\":\"vault:v1:a\"},\"data\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_not_equal(ciphertext(odd[i], NULL), TOBI_OK);
}

static void test_vault_read_ciphertext__each_cut__refused(void **state)
{
	static const char whole[] = "{\"data\":{\"ciphertext\":\"vault:v1:abcdefgh\"}}";
	char cut[sizeof(whole)];

	(void)state;
	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		bytes_copy(cut, sizeof(cut), whole, i);
		cut[i] = '\0';
		assert_int_not_equal(ciphertext(cut, NULL), TOBI_OK);
		assert_int_not_equal(plaintext(cut, NULL), TOBI_OK);
	}
}

static void test_vault_read_plaintext__base64__is_strict(void **state)
{
	(void)state;
	assert_int_equal(plaintext("{\"data\":{\"plaintext\":\"c2VjcmV0\"}}", "secret"),
			 TOBI_OK);
	assert_int_not_equal(plaintext("{\"data\":{\"plaintext\":\"c2Vjc mV0\"}}", NULL),
			     TOBI_OK);
	assert_int_not_equal(plaintext("{\"data\":{\"plaintext\":\"c2VjcmV\"}}", NULL),
			     TOBI_OK);
	assert_int_not_equal(plaintext("{\"data\":{\"plaintext\":null}}", NULL), TOBI_OK);
}

static void test_vault_read_errors__odd_text__is_escaped(void **state)
{
	struct writer out = wr_init(4096);

	(void)state;
	vault_read_errors(text_bytes("{\"errors\":[\"a\\u001b[31mb\",\"second\"]}"),
			  &out);
	assert_bytes_equal(wr_view(&out), text_bytes("a\\x1b[31mb"));
	wr_done(&out);
	out = wr_init(4096);
	vault_read_errors(text_bytes("{\"errors\":{}}"), &out);
	vault_read_errors(text_bytes("{\"errors\":[1]}"), &out);
	vault_read_errors(text_bytes("<html>"), &out);
	assert_int_equal(out.size, 0);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vault_read_ciphertext__as_documented__taken),
	    cmocka_unit_test(test_vault_read_ciphertext__other__malformed),
	    cmocka_unit_test(test_vault_read_ciphertext__each_cut__refused),
	    cmocka_unit_test(test_vault_read_plaintext__base64__is_strict),
	    cmocka_unit_test(test_vault_read_errors__odd_text__is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
