#include "tests/check.h"

#include <openssl/crypto.h>
#include <openssl/safestack.h>

#include "algorithms.h"
#include "keymem.h"
#include "pki/cert.h"
#include "pki/key.h"

static char *before; /* allocated before anything could be secret */

static void test_keys_lie_in_the_arena(void **state)
{
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &key, NULL), TOBI_OK);
	assert_true(keymem_holds(key));
	EVP_PKEY_free(key);
}

static void test_freed_blocks_are_wiped_and_used_again(void **state)
{
	uint8_t *first = OPENSSL_malloc(100), *second;

	(void)state;
	assert_true(keymem_holds(first));
	memset(first, 0xaa, 100);
	OPENSSL_free(first);
	for (int i = 0; i < 100; i++)
		assert_int_equal(first[i], 0);
	second = OPENSSL_malloc(90);
	assert_ptr_equal(first, second);
	OPENSSL_free(second);
}

static void test_growing_keeps_the_content(void **state)
{
	uint8_t *block = OPENSSL_malloc(10);

	(void)state;
	memset(block, 7, 10);
	for (size_t size = 100; size < 40000; size *= 3) {
		block = OPENSSL_realloc(block, size);
		assert_non_null(block);
		assert_int_equal(keymem_holds(block), size <= KEYMEM_SMALL);
		for (int i = 0; i < 10; i++)
			assert_int_equal(block[i], 7);
	}
	OPENSSL_free(block);
}

static void test_a_full_arena_gives_nothing_and_recovers(void **state)
{
	void **last = NULL, **next;
	size_t count = 0;

	(void)state;
	while ((next = OPENSSL_malloc(KEYMEM_SMALL)) != NULL) {
		*next = last;
		last = next;
		count++;
	}
	assert_true(count <= keymem_size() / KEYMEM_SMALL);
	for (; last; last = next) {
		next = *last;
		OPENSSL_free(last);
	}
	last = OPENSSL_malloc(KEYMEM_SMALL);
	assert_non_null(last);
	OPENSSL_free(last);
}

/* By the name of the source that asks, and of those two only. */
static void test_only_lists_of_pointers_and_names_stay_outside(void **state)
{
	static const char *const hidden[] = {"../crypto/bn/bn_lib.c", "stack.c", "",
					     "../crypto/stack/stack.cc",
					     "../crypto/stack/stack.c/x.c"};
	static const char *const outside[] = {"../crypto/stack/stack.c",
					      "../crypto/property/property.c"};
	STACK_OF(OPENSSL_STRING) *list = sk_OPENSSL_STRING_new_null();
	void *ptr;

	(void)state;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		ptr = CRYPTO_malloc(100, hidden[i], 1);
		assert_true(keymem_holds(ptr));
		/* Nor does it leave when somebody else makes it larger. */
		ptr = CRYPTO_realloc(ptr, 1000, outside[0], 1);
		assert_true(keymem_holds(ptr));
		CRYPTO_free(ptr, hidden[i], 1);
	}
	ptr = CRYPTO_malloc(100, NULL, 0);
	assert_true(keymem_holds(ptr));
	CRYPTO_free(ptr, NULL, 0);
	for (size_t i = 0; i < 2; i++) {
		ptr = CRYPTO_malloc(100, outside[i], 1);
		assert_false(keymem_holds(ptr));
		/* A secret that somebody puts there moves in. */
		ptr = CRYPTO_realloc(ptr, 50, hidden[0], 1);
		assert_true(keymem_holds(ptr));
		CRYPTO_free(ptr, hidden[0], 1);
	}
	/* This OpenSSL does say who asks. */
	assert_false(keymem_holds(list));
	sk_OPENSSL_STRING_free(list);
}

static void test_what_was_there_before_moves_in_when_it_grows(void **state)
{
	(void)state;
	assert_false(keymem_holds(before));
	assert_string_equal(before, "not a secret");
	before = OPENSSL_realloc(before, 12);
	assert_true(keymem_holds(before));
	assert_memory_equal(before, "not a secret", 12);
	OPENSSL_free(before);
}

/* Whoever knows it knows every key to come. */
static void test_random_state_lies_in_the_arena(void **state)
{
	(void)state;
	assert_true(algorithms_random_is_hidden());
}

/* Each page that is used costs time at a launch and memory for good. */
static void test_tables_of_algorithms_do_not_fill_the_arena(void **state)
{
	struct cert_request request = {
	    .role = CERT_TLS, .common_name = "test", .not_after = 86400};
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	EVP_PKEY *key = NULL;
	uint8_t *first, *second;

	(void)state;
	first = OPENSSL_malloc(KEYMEM_SMALL);
	assert_int_equal(key_new(KEY_P256, &key, NULL), TOBI_OK);
	request.key = key;
	assert_int_equal(cert_make(&request, NULL, NULL, &der, NULL), TOBI_OK);
	second = OPENSSL_malloc(KEYMEM_SMALL);
	assert_true(second > first && second - first < 64 << 10);
	OPENSSL_free(second);
	OPENSSL_free(first);
	EVP_PKEY_free(key);
	wr_done(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_was_there_before_moves_in_when_it_grows),
	    cmocka_unit_test(test_only_lists_of_pointers_and_names_stay_outside),
	    cmocka_unit_test(test_random_state_lies_in_the_arena),
	    cmocka_unit_test(test_tables_of_algorithms_do_not_fill_the_arena),
	    cmocka_unit_test(test_keys_lie_in_the_arena),
	    cmocka_unit_test(test_freed_blocks_are_wiped_and_used_again),
	    cmocka_unit_test(test_growing_keeps_the_content),
	    cmocka_unit_test(test_a_full_arena_gives_nothing_and_recovers),
	};

	if (keymem_init(NULL))
		return 77;
	before = OPENSSL_strdup("not a secret");
	if (!before || algorithms_load(NULL))
		return 1;
	keymem_hide();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
