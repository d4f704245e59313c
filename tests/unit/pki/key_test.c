#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pki/key.h"
#include "base/limits.h"
#include "tests/bytes.h"

static EVP_PKEY *make(enum key_kind kind)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(key_new(kind, &key, NULL), 0);
	return key;
}

/* PEM by OpenSSL itself; with a password when it is given. */
static struct writer pem_of(EVP_PKEY *key, const char *password)
{
	struct writer out = wr_init(LIMIT_PEM);
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long size;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(
			     bio, key, password ? EVP_aes_128_cbc() : NULL, password,
			     password ? (int)strlen(password) : 0, NULL, NULL),
			 1);
	size = BIO_get_mem_data(bio, &data);
	wr_bytes(&out, data, (size_t)size);
	BIO_free(bio);
	return out;
}

static enum tobi_err read_private(struct tobi_bytes pem, struct tobi_fault *fault)
{
	EVP_PKEY *key = NULL;
	enum tobi_err err = key_read_private(pem, "thing", &key, fault);

	assert_true((key != NULL) == (err == TOBI_OK));
	EVP_PKEY_free(key);
	return err;
}

static void test_key_read__each_kind__written_and_read(void **state)
{
	(void)state;
	for (int kind = KEY_P256; kind <= KEY_ED25519; kind++) {
		EVP_PKEY *key = make((enum key_kind)kind), *back = NULL;
		struct writer out = wr_init(4096);

		assert_int_equal(key_write_private(key, &out, NULL), 0);
		assert_memory_equal(out.ptr, "-----BEGIN PRIVATE KEY-----", 27);
		assert_int_equal(key_read_private(wr_view(&out), "thing", &back, NULL),
				 0);
		assert_int_equal(EVP_PKEY_eq(key, back), 1);
		EVP_PKEY_free(back);
		/* The public half of a private key. */
		assert_int_equal(key_read_public(wr_view(&out), "thing", &back, NULL), 0);
		assert_int_equal(EVP_PKEY_eq(key, back), 1);
		EVP_PKEY_free(back);
		wr_done(&out);
		assert_int_equal(key_write_public(key, &out, NULL), 0);
		assert_memory_equal(out.ptr, "-----BEGIN PUBLIC KEY-----", 26);
		assert_int_equal(key_read_public(wr_view(&out), "thing", &back, NULL), 0);
		assert_int_equal(EVP_PKEY_eq(key, back), 1);
		EVP_PKEY_free(back);
		assert_int_equal(read_private(wr_view(&out), NULL), TOBI_E_MALFORMED);
		wr_done(&out);
		assert_int_equal(key_spki(key, &out, NULL), 0);
		assert_int_equal(key_read_spki(wr_view(&out), "thing", &back, NULL), 0);
		assert_int_equal(EVP_PKEY_eq(key, back), 1);
		EVP_PKEY_free(back);
		wr_done(&out);
		EVP_PKEY_free(key);
	}
}

static void test_key_read__other_kinds__unsupported(void **state)
{
	EVP_PKEY *keys[] = {EVP_RSA_gen(2048),
			    EVP_EC_gen("P-521"),
			    EVP_EC_gen("P-224"),
			    EVP_EC_gen("secp256k1"),
			    EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
			    EVP_PKEY_Q_keygen(NULL, NULL, "ED448")};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct writer pem = pem_of(keys[i], NULL), out = wr_init(4096);
		struct tobi_fault fault = {0};
		EVP_PKEY *back = NULL;

		assert_int_equal(read_private(wr_view(&pem), &fault), TOBI_E_UNSUPPORTED);
		assert_string_equal(fault.object, "thing");
		assert_non_null(strstr(fault.message, "tobichi keygen"));
		assert_int_equal(key_write_public(keys[i], &out, NULL), 0);
		assert_int_equal(key_read_public(wr_view(&out), "thing", &back, NULL),
				 TOBI_E_UNSUPPORTED);
		wr_done(&out);
		assert_int_equal(key_spki(keys[i], &out, NULL), 0);
		assert_int_equal(key_read_spki(wr_view(&out), "thing", &back, NULL),
				 TOBI_E_UNSUPPORTED);
		assert_null(back);
		wr_done(&pem);
		wr_done(&out);
		EVP_PKEY_free(keys[i]);
	}
}

/* In a process without a terminal OpenSSL's own prompt would read standard input: there
 * the right password waits. So a prompt would be seen as a key that is read. */
