#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "codec/cbor.h"
#include "daemons/platform/signer.h"
#include "ipc/packet.h"
#include "pki/chain.h"
#include "tests/bytes.h"

/* A platform made for the tests, and a signer for it. */
static struct {
	char folder[64];
	struct root *root;
	struct signer signer;
} world;

static void in_folder(char *out, size_t room, const char *name)
{
	snprintf(out, room, "%s/%s", world.folder, name);
}

static int enter(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	snprintf(world.folder, sizeof(world.folder), "/tmp/tobichi-signer-XXXXXX");
	return mkdtemp(world.folder) &&
		       root_init(world.folder, "file", NULL, time(NULL), &fault) ==
			   TOBI_OK &&
		       root_open(world.folder, &world.root, &fault) == TOBI_OK &&
		       signer_start(world.folder, &world.signer, &fault) == TOBI_OK
		   ? 0
		   : -1;
}

static void empty_folder(void)
{
	DIR *folder = opendir(world.folder);
	struct dirent *entry;
	char path[512];

	while (folder && (entry = readdir(folder))) {
		in_folder(path, sizeof(path), entry->d_name);
		unlink(path);
	}
	closedir(folder);
}

static int leave(void **state)
{
	(void)state;
	signer_stop(&world.signer);
	root_free(world.root);
	world.root = NULL;
	empty_folder();
	return rmdir(world.folder);
}

static void test_signer_derive__any_info__is_what_the_root_derives(void **state)
{
	const struct tobi_bytes infos[] = {text_bytes(""), text_bytes("a"),
					   text_bytes("another")};
	const uint8_t zeros[32] = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint8_t asked[32] = {0}, own[32] = {0}, of_zeros[32] = {0};

		assert_int_equal(signer_derive(&world.signer, infos[i], asked, NULL), 0);
		assert_int_equal(root_derive(world.root, infos[i], own, NULL), 0);
		assert_memory_equal(asked, own, 32);
		/* What a root that was lost on the way would give. */
		assert_int_equal(
		    hkdf_sha256((struct tobi_bytes){zeros, 32}, infos[i], of_zeros, 32),
		    0);
		assert_memory_not_equal(asked, of_zeros, 32);
	}
}

static void test_signer_start__its_public_part__is_that_of_the_root(void **state)
{
	const struct tobi_bytes *chain;
	uint8_t ueid[33];

	(void)state;
	root_ueid(world.root, ueid);
	assert_memory_equal(world.signer.ueid, ueid, sizeof(ueid));
	assert_string_equal(world.signer.root_kind, "file");
	assert_int_equal(root_chain(world.root, &chain), world.signer.chain_count);
	for (size_t i = 0; i < world.signer.chain_count; i++)
		assert_bytes_equal(world.signer.chain[i], chain[i]);
	assert_int_equal(world.signer.endorse.size, 0);
}

static void test_signer_sign__a_message__verifies_under_the_platform_key(void **state)
{
	struct cose_signer signer = {world.signer.alg, signer_sign, &world.signer};
	struct cose_headers headers = {NULL, world.signer.chain,
				       world.signer.chain_count};
	struct writer out = wr_init(LIMIT_TOKEN);
	X509 *certificate = NULL;
	struct cose_sign1 sign1;

	(void)state;
	assert_int_equal(
	    cose_write(&out, &signer, &headers, text_bytes("claims"), false, NULL), 0);
	assert_int_equal(
	    cose_parse(wr_view(&out), true, COSE_TAGGED, "token", &sign1, NULL), 0);
	assert_int_equal(
	    chain_read_certificate(world.signer.chain[0], "test", &certificate, NULL), 0);
	assert_int_equal(cose_verify(&sign1, X509_get0_pubkey(certificate),
				     (struct tobi_bytes){0}, sign1.payload, "token",
				     NULL),
			 0);
	X509_free(certificate);
	wr_done(&out);
}

static void expect_start(enum tobi_err err, const char *field)
{
	struct signer signer;
	struct tobi_fault fault = {0};

	assert_int_equal(signer_start(world.folder, &signer, &fault), err);
	assert_int_equal(fault.code, err);
	assert_non_null(strstr(fault.message, field));
}

static void test_signer_start__no_platform__says_so(void **state)
{
	char path[128];

	(void)state;
	in_folder(path, sizeof(path), "platform.key");
	assert_int_equal(unlink(path), 0);
	expect_start(TOBI_E_NOT_FOUND, "tobichi platform init");
}

