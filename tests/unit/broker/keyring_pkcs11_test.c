/* The wrap key in a token: SoftHSM. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/key_world.h"

static const char *module;
static char place[256], pin_file[96], tokens[96];
static struct keyring *keyring;

static const char *find_module(void)
{
	static const char *const places[] = {
	    "/usr/lib/softhsm/libsofthsm2.so",
	    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], R_OK) == 0)
			return places[i];
	}
	return NULL;
}

static int run(const char *const arguments[])
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execvp(arguments[0], (char **)(uintptr_t)arguments);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(file_write(path, 0600, text_bytes(text), "test", NULL), 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void make_token(void)
{
	static const char *const arguments[] = {
	    "softhsm2-util", "--init-token", "--free",	 "--label",  "broker",
	    "--pin",	     "4321",	     "--so-pin", "87654321", NULL};

	assert_int_equal(mkdir(tokens, 0700), 0);
	assert_int_equal(run(arguments), 0);
}

static int enter(void **state)
{
	char path[96], text[256];

	if (db_world_enter(state))
		return -1;
	snprintf(tokens, sizeof(tokens), "%s/tokens", db_world.folder);
	snprintf(pin_file, sizeof(pin_file), "%s/pin", db_world.folder);
	snprintf(path, sizeof(path), "%s/softhsm2.conf", db_world.folder);
	snprintf(text, sizeof(text),
		 "directories.tokendir = %s\nobjectstore.backend = file\n"
		 "log.level = ERROR\n",
		 tokens);
	put(path, text);
	put(pin_file, "4321\n");
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
	make_token();
	snprintf(place, sizeof(place), "pkcs11:%s?token=broker", module);
	keyring = key_world_make(place, pin_file);
	return 0;
}

static int leave(void **state)
{
	keyring_free(keyring);
	keyring = NULL;
	nftw(tokens, remove_one, 8, FTW_DEPTH | FTW_PHYS);
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
	put(pin_file, "9999");
	assert_int_equal(key_world_open(place, pin_file, &none), TOBI_E_DENIED);
	put(pin_file, "4321");
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
	assert_int_equal(nftw(tokens, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	make_token();
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

	module = find_module();
	if (!module) {
		printf("skipped: there is no SoftHSM (package softhsm2)\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
