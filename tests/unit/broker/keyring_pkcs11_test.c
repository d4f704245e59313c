/* The wrap key in a token: SoftHSM. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/key_world.h"
#include "tests/softhsm.h"

static const char *module;
static char place[256], pin_file[96], tokens[96];
static struct keyring *keyring;

static int enter(void **state)
{
	if (db_world_enter(state))
		return -1;
	snprintf(tokens, sizeof(tokens), "%s/tokens", db_world.folder);
	snprintf(pin_file, sizeof(pin_file), "%s/pin", db_world.folder);
	softhsm_make(db_world.folder, "broker");
	snprintf(place, sizeof(place), "pkcs11:%s?token=broker", module);
	keyring = key_world_make(place, pin_file);
	return 0;
}

static int leave(void **state)
{
	keyring_free(keyring);
	keyring = NULL;
	assert_int_equal(softhsm_remove(tokens), 0);
	return db_world_leave(state);
}

static void test_keyring_pkcs11__rotation__all_open(void **state)
{
	(void)state;
	key_world_round(keyring, place, pin_file);
}

static void test_keyring_pkcs11__damaged_rows__refused(void **state)
{
	(void)state;
	key_world_damage(place, pin_file);
}

static void test_keyring_pkcs11__changed__signature(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	db_world_do("UPDATE store_keys SET wrapped = (SELECT wrapped FROM store_keys "
		    "WHERE generation = 0) WHERE generation = 1",
		    NO_VALUES);
	assert_int_equal(key_world_open(place, pin_file, &none), TOBI_E_SIGNATURE);
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(text_bytes("012345678901234567890123456789012345678901234567"
					"890123456789012345678901"))));
	assert_int_equal(key_world_open(place, pin_file, &none), TOBI_E_SIGNATURE);
}

static void test_keyring_pkcs11__wrong_pin__denied(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	/* Modules know who is logged in for the whole process. */
	keyring_free(keyring);
	keyring = NULL;
	softhsm_write(pin_file, "9999");
	assert_int_equal(key_world_open(place, pin_file, &none), TOBI_E_DENIED);
	softhsm_write(pin_file, "4321");
	assert_int_equal(key_world_open(place, pin_file, &none), TOBI_OK);
	keyring_free(none);
	none = NULL;
	assert_int_equal(key_world_open(place, NULL, &none), TOBI_E_ARGUMENT);
}

static void test_keyring_pkcs11__new_token_of_that_name__lost(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	keyring_free(keyring);
	keyring = NULL;
	assert_int_equal(softhsm_remove(tokens), 0);
	softhsm_make(db_world.folder, "broker");
	assert_int_equal(key_world_open(place, pin_file, &none), TOBI_E_NOT_FOUND);
	assert_non_null(strstr(db_world.fault.message, "broker serial number"));
	assert_non_null(strstr(db_world.fault.message, "nothing in the database"));
}

static void test_keyring_pkcs11__odd_places__argument(void **state)
{
	static const char *const odd[] = {
	    "pkcs11:", "pkcs11:/x", "pkcs11:?token=a",
	    "pkcs11:/x?token=", "pkcs11:/x?token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	(void)state;
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_equal(keyring_init(db_world.db, odd[i], pin_file, NULL),
				 TOBI_E_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_keyring_pkcs11__rotation__all_open),
	    TEST(test_keyring_pkcs11__damaged_rows__refused),
	    TEST(test_keyring_pkcs11__changed__signature),
	    TEST(test_keyring_pkcs11__wrong_pin__denied),
	    TEST(test_keyring_pkcs11__new_token_of_that_name__lost),
	    TEST(test_keyring_pkcs11__odd_places__argument),
	};

	module = softhsm_module();
	if (!module) {
		printf("skipped: there is no SoftHSM (package softhsm2)\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