static void test_signer_start__a_key_that_others_may_read__is_refused(void **state)
{
	char path[128];

	(void)state;
	in_folder(path, sizeof(path), "seal-root");
	assert_int_equal(chmod(path, 0640), 0);
	expect_start(TOBI_E_DENIED, "others may read");
}

/* As an ordinary user with so little: 0 when the signer says that it could not. */
static int start_with_little_to_lock(void)
{
	const struct rlimit little = {1 << 20, 1 << 20};
	struct signer signer;
	bool locked;

	if (setrlimit(RLIMIT_MEMLOCK, &little) ||
	    (geteuid() == 0 &&
	     (chown(world.folder, 65534, 65534) || setresgid(65534, 65534, 65534) ||
	      setresuid(65534, 65534, 65534))))
		return 2;
	if (root_init(world.folder, "file", NULL, time(NULL), NULL) ||
	    signer_start(world.folder, &signer, NULL))
		return 3;
	locked = signer.locked;
	signer_stop(&signer);
	return locked ? 1 : 0;
}

static void test_signer_start__little_may_be_locked__works_and_says_so(void **state)
{
	struct signer *signer = &world.signer;
	int status = 0;
	pid_t pid;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* its run time does not lock anything */
#endif
	assert_true(signer->locked || geteuid() != 0);
	empty_folder();
	pid = fork();
	if (pid == 0)
		_exit(start_with_little_to_lock());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- a played signer ---- */

static void write_answer(struct writer *out, unsigned kind, unsigned number)
{
	const uint8_t key[32] = {7};

	cbor_write_map(out, 3);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, kind);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, number);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, (struct tobi_bytes){key, sizeof(key)});
}

/* A signer of which this test is the other side. */
static struct signer play(int *ret_fd)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	*ret_fd = pair[1];
	return (struct signer){.pid = -1, .fd = pair[0]};
}

/* Says it before it is asked: so it lies there as an answer that came late does. */
static void say(int fd, unsigned kind, unsigned number)
{
	struct writer out = wr_init(256);

	write_answer(&out, kind, number);
	assert_int_equal(packet_send(fd, wr_view(&out), NULL, 0, NULL), 0);
	wr_done(&out);
}

enum { SIGN = 1, SIGNATURE, DERIVE, KEY, PUBLIC, COUNTER, VALUE };

static void test_signer_derive__an_answer_to_an_earlier_request__ends_it(void **state)
{
	uint8_t key[32] = {0};
	struct tobi_fault fault = {0};
	int fd;
	struct signer signer = play(&fd);

	(void)state;
	say(fd, KEY, 1);
	say(fd, KEY, 1);
	say(fd, KEY, 3);
	assert_int_equal(signer_derive(&signer, text_bytes("one"), key, NULL), 0);
	assert_int_equal(key[0], 7);
	assert_int_equal(signer_derive(&signer, text_bytes("two"), key, &fault),
			 TOBI_E_PROTOCOL);
	assert_true(signer_is_lost(&signer));
	/* Nor is the right answer taken that would follow. */
	assert_int_equal(signer_derive(&signer, text_bytes("three"), key, &fault),
			 TOBI_E_NOT_FOUND);
	signer_stop(&signer);
	close(fd);
}

static void test_signer_derive__an_answer_of_another_kind__ends_it(void **state)
{
	uint8_t key[32] = {0};
	int fd;
	struct signer signer = play(&fd);

	(void)state;
	say(fd, SIGNATURE, 1);
	assert_int_equal(signer_derive(&signer, text_bytes("one"), key, NULL),
			 TOBI_E_PROTOCOL);
	assert_true(signer_is_lost(&signer));
	signer_stop(&signer);
	close(fd);
}

static void test_signer_derive__a_fault_as_answer__comes_back_and_it_lives(void **state)
{
	struct tobi_fault fault = {.code = TOBI_E_CRYPTO, .message = "not today"}, got;
	struct writer out = wr_init(1024);
	uint8_t key[32] = {0};
	int fd;
	struct signer signer = play(&fd);

	(void)state;
	packet_write_fault(&out, 13, &fault);
	assert_int_equal(packet_send(fd, wr_view(&out), NULL, 0, NULL), 0);
	say(fd, KEY, 2);
	assert_int_equal(signer_derive(&signer, text_bytes("one"), key, &got),
			 TOBI_E_CRYPTO);
	assert_string_equal(got.message, "not today");
	assert_int_equal(signer_derive(&signer, text_bytes("two"), key, &got), 0);
	signer_stop(&signer);
	close(fd);
	wr_done(&out);
}

