/*
 * Store keys sealed by an enclave's agent. The agent is played, as process 1 of a process
 * namespace with a socket at the agent's place; who may not make one skips.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "ipc/packet.h"
#include "pki/key.h"
#include "seal/ask.h"
#include "seal/memfile.h"
#include "tests/key_world.h"

#define MODE ASK_FOLDER "/mode"

enum { CONTENT_MAX = 4096, SKIPPED = 77 };

/* ---- the agent ---- */

/* Its seal: the policy, a hash over all of it with a key, and the content behind a pad.
 */
static void mac(uint8_t to, struct tobi_bytes bound, struct tobi_bytes content,
		uint8_t ret_hash[static SHA256_SIZE])
{
	struct writer out = wr_init(1 << 16);

	wr_printf(&out, "the played platform's key %u %zu ", to, bound.size);
	wr_bytes(&out, bound.ptr, bound.size);
	wr_bytes(&out, content.ptr, content.size);
	if (wr_err(&out) || hash_sha256(wr_view(&out), ret_hash))
		abort();
	wr_done(&out);
}

static void seal(const struct ask *ask, struct tobi_bytes content, struct writer *out)
{
	uint8_t hash[SHA256_SIZE];

	mac((uint8_t)ask->to, ask->associated, content, hash);
	wr_u8(out, (uint8_t)ask->to);
	wr_bytes(out, hash, sizeof(hash));
	for (size_t i = 0; i < content.size; i++)
		wr_u8(out, content.ptr[i] ^ 0x5a);
}

static enum tobi_err unseal(const struct ask *ask, struct tobi_bytes sealed,
			    struct writer *out)
{
	uint8_t hash[SHA256_SIZE];

	if (sealed.size < 1 + SHA256_SIZE)
		return TOBI_E_TRUNCATED;
	for (size_t i = 1 + SHA256_SIZE; i < sealed.size; i++)
		wr_u8(out, sealed.ptr[i] ^ 0x5a);
	mac(sealed.ptr[0], ask->associated, wr_view(out), hash);
	return memcmp(hash, sealed.ptr + 1, sizeof(hash)) ? TOBI_E_MISMATCH : TOBI_OK;
}

static enum tobi_err mode(void)
{
	struct writer word = wr_init(64);
	enum tobi_err err = TOBI_OK;

	if (file_read(MODE, 64, "mode", &word, NULL))
		abort();
	if (word.size == 6 && memcmp(word.ptr, "denied", 6) == 0)
		err = TOBI_E_DENIED;
	if (word.size == 5 && memcmp(word.ptr, "other", 5) == 0)
		err = TOBI_E_MISMATCH;
	wr_done(&word);
	return err;
}

static void serve(int fd)
{
	struct writer out = wr_init(CONTENT_MAX), made = wr_init(CONTENT_MAX);
	struct tobi_fault fault = {0};
	struct answer answer = {.kind = ANSWER_CONTENT};
	struct packet packet = {0};
	uint8_t content[CONTENT_MAX];
	struct ask ask;
	ssize_t size = 0;
	enum tobi_err err;
	int file = -1;

	if (packet_receive(fd, LIMIT_ASK, &packet, NULL) ||
	    ask_parse(wr_view(&packet.bytes), &ask, NULL))
		abort();
	size = pread(packet.fds[0], content, sizeof(content), 0);
	err = mode();
	if (!err && ask.kind == ASK_SEAL)
		seal(&ask, (struct tobi_bytes){content, (size_t)size}, &made);
	else if (!err)
		err = unseal(&ask, (struct tobi_bytes){content, (size_t)size}, &made);
	if (err) {
		fault.code = err;
		snprintf(fault.message, sizeof(fault.message),
			 "the played agent says no");
		packet_write_fault(&out, ANSWER_FAULT, &fault);
	} else {
		answer_write(&out, &answer);
		if (memfile_new(wr_view(&made), &file, NULL))
			abort();
	}
	if (packet_send(fd, wr_view(&out), &file, file >= 0, NULL))
		abort();
	if (file >= 0)
		close(file);
	packet_done(&packet);
	wr_done(&out);
	wr_done(&made);
}

static int listen_as_agent(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", ASK_FOLDER,
		 ASK_SOCKET);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 8))
		abort();
	return fd;
}

/* Until the tests have ended: their status. */
static int be_agent(int fd, pid_t tests)
{
	int status = 0;

	while (waitpid(tests, &status, WNOHANG) == 0) {
		struct pollfd wait = {fd, POLLIN, 0};
		int client;

		if (poll(&wait, 1, 50) <= 0)
			continue;
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (client >= 0)
			serve(client);
		close(client);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* ---- the tests ---- */

static struct keyring *keyring;

static void put_mode(const char *word)
{
	assert_int_equal(file_write(MODE, 0600, text_bytes(word), "test", NULL), 0);
}

static int enter(void **state)
{
	if (db_world_enter(state))
		return -1;
	put_mode("ok");
	keyring = key_world_make("enclave:", NULL);
	return 0;
}

static int leave(void **state)
{
	keyring_free(keyring);
	keyring = NULL;
	return db_world_leave(state);
}

static void test_keyring_enclave__rotation__all_open(void **state)
{
	(void)state;
	key_world_round(keyring, "enclave:signer", NULL);
}

static void test_keyring_enclave__damaged_rows__refused(void **state)
{
	(void)state;
	key_world_damage("enclave:", NULL);
}

static void test_keyring_enclave__another_image__lost(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	put_mode("denied");
	assert_int_equal(key_world_open("enclave:", NULL, &none), TOBI_E_DENIED);
	put_mode("other");
	assert_int_equal(key_world_open("enclave:", NULL, &none), TOBI_E_MISMATCH);
	assert_non_null(strstr(db_world.fault.message, "nothing in the database"));
	put_mode("ok");
	assert_int_equal(key_world_open("enclave:image", NULL, &none), TOBI_E_MISMATCH);
	assert_non_null(strstr(db_world.fault.message, "signer"));
}

static void test_keyring_enclave__sealed_to_the_image__opens(void **state)
{
	struct keyring *again = NULL;

	(void)state;
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	assert_int_equal(keyring_init(db_world.db, "enclave:image", NULL, NULL), TOBI_OK);
	assert_int_equal(key_world_open("enclave:image", NULL, &again), TOBI_OK);
	assert_int_equal(keyring_check(again, NULL), TOBI_OK);
	keyring_free(again);
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	assert_int_equal(keyring_init(db_world.db, "enclave:platform", NULL, NULL),
			 TOBI_E_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_keyring_enclave__rotation__all_open),
	    TEST(test_keyring_enclave__damaged_rows__refused),
	    TEST(test_keyring_enclave__another_image__lost),
	    TEST(test_keyring_enclave__sealed_to_the_image__opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Process 1. */
static int play(void)
{
	pid_t tests;
	int fd;

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("run", "/run", "tmpfs", 0, "size=1m") || mkdir(ASK_FOLDER, 0700)) {
		printf("skipped: nothing can be mounted here\n");
		return SKIPPED;
	}
	fd = listen_as_agent();
	tests = fork();
	if (tests == 0)
		exit(run_all());
	return be_agent(fd, tests);
}

int main(void)
{
	int status = 0;
	pid_t agent;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS)) {
		printf("skipped: no namespaces of its own for an agent\n");
		return SKIPPED;
	}
	agent = fork();
	if (agent == 0)
		exit(play());
	waitpid(agent, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