static int read_with_password_waiting(struct tobi_bytes pem)
{
	int ends[2], status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		EVP_PKEY *key = NULL;

		if (pipe(ends) || write(ends[1], "password\n", 9) != 9 ||
		    dup2(ends[0], 0) != 0 || close(ends[1]) || setsid() < 0)
			_exit(99);
		_exit((int)key_read_private(pem, "thing", &key, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_key_read_private__encrypted__refused_without_asking(void **state)
{
	EVP_PKEY *key = make(KEY_P256);
	struct writer pem = pem_of(key, "password"), traditional = wr_init(4096);
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long size;

	(void)state;
	assert_int_equal(read_with_password_waiting(wr_view(&pem)), TOBI_E_MALFORMED);
	assert_int_equal(PEM_write_bio_PrivateKey_traditional(
			     bio, key, EVP_aes_128_cbc(),
			     (const unsigned char *)"password", 8, NULL, NULL),
			 1);
	size = BIO_get_mem_data(bio, &data);
	wr_bytes(&traditional, data, (size_t)size);
	assert_int_equal(read_with_password_waiting(wr_view(&traditional)),
			 TOBI_E_MALFORMED);
	BIO_free(bio);
	wr_done(&pem);
	wr_done(&traditional);
	EVP_PKEY_free(key);
}

static void test_key_read__not_a_key__malformed(void **state)
{
	EVP_PKEY *key = make(KEY_ED25519), *back = NULL;
	struct writer pem = pem_of(key, NULL);

	(void)state;
	assert_int_equal(read_private((struct tobi_bytes){0}, NULL), TOBI_E_MALFORMED);
	assert_int_equal(read_private(text_bytes("key"), NULL), TOBI_E_MALFORMED);
	for (size_t size = 1; size + 2 < pem.size; size++)
		assert_int_equal(read_private((struct tobi_bytes){pem.ptr, size}, NULL),
				 TOBI_E_MALFORMED);
	assert_int_equal(key_read_public(text_bytes("key"), "thing", &back, NULL),
			 TOBI_E_MALFORMED);
	assert_null(back);
	wr_done(&pem);
	EVP_PKEY_free(key);
}

static void test_key_read__over_limit__limit(void **state)
{
	struct writer pem = wr_init(LIMIT_PEM + 1);
	EVP_PKEY *key = NULL;

	(void)state;
	memset(wr_reserve(&pem, LIMIT_PEM + 1), '\n', LIMIT_PEM + 1);
	assert_int_equal(read_private(wr_view(&pem), NULL), TOBI_E_LIMIT);
	assert_int_equal(key_read_public(wr_view(&pem), "thing", &key, NULL),
			 TOBI_E_LIMIT);
	pem.size--;
	assert_int_equal(read_private(wr_view(&pem), NULL), TOBI_E_MALFORMED);
	assert_int_equal(
	    key_read_spki((struct tobi_bytes){pem.ptr, LIMIT_CERTIFICATE + 1}, "thing",
			  &key, NULL),
	    TOBI_E_LIMIT);
	wr_done(&pem);
}

static void test_key_spki__each_kind__as_openssl_writes_it(void **state)
{
	(void)state;
	for (enum key_kind kind = KEY_P256; kind <= KEY_ED25519; kind++) {
		struct writer der = wr_init(1024);
		EVP_PKEY *key = make(kind);
		unsigned char *theirs = NULL;
		int size = i2d_PUBKEY(key, &theirs);

		assert_true(size > 0);
		assert_int_equal(key_spki(key, &der, NULL), 0);
		assert_true(bytes_equal(wr_view(&der),
					(struct tobi_bytes){theirs, (size_t)size}));
		OPENSSL_free(theirs);
		wr_done(&der);
		/* No room is an error, for either way of writing it. */
		der = wr_init(40);
		assert_int_equal(key_spki(key, &der, NULL) != 0,
				 kind != KEY_ED25519 || size > 40);
		wr_done(&der);
		EVP_PKEY_free(key);
	}
}

static void test_key_read_spki__cut_or_longer__refused(void **state)
{
	EVP_PKEY *key = make(KEY_P256), *back = NULL;
	struct writer der = wr_init(200);
	struct tobi_fault fault = {0};
	size_t size;

	(void)state;
	assert_int_equal(key_spki(key, &der, NULL), 0);
	size = der.size;
	for (size_t cut = 1; cut < size; cut++) {
		struct block block = block_new((struct tobi_bytes){der.ptr, cut});

		assert_int_equal(key_read_spki(block_view(block), "thing", &back, NULL),
				 TOBI_E_MALFORMED);
		block_done(block);
	}
	assert_int_equal(key_read_spki((struct tobi_bytes){0}, "thing", &back, NULL),
			 TOBI_E_LIMIT);
	wr_u8(&der, 0);
	assert_int_equal(key_read_spki(wr_view(&der), "thing", &back, &fault),
			 TOBI_E_TRAILING);
	assert_int_equal(fault.offset, size);
	assert_null(back);
	wr_done(&der);
	EVP_PKEY_free(key);
}

/* RFC 8410 section 10.1's public key; its hashes by `openssl dgst` over the DER. */
static void test_key_spki_hashes__known_key__known_values(void **state)
{
	static const char pem[] =
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
	    "-----END PUBLIC KEY-----\n";
	struct block sha256 = block_unhex(
	    "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f");
	struct block sha384 =
	    block_unhex("9f4eb04c5bd0212d9c22aae208c208f1f3c298ee4cd4229997e3b49361bc3f4f"
			"bbfcaef96ca70d0f0b56aab242dd62ba");
	uint8_t hash[SHA384_SIZE];
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(key_read_public(text_bytes(pem), "thing", &key, NULL), 0);
	assert_int_equal(key_spki_sha256(key, hash, NULL), 0);
	assert_memory_equal(hash, sha256.ptr, SHA256_SIZE);
	assert_int_equal(key_spki_sha384(key, hash, NULL), 0);
	assert_memory_equal(hash, sha384.ptr, SHA384_SIZE);
	block_done(sha256);
	block_done(sha384);
	EVP_PKEY_free(key);
}

/* FIPS 180-4's example "abc". */
static void test_hash__abc__known_values(void **state)
{
	struct block sha256 = block_unhex(
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct block sha384 =
	    block_unhex("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
			"8086072ba1e7cc2358baeca134c825a7");
	uint8_t hash[SHA384_SIZE];

	(void)state;
	assert_int_equal(hash_sha256(text_bytes("abc"), hash), 0);
	assert_memory_equal(hash, sha256.ptr, SHA256_SIZE);
	assert_int_equal(hash_sha384(text_bytes("abc"), hash), 0);
	assert_memory_equal(hash, sha384.ptr, SHA384_SIZE);
	block_done(sha256);
	block_done(sha384);
}

/* RFC 5869 appendix A.3: no salt, no info. */
static void test_hkdf__example_without_salt__known_value(void **state)
{
	struct block secret = block_unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	struct block expected =
	    block_unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879e"
			"c3454e5f3c738d2d9d201395faa4b61a96c8");
	uint8_t key[42], other[42];

	(void)state;
	assert_int_equal(
	    hkdf_sha256(block_view(secret), (struct tobi_bytes){0}, key, sizeof(key)), 0);
	assert_memory_equal(key, expected.ptr, sizeof(key));
	assert_int_equal(
	    hkdf_sha256(block_view(secret), text_bytes("a"), other, sizeof(other)), 0);
	assert_memory_not_equal(key, other, sizeof(key));
	/* More than 255 blocks cannot be had. */
	uint8_t large[255 * 32 + 1];

	assert_int_equal(
	    hkdf_sha256(block_view(secret), (struct tobi_bytes){0}, large, sizeof(large)),
	    TOBI_E_CRYPTO);
	block_done(secret);
	block_done(expected);
}

static void test_key_new__no_such_kind__argument(void **state)
{
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(key_new((enum key_kind)99, &key, NULL), TOBI_E_ARGUMENT);
	assert_null(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_key_read__each_kind__written_and_read),
	    cmocka_unit_test(test_key_read__other_kinds__unsupported),
	    cmocka_unit_test(test_key_read_private__encrypted__refused_without_asking),
	    cmocka_unit_test(test_key_read__not_a_key__malformed),
	    cmocka_unit_test(test_key_read__over_limit__limit),
	    cmocka_unit_test(test_key_spki__each_kind__as_openssl_writes_it),
	    cmocka_unit_test(test_key_read_spki__cut_or_longer__refused),
	    cmocka_unit_test(test_key_spki_hashes__known_key__known_values),
	    cmocka_unit_test(test_hash__abc__known_values),
	    cmocka_unit_test(test_hkdf__example_without_salt__known_value),
	    cmocka_unit_test(test_key_new__no_such_kind__argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