static void test_signer_derive__it_has_died__is_lost(void **state)
{
	uint8_t key[32];

	(void)state;
	assert_int_equal(kill(world.signer.pid, SIGKILL), 0);
	assert_int_equal(signer_derive(&world.signer, text_bytes("one"), key, NULL),
			 TOBI_E_NOT_FOUND);
	assert_true(signer_is_lost(&world.signer));
}

/* A root without one says so; the signer lives on. */
static void test_signer_counter__of_a_root_in_files__is_not_there(void **state)
{
	uint8_t key[32];
	uint64_t value = 99;

	(void)state;
	assert_false(world.signer.has_counter);
	assert_int_equal(signer_counter(&world.signer, true, &value, NULL),
			 TOBI_E_UNSUPPORTED);
	assert_int_equal(value, 99);
	assert_int_equal(signer_derive(&world.signer, text_bytes("one"), key, NULL), 0);
}

static void test_signer_counter__a_played_answer__is_its_value(void **state)
{
	static const uint8_t bytes[8] = {0, 0, 0, 0, 0, 0, 1, 2};
	struct writer out = wr_init(256);
	uint64_t value = 99;
	int fd;
	struct signer signer = play(&fd);
	struct packet asked = {0};

	(void)state;
	cbor_write_map(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, VALUE);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out, (struct tobi_bytes){bytes, sizeof(bytes)});
	assert_int_equal(packet_send(fd, wr_view(&out), NULL, 0, NULL), 0);
	say(fd, VALUE, 2);
	assert_int_equal(signer_counter(&signer, true, &value, NULL), 0);
	assert_int_equal(value, 0x102);
	assert_int_equal(packet_receive(fd, 256, &asked, NULL), 0);
	assert_bytes_equal(wr_view(&asked.bytes),
			   BYTES(0xa3, 0, COUNTER, 1, 1, 2, 0x41, 1));
	/* The answer of 32 bytes is none. */
	assert_int_equal(signer_counter(&signer, false, &value, NULL), TOBI_E_PROTOCOL);
	assert_int_equal(value, 0x102);
	packet_done(&asked);
	signer_stop(&signer);
	close(fd);
	wr_done(&out);
}

static int ticks_pipe[2];

static void on_tick(int number)
{
	ssize_t written = write(ticks_pipe[1], "", 1);

	(void)number, (void)written;
}

/* Answers when the asker has had some signals meanwhile. */
static _Noreturn void answer_after_signals(int fd)
{
	struct packet packet = {0};
	char tick;

	if (packet_receive(fd, 1024, &packet, NULL))
		_exit(1);
	for (int n = 0; n < 20; n++) {
		if (read(ticks_pipe[0], &tick, 1) != 1)
			_exit(1);
	}
	packet_done(&packet);
	say(fd, KEY, 1);
	_exit(0);
}

static void test_signer_derive__signals_meanwhile__are_not_an_answer(void **state)
{
	const struct itimerval fast = {{0, 1000}, {0, 1000}}, off = {0};
	struct sigaction action = {.sa_handler = on_tick};
	uint8_t key[32] = {0};
	int fd;
	struct signer signer = play(&fd);

	(void)state;
	assert_int_equal(pipe2(ticks_pipe, O_CLOEXEC), 0);
	signer.pid = fork();
	if (signer.pid == 0)
		answer_after_signals(fd);
	close(fd);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &fast, NULL), 0);
	assert_int_equal(signer_derive(&signer, text_bytes("one"), key, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
	assert_int_equal(key[0], 7);
	signer_stop(&signer);
	close(ticks_pipe[0]);
	close(ticks_pipe[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_signer_derive__any_info__is_what_the_root_derives),
	    TEST(test_signer_start__its_public_part__is_that_of_the_root),
	    TEST(test_signer_sign__a_message__verifies_under_the_platform_key),
	    TEST(test_signer_start__no_platform__says_so),
	    TEST(test_signer_start__little_may_be_locked__works_and_says_so),
	    cmocka_unit_test(
		test_signer_derive__an_answer_to_an_earlier_request__ends_it),
	    cmocka_unit_test(test_signer_derive__an_answer_of_another_kind__ends_it),
	    cmocka_unit_test(
		test_signer_derive__a_fault_as_answer__comes_back_and_it_lives),
	    cmocka_unit_test(test_signer_derive__signals_meanwhile__are_not_an_answer),
	    TEST(test_signer_derive__it_has_died__is_lost),
	    TEST(test_signer_counter__of_a_root_in_files__is_not_there),
	    cmocka_unit_test(test_signer_counter__a_played_answer__is_its_value),
	    TEST(test_signer_start__a_key_that_others_may_read__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
