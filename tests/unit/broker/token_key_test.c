/* The key that signs, made of the store keys. On both databases. */
#include <stdio.h>

#include "broker/token_key.h"
#include "codec/cose.h"
#include "tests/key_world.h"

static struct keyring *keyring;
static char place[160];

static int enter(void **state)
{
	if (db_world_enter(state))
		return -1;
	snprintf(place, sizeof(place), "file:%s/wrap.key", db_world.folder);
	keyring = key_world_make(place, NULL);
	return 0;
}

static int leave(void **state)
{
	keyring_free(keyring);
	keyring = NULL;
	return db_world_leave(state);
}

static void id_of(struct keyring *of, uint8_t ret_id[static SHA384_SIZE])
{
	EVP_PKEY *key = NULL;

	assert_int_equal(token_key_derive(of, &key, NULL), TOBI_OK);
	assert_int_equal(key_spki_sha384(key, ret_id, NULL), TOBI_OK);
	EVP_PKEY_free(key);
}

static void test_token_key__derived__is_a_whole_p256_key(void **state)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	EVP_PKEY *key = NULL, *again = NULL;
	EVP_PKEY_CTX *check;

	(void)state;
	assert_int_equal(token_key_derive(keyring, &key, NULL), TOBI_OK);
	assert_int_equal(EVP_PKEY_get_bits(key), 256);
	/* The public half is that of the private one. */
	check = EVP_PKEY_CTX_new(key, NULL);
	assert_int_equal(EVP_PKEY_check(check), 1);
	EVP_PKEY_CTX_free(check);
	/* As one from a file. */
	assert_int_equal(key_write_private(key, &pem, NULL), TOBI_OK);
	assert_int_equal(key_read_private(wr_view(&pem), "key", &again, NULL), TOBI_OK);
	assert_int_equal(EVP_PKEY_eq(key, again), 1);
	EVP_PKEY_free(key);
	EVP_PKEY_free(again);
}

static void test_token_key__rotation_and_others__the_same(void **state)
{
	uint8_t first[SHA384_SIZE], later[SHA384_SIZE], others[SHA384_SIZE];
	struct keyring *other = NULL;
	uint64_t generation;

	(void)state;
	id_of(keyring, first);
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_OK);
	id_of(keyring, later);
	assert_memory_equal(first, later, sizeof(first));
	assert_int_equal(key_world_open(place, NULL, &other), TOBI_OK);
	id_of(other, others);
	assert_memory_equal(first, others, sizeof(first));
	keyring_free(other);
}

static void test_token_key__other_store_keys__another(void **state)
{
	uint8_t first[SHA384_SIZE], second[SHA384_SIZE];

	id_of(keyring, first);
	assert_int_equal(leave(state), 0);
	assert_int_equal(enter(state), 0);
	id_of(keyring, second);
	assert_memory_not_equal(first, second, sizeof(first));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	    TEST(test_token_key__derived__is_a_whole_p256_key),
	    TEST(test_token_key__rotation_and_others__the_same),
	    TEST(test_token_key__other_store_keys__another),
#undef TEST
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
