#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "daemons/platform/signer.h"
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
		       root_init(world.folder, "file", time(NULL), &fault) == TOBI_OK &&
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
	struct cose_signer signer = {COSE_ES384, signer_sign, &world.signer};
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
	if (root_init(world.folder, "file", time(NULL), NULL) ||
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_signer_derive__any_info__is_what_the_root_derives),
	    TEST(test_signer_start__its_public_part__is_that_of_the_root),
	    TEST(test_signer_sign__a_message__verifies_under_the_platform_key),
	    TEST(test_signer_start__no_platform__says_so),
	    TEST(test_signer_start__little_may_be_locked__works_and_says_so),
	    TEST(test_signer_start__a_key_that_others_may_read__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
