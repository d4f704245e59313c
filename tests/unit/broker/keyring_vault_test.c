/* Wrap keys in Vault: tests/tools/vault_transit.py answers as its transit engine does,
 * and as it should not. */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "broker/broker.h"
#include "broker/keyring.h"
#include "tests/db_world.h"

static const char *server_program;
static pid_t server;
static unsigned port;
static char place[160], pin_file[96], mode_file[96], seen_file[96];
static struct keyring *keyring;

static void put(const char *path, const char *text)
{
	assert_int_equal(file_write(path, 0600, text_bytes(text), "test", NULL), TOBI_OK);
}

static void start_server(void)
{
	char line[16] = "";
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		execlp("python3", "python3", server_program, db_world.folder, NULL);
		_exit(127);
	}
	close(ends[1]);
	assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
	close(ends[0]);
	port = (unsigned)strtoul(line, NULL, 10);
	assert_true(port > 0);
}

static enum tobi_err open_again(struct keyring **ret_keyring)
{
	db_world.fault = (struct tobi_fault){0};
	return keyring_open(db_world.db, place, pin_file, ret_keyring, &db_world.fault);
}

static int enter(void **state)
{
	if (db_world_enter(state))
		return -1;
	snprintf(pin_file, sizeof(pin_file), "%s/token", db_world.folder);
	snprintf(mode_file, sizeof(mode_file), "%s/mode", db_world.folder);
	snprintf(seen_file, sizeof(seen_file), "%s/seen", db_world.folder);
	put(pin_file, "s.right\n");
	put(mode_file, "ok");
	start_server();
	snprintf(place, sizeof(place), "vault:http://127.0.0.1:%u/broker", port);
	if (db_migrate(db_world.db, broker_migrations, broker_migration_count,
		       &db_world.fault) ||
	    keyring_init(db_world.db, place, pin_file, &db_world.fault) ||
	    open_again(&keyring))
		fail_msg("%s", db_world.fault.message);
	return 0;
}

static int leave(void **state)
{
	keyring_free(keyring);
	keyring = NULL;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return db_world_leave(state);
}

static void test_keyring_vault__up__seals_and_opens(void **state)
{
	struct writer sealed = wr_init(4096);
	struct secret plain = {0};
	struct keyring *second = NULL;
	uint64_t generation = 0;

	(void)state;
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_OK);
	assert_int_equal(
	    keyring_seal(keyring, text_bytes("c"), text_bytes("secret"), &sealed, NULL),
	    TOBI_OK);
	assert_int_equal(open_again(&second), TOBI_OK);
	assert_int_equal(
	    keyring_open_blob(second, text_bytes("c"), wr_view(&sealed), &plain, NULL),
	    TOBI_OK);
	assert_bytes_equal(secret_view(&plain), text_bytes("secret"));
	assert_int_equal(keyring_check(second, NULL), TOBI_OK);
	secret_done(&plain);
	wr_done(&sealed);
	keyring_free(second);
}

/* What the database has, with what Vault saw, opens; each alone does not have the key. */
static void test_keyring_vault__seen_by_vault__is_padded(void **state)
{
	struct writer seen = wr_init(1 << 16);

	(void)state;
	assert_int_equal(file_read(seen_file, 1 << 16, "seen", &seen, NULL), TOBI_OK);
	assert_non_null(memmem(seen.ptr, seen.size, "/v1/transit/keys/broker", 23));
	assert_non_null(memmem(seen.ptr, seen.size, "/v1/transit/encrypt/broker", 26));
	/* "TBK1" and the number 0 in base64, as the store key's plain text starts. */
	assert_null(memmem(seen.ptr, seen.size, "VEJLMQAAAAAAAAA", 15));
	wr_done(&seen);
}

