#include "codec/key_library.h"

#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "tests/check.h"

enum { ROOM = 1024 };

struct written {
	uint8_t bytes[ROOM];
	int size;
};

static EVP_PKEY *generate(const char *kind)
{
	if (strcmp(kind, "RSA") == 0 || strcmp(kind, "RSA-PSS") == 0) {
		EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
		EVP_PKEY *key = NULL;

		assert_int_equal(EVP_PKEY_keygen_init(context), 1);
		assert_int_equal(EVP_PKEY_generate(context, &key), 1);
		EVP_PKEY_CTX_free(context);
		return key;
	}
	if (kind[0] == 'P')
		return EVP_EC_gen(kind);
	return EVP_PKEY_Q_keygen(NULL, NULL, kind);
}

static void write_key(EVP_PKEY *key, struct written *to)
{
	unsigned char *at = to->bytes;

	to->size = i2d_PUBKEY(key, NULL);
	assert_in_range(to->size, 1, ROOM);
	assert_int_equal(i2d_PUBKEY(key, &at), to->size);
}

static EVP_PKEY *read_key(const struct written *written)
{
	const unsigned char *at = written->bytes;

	return d2i_PUBKEY_ex(NULL, &at, written->size, key_library(), NULL);
}

/* The first test: in the child nobody has asked before. */
static void test_codec_key_library__no_default_provider__is_openssls_own(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(OSSL_PROVIDER_load(NULL, "base") && !key_library() ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_codec_key_library__asked_twice__is_one(void **state)
{
	(void)state;
	assert_non_null(key_library());
	assert_ptr_equal(key_library(), key_library());
	assert_true(EVP_MD_is_a(key_library_sha256(), "SHA256"));
	assert_true(EVP_MD_is_a(key_library_sha384(), "SHA384"));
	/* Looked up already. */
	assert_non_null(EVP_MD_get0_provider(key_library_sha256()));
	assert_non_null(EVP_MD_get0_provider(key_library_sha384()));
}

/* What is read there is written again, compared and used beside keys from elsewhere. */
static void test_codec_key_library__key_of_each_kind__is_the_same(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384",	"P-521",
					    "RSA",   "RSA-PSS", "ED25519"};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = generate(kinds[i]), *read;
		struct written written, again;

		write_key(key, &written);
		read = read_key(&written);
		assert_non_null(read);
		assert_int_equal(EVP_PKEY_eq(read, key), 1);
		write_key(read, &again);
		assert_int_equal(again.size, written.size);
		assert_memory_equal(again.bytes, written.bytes, (size_t)written.size);
		EVP_PKEY_free(read);
		EVP_PKEY_free(key);
	}
}

static void test_codec_key_library__key_of_another_kind__is_not_read(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	struct written written;

	(void)state;
	write_key(key, &written);
	assert_null(read_key(&written));
	EVP_PKEY_free(key);
}

static void test_codec_key_library__point_off_the_curve__is_not_read(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *read;
	struct written written;

	(void)state;
	write_key(key, &written);
	written.bytes[written.size - 1] ^= 1;
	read = read_key(&written);
	assert_null(read);
	EVP_PKEY_free(key);
}

static int verify(EVP_PKEY *key, OSSL_LIB_CTX *library, const uint8_t *signature,
		  size_t size, const char *message)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int good = 0;

	assert_int_equal(
	    EVP_DigestVerifyInit_ex(md, NULL, "SHA256", library, NULL, key, NULL), 1);
	good = EVP_DigestVerify(md, signature, size, (const uint8_t *)message,
				strlen(message));
	EVP_MD_CTX_free(md);
	return good;
}

static void test_codec_key_library__signature__holds_for_its_message_alone(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *read;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t signature[128];
	size_t size = sizeof(signature);
	struct written written;

	(void)state;
	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, signature, &size, (const uint8_t *)"yes", 3),
			 1);
	write_key(key, &written);
	read = read_key(&written);
	assert_int_equal(verify(read, key_library(), signature, size, "yes"), 1);
	assert_int_equal(verify(read, key_library(), signature, size, "no!"), 0);
	/* From here and there. */
	assert_int_equal(verify(read, NULL, signature, size, "yes"), 1);
	assert_int_equal(verify(key, key_library(), signature, size, "yes"), 1);
	assert_int_equal(verify(read, NULL, signature, size, "no!"), 0);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(read);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_codec_key_library__no_default_provider__is_openssls_own),
	    cmocka_unit_test(test_codec_key_library__asked_twice__is_one),
	    cmocka_unit_test(test_codec_key_library__key_of_each_kind__is_the_same),
	    cmocka_unit_test(test_codec_key_library__key_of_another_kind__is_not_read),
	    cmocka_unit_test(test_codec_key_library__point_off_the_curve__is_not_read),
	    cmocka_unit_test(
		test_codec_key_library__signature__holds_for_its_message_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
