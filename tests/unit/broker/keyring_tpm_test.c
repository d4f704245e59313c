/* Store keys sealed by a TPM: swtpm. */
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/key_world.h"

static char state_folder[96], place[160];
static pid_t tpm;
static struct keyring *keyring;

static bool is_there(const char *program)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return system(command) == 0;
}

static void start_tpm(void)
{
	char folder[128], server[160], control[160];

	snprintf(folder, sizeof(folder), "dir=%s", state_folder);
	snprintf(server, sizeof(server), "type=unixio,path=%s/socket", state_folder);
	snprintf(control, sizeof(control), "type=unixio,path=%s/socket.ctrl",
		 state_folder);
	tpm = fork();
	if (tpm == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(126);
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", folder,
		       "--server", server, "--ctrl", control, "--flags",
		       "not-need-init,startup-clear", NULL);
		_exit(127);
	}
	snprintf(control, sizeof(control), "%s/socket.ctrl", state_folder);
	for (int i = 0; i < 200 && access(control, F_OK) != 0; i++)
		usleep(20000);
	assert_int_equal(access(control, F_OK), 0);
}

static void stop_tpm(void)
{
	char path[128];

	kill(tpm, SIGTERM);
	waitpid(tpm, NULL, 0);
	snprintf(path, sizeof(path), "%s/socket", state_folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/socket.ctrl", state_folder);
	unlink(path);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int enter(void **state)
{
	if (db_world_enter(state))
		return -1;
	snprintf(state_folder, sizeof(state_folder), "%s/tpm", db_world.folder);
	assert_int_equal(mkdir(state_folder, 0700), 0);
	snprintf(place, sizeof(place), "tpm:swtpm:path=%s/socket", state_folder);
	start_tpm();
	keyring = key_world_make(place, NULL);
	return 0;
}

static int leave(void **state)
{
	keyring_free(keyring);
	keyring = NULL;
	stop_tpm();
	nftw(state_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return db_world_leave(state);
}

static void test_keyring_tpm__rotation__all_open(void **state)
{
	(void)state;
	key_world_round(keyring, place, NULL);
}

static void test_keyring_tpm__restarted__opens(void **state)
{
	struct keyring *again = NULL;

	(void)state;
	stop_tpm();
	start_tpm();
	assert_int_equal(keyring_check(keyring, NULL), TOBI_OK);
	assert_int_equal(key_world_open(place, NULL, &again), TOBI_OK);
	keyring_free(again);
}

static void test_keyring_tpm__damaged_rows__refused(void **state)
{
	(void)state;
	key_world_damage(place, NULL);
}

static void test_keyring_tpm__another_tpm__lost(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	stop_tpm();
	assert_int_equal(nftw(state_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(mkdir(state_folder, 0700), 0);
	start_tpm();
	/* A new one has no storage key; and when it gets one, that is another. */
	assert_int_equal(key_world_open(place, NULL, &none), TOBI_E_NOT_FOUND);
	assert_non_null(strstr(db_world.fault.message, "nothing in the database"));
	assert_non_null(strstr(db_world.fault.message, "81000001 "));
	db_world_do("CREATE TABLE kept AS SELECT * FROM store_keys", NO_VALUES);
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	assert_int_equal(keyring_init(db_world.db, place, NULL, NULL), TOBI_OK);
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	db_world_do("INSERT INTO store_keys SELECT * FROM kept", NO_VALUES);
	assert_int_equal(key_world_open(place, NULL, &none), TOBI_E_MISMATCH);
	assert_non_null(strstr(db_world.fault.message, "nothing in the database"));
}

static void test_keyring_tpm__away__says_so(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	stop_tpm();
	assert_int_not_equal(keyring_check(keyring, NULL), TOBI_OK);
	assert_int_not_equal(key_world_open(place, NULL, &none), TOBI_OK);
	start_tpm();
	assert_int_equal(keyring_check(keyring, NULL), TOBI_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_keyring_tpm__rotation__all_open),
	    TEST(test_keyring_tpm__restarted__opens),
	    TEST(test_keyring_tpm__damaged_rows__refused),
	    TEST(test_keyring_tpm__another_tpm__lost),
	    TEST(test_keyring_tpm__away__says_so),
	};

	if (!is_there("swtpm")) {
		printf("skipped: there is no swtpm\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