static void test_keyring_vault__odd_answers__each_has_its_error(void **state)
{
	static const struct {
		const char *mode;
		enum tobi_err opening, rotating;
		const char *says;
	} cases[] = {
	    {"sealed", TOBI_E_SYSTEM, TOBI_E_SYSTEM, "sealed"},
	    {"broken", TOBI_E_SYSTEM, TOBI_E_SYSTEM, "500"},
	    {"empty", TOBI_E_MALFORMED, TOBI_E_MALFORMED, ""},
	    {"html", TOBI_E_MALFORMED, TOBI_E_MALFORMED, ""},
	    {"noise", TOBI_E_MALFORMED, TOBI_E_MALFORMED, ""},
	    {"nothing", TOBI_E_MALFORMED, TOBI_E_MALFORMED, ""},
	    {"short", TOBI_E_MISMATCH, TOBI_E_MISMATCH, "gives 3 bytes"},
	    {"huge", TOBI_E_LIMIT, TOBI_E_LIMIT, "over 65536 bytes"},
	    {"redirect", TOBI_E_SYSTEM, TOBI_E_SYSTEM, "active server"},
	    {"cut", TOBI_E_PROTOCOL, TOBI_E_PROTOCOL, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keyring *none = NULL;
		uint64_t generation = 7;

		put(mode_file, cases[i].mode);
		assert_int_equal(open_again(&none), cases[i].opening);
		assert_non_null(strstr(db_world.fault.message, cases[i].says));
		assert_null(none);
		assert_int_equal(keyring_rotate(keyring, &generation, NULL),
				 cases[i].rotating);
		assert_int_equal(generation, 7);
		assert_int_equal(keyring_check(keyring, NULL), cases[i].opening);
	}
	put(mode_file, "ok");
	assert_int_equal(keyring_check(keyring, NULL), TOBI_OK);
	assert_int_equal(db_world_number("SELECT count(*) FROM store_keys", NO_VALUES),
			 2);
}

static void test_keyring_vault__stalls__timeout(void **state)
{
	(void)state;
	put(mode_file, "stall");
	assert_int_equal(keyring_check(keyring, NULL), TOBI_E_TIMEOUT);
	put(mode_file, "ok");
	assert_int_equal(keyring_check(keyring, NULL), TOBI_OK);
}

static void test_keyring_vault__token__is_read_each_time(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	put(pin_file, "s.wrong");
	assert_int_equal(open_again(&none), TOBI_E_DENIED);
	assert_non_null(strstr(db_world.fault.message, "token"));
	assert_int_equal(keyring_check(keyring, NULL), TOBI_E_DENIED);
	put(pin_file, "s.right");
	assert_int_equal(keyring_check(keyring, NULL), TOBI_OK);
	put(pin_file, "");
	assert_int_equal(keyring_check(keyring, NULL), TOBI_E_MALFORMED);
	put(pin_file, "s.right\r\nX-Other: 1");
	assert_int_equal(keyring_check(keyring, NULL), TOBI_E_MALFORMED);
	put(pin_file, "s.right");
	assert_int_equal(chmod(pin_file, 0644), 0);
	assert_int_equal(keyring_check(keyring, NULL), TOBI_E_DENIED);
	assert_int_equal(keyring_open(db_world.db, place, NULL, &none, NULL),
			 TOBI_E_ARGUMENT);
}

static void test_keyring_vault__key_gone__names_it(void **state)
{
	struct keyring *none = NULL;
	uint64_t generation = 0;

	(void)state;
	put(mode_file, "key-replaced");
	assert_int_equal(open_again(&none), TOBI_E_MISMATCH);
	assert_non_null(strstr(db_world.fault.message, "transit/broker"));
	assert_non_null(strstr(db_world.fault.message, "nothing in the database"));
	put(mode_file, "key-gone");
	assert_int_equal(open_again(&none), TOBI_E_NOT_FOUND);
	assert_non_null(strstr(db_world.fault.message, "transit/broker"));
	/* No new store key is wrapped by a key that came in its place. */
	put(mode_file, "ok");
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_E_NOT_FOUND);
}

static void test_keyring_vault__server_away__system(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	assert_int_equal(open_again(&none), TOBI_E_SYSTEM);
	assert_int_equal(keyring_check(keyring, NULL), TOBI_E_SYSTEM);
}

static void test_keyring_vault__may_not_make_keys__uses_what_is_there(void **state)
{
	(void)state;
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	put(mode_file, "may-not-make");
	assert_int_equal(keyring_init(db_world.db, place, pin_file, NULL), TOBI_OK);
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	snprintf(place, sizeof(place), "vault:http://127.0.0.1:%u/other", port);
	assert_int_equal(keyring_init(db_world.db, place, pin_file, NULL),
			 TOBI_E_NOT_FOUND);
	/* Another mount is not there. */
	snprintf(place, sizeof(place), "vault:http://127.0.0.1:%u/elsewhere/broker",
		 port);
	put(mode_file, "ok");
	assert_int_equal(keyring_init(db_world.db, place, pin_file, NULL),
			 TOBI_E_NOT_FOUND);
	snprintf(place, sizeof(place), "vault:http://127.0.0.1:%u/transit/broker", port);
	assert_int_equal(keyring_init(db_world.db, place, pin_file, NULL), TOBI_OK);
}

static void test_keyring_vault__row_changed__refused(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(text_bytes(""))));
	assert_int_equal(open_again(&none), TOBI_E_TRUNCATED);
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(text_bytes("\x2cshort"))));
	assert_int_equal(open_again(&none), TOBI_E_TRUNCATED);
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(text_bytes("\x01xvault:v1:AAAA\",\"x\":\"y"))));
	assert_int_equal(open_again(&none), TOBI_E_MALFORMED);
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(text_bytes("\x01xvault:v1:AAAA"))));
	assert_int_equal(open_again(&none), TOBI_E_MISMATCH);
}

static void test_keyring_vault__odd_places__argument(void **state)
{
	static const char *const odd[] = {
	    "vault:",
	    "vault:https://",
	    "vault:https://host",
	    "vault:https://host/",
	    "vault:https:///key",
	    "vault:https://host/a/b/c",
	    "vault:https://host/transit/",
	    "vault:https://host/../key",
	    "vault:https://host/k%20y",
	    "vault:https://host/key?ca",
	    "vault:https://host/key?other=x",
	    ("vault:https://host/"
	     "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"),
	    "vault:http://example.org/key",
	    "vault:ftp://localhost/key",
	};

	(void)state;
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_equal(keyring_init(db_world.db, odd[i], pin_file, NULL),
				 TOBI_E_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_keyring_vault__up__seals_and_opens),
	    TEST(test_keyring_vault__seen_by_vault__is_padded),
	    TEST(test_keyring_vault__odd_answers__each_has_its_error),
	    TEST(test_keyring_vault__stalls__timeout),
	    TEST(test_keyring_vault__token__is_read_each_time),
	    TEST(test_keyring_vault__key_gone__names_it),
	    TEST(test_keyring_vault__server_away__system),
	    TEST(test_keyring_vault__may_not_make_keys__uses_what_is_there),
	    TEST(test_keyring_vault__row_changed__refused),
	    TEST(test_keyring_vault__odd_places__argument),
	};

	if (argc != 2)
		return 1;
	server_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
