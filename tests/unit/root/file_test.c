#include "tests/check.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/cbor.h"
#include "pki/cert.h"
#include "root/root.h"

static const int64_t now = 1800000000, day = 24 * 3600;
static char base[32], folder[64];

static int setup(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/tobichi-root-XXXXXX");
	assert_non_null(mkdtemp(base));
	snprintf(folder, sizeof(folder), "%s/a/state", base);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static struct tobi_bytes text(const char *literal)
{
	return (struct tobi_bytes){(const uint8_t *)literal, strlen(literal)};
}

static struct writer read_file(const char *path)
{
	struct writer out = wr_init(LIMIT_PEM);

	assert_int_equal(file_read(path, LIMIT_PEM, "test", &out, NULL), TOBI_OK);
	return out;
}

static struct root *make(void)
{
	struct root *root = NULL;

	assert_int_equal(root_init(folder, "file", NULL, now, NULL), TOBI_OK);
	assert_int_equal(root_open(folder, &root, NULL), TOBI_OK);
	return root;
}

static void refused(enum tobi_err err, const char *object, const char *message)
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;

	assert_int_equal(root_open(folder, &root, &fault), err);
	assert_null(root);
	assert_string_equal(fault.object, object);
	if (!strstr(fault.message, message))
		fail_msg("'%s' is not in '%s'", message, fault.message);
}

static void test_file_init__all_files_are_the_owners_alone(void **state)
{
	static const char *const names[] = {"platform-ca.key", "platform-ca.pem",
					    "platform.key", "platform.pem", "seal-root"};
	mode_t old = umask(0);
	struct root *root = make();
	struct stat st;

	(void)state;
	umask(old);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(stat(in(names[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	assert_int_equal(stat(in("seal-root"), &st), 0);
	assert_int_equal(st.st_size, 32);
	assert_string_equal(root_kind(root), "file");
	root_free(root);
}

static void test_file_chain__verifies_to_the_platform_ca(void **state)
{
	const struct tobi_bytes *chain;
	struct root *root = make();
	struct writer anchor = wr_init(LIMIT_PEM);
	struct chain_request request = {.time = now, .purpose = CHAIN_PLATFORM};
	EVP_PKEY *key = NULL;
	uint8_t ueid[33], hash[SHA256_SIZE];

	(void)state;
	request.count = root_chain(root, &chain);
	request.certificates = chain;
	assert_int_equal(request.count, 2);
	assert_int_equal(chain_write_pem(chain[1], &anchor, NULL), TOBI_OK);
	request.anchors_pem = wr_view(&anchor);
	assert_int_equal(chain_verify(&request, "test", &key, NULL), TOBI_OK);
	root_ueid(root, ueid);
	assert_int_equal(ueid[0], 1);
	assert_int_equal(key_spki_sha256(key, hash, NULL), TOBI_OK);
	assert_memory_equal(ueid + 1, hash, SHA256_SIZE);
	EVP_PKEY_free(key);
	/* Not before yesterday, not for ever. */
	request.time = now - 2 * day;
	assert_int_equal(chain_verify(&request, "test", &key, NULL), TOBI_E_CERTIFICATE);
	request.time = now + 6 * 365 * day;
	assert_int_equal(chain_verify(&request, "test", &key, NULL), TOBI_E_CERTIFICATE);
	wr_done(&anchor);
	root_free(root);
}

static void test_file_init__twice__leaves_the_first(void **state)
{
	struct tobi_fault fault = {0};
	struct writer before, after;

	(void)state;
	root_free(make());
	before = read_file(in("platform.key"));
	assert_int_equal(root_init(folder, "file", NULL, now, &fault), TOBI_E_EXISTS);
	assert_non_null(strstr(fault.message, folder));
	after = read_file(in("platform.key"));
	assert_true(bytes_equal(wr_view(&before), wr_view(&after)));
	wr_done(&before);
	wr_done(&after);
}

/* An init that was killed leaves no platform.key: there is no platform, and the next one
 * starts anew. */
static void test_file_half_made__is_none_and_is_made_anew(void **state)
{
	struct root *root = NULL;

	(void)state;
	root_free(make());
	assert_int_equal(unlink(in("platform.key")), 0);
	assert_int_equal(
	    file_write(in("owner.pem"), 0600, text("of an older platform"), "x", NULL),
	    TOBI_OK);
	refused(TOBI_E_NOT_FOUND, "platform", "platform init");
	assert_int_equal(root_init(folder, "file", NULL, now, NULL), TOBI_OK);
	assert_int_equal(root_open(folder, &root, NULL), TOBI_OK);
	root_free(root);
}

static void test_file_inits_at_once__one_wins_and_nothing_is_mixed(void **state)
{
	struct root *root = NULL;
	int made = 0;

	(void)state;
	for (int i = 0; i < 6; i++) {
		if (fork() == 0)
			_exit((int)root_init(folder, "file", NULL, now, NULL));
	}
	for (int i = 0; i < 6; i++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		assert_true(WEXITSTATUS(status) == TOBI_OK ||
			    WEXITSTATUS(status) == TOBI_E_EXISTS);
		made += WEXITSTATUS(status) == TOBI_OK;
	}
	assert_int_equal(made, 1);
	assert_int_equal(root_open(folder, &root, NULL), TOBI_OK);
	root_free(root);
}

/* The process waits for a lock on a file, as the kernel tells. */
static bool waits_for_lock(pid_t pid)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[256], waiting[64];
	bool found = false;

	assert_non_null(locks);
	snprintf(waiting, sizeof(waiting), "WRITE %d ", (int)pid);
	while (fgets(line, sizeof(line), locks))
		found |= strstr(line, "->") && strstr(line, waiting);
	fclose(locks);
	return found;
}

static void test_file_init__waits_for_one_that_has_begun(void **state)
{
	int lock, status = -1;
	pid_t pid;

	(void)state;
	root_free(make());
	assert_int_equal(unlink(in("platform.key")), 0);
	lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	pid = fork();
	if (pid == 0) {
		close(lock);
		_exit((int)root_init(folder, "file", NULL, now, NULL));
	}
	while (!waits_for_lock(pid)) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			fail_msg("it did not wait");
	}
	assert_int_equal(access(in("platform.key"), F_OK), -1);
	close(lock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_file_keys_that_others_can_read__refused_with_what_to_do(void **state)
{
	static const char *const names[] = {"platform.key", "seal-root"};
	static const mode_t modes[] = {0640, 0604, 0620};

	(void)state;
	root_free(make());
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 3; j++) {
			assert_int_equal(chmod(in(names[i]), modes[j]), 0);
			refused(TOBI_E_DENIED, names[i], "chmod 600");
		}
		assert_int_equal(chmod(in(names[i]), 0600), 0);
	}
}

static void test_file_folder__of_another_kind_or_open_to_others(void **state)
{
	char link[80];

	(void)state;
	root_free(make());
	assert_int_equal(chmod(folder, 0750), 0);
	refused(TOBI_E_DENIED, "platform", "chmod 700");
	assert_int_equal(root_init(folder, "file", NULL, now, NULL), TOBI_E_DENIED);
	assert_int_equal(chmod(folder, 0700), 0);
	snprintf(link, sizeof(link), "%s/link", base);
	assert_int_equal(symlink(folder, link), 0);
	snprintf(folder, sizeof(folder), "%s", link);
	refused(TOBI_E_DENIED, "platform", "is a link");
	assert_int_equal(unlink(link), 0);
	assert_int_equal(file_write(folder, 0600, text("x"), "x", NULL), TOBI_OK);
	refused(TOBI_E_DENIED, "platform", "not a folder");
	if (geteuid() == 0) {
		assert_int_equal(unlink(folder), 0);
		assert_int_equal(mkdir(folder, 0700), 0);
		assert_int_equal(chown(folder, 12345, 12345), 0);
		refused(TOBI_E_DENIED, "platform", "another user");
	}
}

static void test_file_damaged__named(void **state)
{
	static const char *const names[] = {"platform.key", "platform.pem",
					    "platform-ca.pem"};

	(void)state;
	root_free(make());
	for (size_t i = 0; i < 3; i++) {
		struct writer good = read_file(in(names[i]));
		struct root *root = NULL;

		assert_int_equal(
		    file_write(in(names[i]), 0600, text("not PEM"), "x", NULL), TOBI_OK);
		refused(TOBI_E_MALFORMED, names[i], "");
		assert_int_equal(file_write(in(names[i]), 0600,
					    (struct tobi_bytes){good.ptr, good.size / 2},
					    "x", NULL),
				 TOBI_OK);
		refused(TOBI_E_MALFORMED, names[i], "");
		assert_int_equal(
		    file_write(in(names[i]), 0600, wr_view(&good), "x", NULL), TOBI_OK);
		assert_int_equal(root_open(folder, &root, NULL), TOBI_OK);
		root_free(root);
		wr_done(&good);
	}
	assert_int_equal(truncate(in("seal-root"), 31), 0);
	refused(TOBI_E_TRUNCATED, "seal-root", "31 bytes");
	assert_int_equal(truncate(in("seal-root"), 33), 0);
	refused(TOBI_E_LIMIT, "seal-root", "");
	assert_int_equal(unlink(in("seal-root")), 0);
	refused(TOBI_E_MALFORMED, "platform", "is missing");
}

/* Files of two platforms do not pass for one. */
static void test_file_certificate_for_another_key__refused(void **state)
{
	struct writer pem;

	(void)state;
	root_free(make());
	pem = read_file(in("platform.pem"));
	assert_int_equal(unlink(in("platform.key")), 0);
	root_free(make());
	assert_int_equal(file_write(in("platform.pem"), 0600, wr_view(&pem), "x", NULL),
			 TOBI_OK);
	refused(TOBI_E_MISMATCH, "platform.pem", "another key");
	wr_done(&pem);
}

static void test_file_sign__verifies_with_the_platform_key(void **state)
{
	const struct tobi_bytes *chain;
	struct root *root = make();
	struct writer signature = wr_init(256), again = wr_init(256);
	X509 *certificate = NULL;

	(void)state;
	assert_int_equal(root_sign(root, text("message"), &signature, NULL), TOBI_OK);
	assert_int_equal(signature.size, 64);
	assert_int_equal(root_chain(root, &chain), 2);
	assert_int_equal(chain_read_certificate(chain[0], "test", &certificate, NULL),
			 TOBI_OK);
	for (int good = 0; good < 2; good++) {
		struct cose_sign1 sign1 = {.alg = COSE_ES256,
					   .signature = wr_view(&signature)};
		struct writer message = wr_init(256);

		/* cose_verify() signs over its own structure: sign that. */
		cbor_write_array(&message, 4);
		cbor_write_text(&message, "Signature1");
		cbor_write_bytes(&message, (struct tobi_bytes){0});
		cbor_write_bytes(&message, (struct tobi_bytes){0});
		cbor_write_bytes(&message, text(good ? "payload" : "another"));
		wr_done(&again);
		assert_int_equal(root_sign(root, wr_view(&message), &again, NULL),
				 TOBI_OK);
		sign1.signature = wr_view(&again);
		assert_int_equal(cose_verify(&sign1, X509_get0_pubkey(certificate),
					     (struct tobi_bytes){0}, text("payload"),
					     "test", NULL),
				 good ? TOBI_OK : TOBI_E_SIGNATURE);
		wr_done(&message);
	}
	X509_free(certificate);
	wr_done(&signature);
	wr_done(&again);
	root_free(root);
}

/* ---- seal keys ---- */

struct info {
	uint64_t kind, product, svn;
	uint8_t id;
	const char *label;
};

static void derive(struct root *root, const struct info *info, uint8_t ret_key[static 32])
{
	struct writer out = wr_init(256);
	uint8_t id[SHA384_SIZE] = {info->id};

	cbor_write_map(&out, 6);
	cbor_write_uint(&out, 0), cbor_write_uint(&out, 1);
	cbor_write_uint(&out, 1), cbor_write_uint(&out, info->kind);
	cbor_write_uint(&out, 2),
	    cbor_write_bytes(&out, (struct tobi_bytes){id, sizeof(id)});
	cbor_write_uint(&out, 3), cbor_write_uint(&out, info->product);
	cbor_write_uint(&out, 4), cbor_write_uint(&out, info->svn);
	cbor_write_uint(&out, 5), cbor_write_text(&out, info->label);
	assert_int_equal(root_derive(root, wr_view(&out), ret_key, NULL), TOBI_OK);
	wr_done(&out);
}

static void test_file_seal_keys__deterministic_and_different_by_each_field(void **state)
{
	static const struct info infos[] = {{1, 7, 3, 1, "disk"}, {0, 7, 3, 1, "disk"},
					    {1, 8, 3, 1, "disk"}, {1, 7, 4, 1, "disk"},
					    {1, 7, 3, 2, "disk"}, {1, 7, 3, 1, "disk2"},
					    {1, 7, 3, 1, ""}};
	enum { COUNT = sizeof(infos) / sizeof(infos[0]) };
	uint8_t keys[COUNT][32], again[32];
	struct root *root = make();

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		derive(root, &infos[i], keys[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], 32);
	}
	root_free(root);
	root = NULL;
	assert_int_equal(root_open(folder, &root, NULL), TOBI_OK);
	derive(root, &infos[0], again);
	assert_memory_equal(again, keys[0], 32);
	root_free(root);
	/* Another platform has another seal root. */
	assert_int_equal(unlink(in("platform.key")), 0);
	root = make();
	derive(root, &infos[0], again);
	assert_memory_not_equal(again, keys[0], 32);
	root_free(root);
}

/* HKDF-SHA-256 without salt over 32 bytes of 0x0b, computed with `openssl kdf`. */
static void test_file_seal_key__known_answer(void **state)
{
	static const uint8_t seal[32] = {11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
					 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
					 11, 11, 11, 11, 11, 11, 11, 11, 11, 11};
	static const uint8_t want[32] = {0xcf, 0x99, 0x41, 0x09, 0x2b, 0x80, 0xe1, 0xdb,
					 0xe6, 0x41, 0xbe, 0x21, 0x1b, 0xe3, 0x9d, 0x3d,
					 0xb1, 0x99, 0xc0, 0xa1, 0x21, 0xe8, 0x07, 0xdb,
					 0xfa, 0x8e, 0xd7, 0x94, 0xfe, 0xa6, 0x95, 0xe3};
	struct root *root = NULL;
	uint8_t key[32];

	(void)state;
	root_free(make());
	assert_int_equal(
	    file_write(in("seal-root"), 0600, (struct tobi_bytes){seal, 32}, "x", NULL),
	    TOBI_OK);
	assert_int_equal(root_open(folder, &root, NULL), TOBI_OK);
	assert_int_equal(root_derive(root, text("info"), key, NULL), TOBI_OK);
	assert_memory_equal(key, want, 32);
	root_free(root);
}

/* ---- the owner's CA ---- */

static struct writer owner_chain(EVP_PKEY *for_key, bool with_ca, int64_t until)
{
	struct writer ca_der = wr_init(LIMIT_CERTIFICATE),
		      der = wr_init(LIMIT_CERTIFICATE), pem = wr_init(LIMIT_PEM);
	struct cert_request request = {CERT_CA,	  "Owner",	  NULL,
				       now - day, now + 99 * day, NULL};
	X509 *issuer = NULL;

	assert_int_equal(key_new(KEY_P384, &request.key, NULL), TOBI_OK);
	assert_int_equal(cert_make(&request, NULL, NULL, &ca_der, NULL), TOBI_OK);
	assert_int_equal(chain_read_certificate(wr_view(&ca_der), "x", &issuer, NULL),
			 TOBI_OK);
	struct cert_request leaf = {CERT_PLATFORM, "Platform", NULL,
				    now - day,	   until,      for_key};
	assert_int_equal(cert_make(&leaf, issuer, request.key, &der, NULL), TOBI_OK);
	assert_int_equal(chain_write_pem(wr_view(&der), &pem, NULL), TOBI_OK);
	if (with_ca)
		assert_int_equal(chain_write_pem(wr_view(&ca_der), &pem, NULL), TOBI_OK);
	EVP_PKEY_free(request.key);
	X509_free(issuer);
	wr_done(&ca_der);
	wr_done(&der);
	return pem;
}

static EVP_PKEY *platform_public(const struct root *root)
{
	const struct tobi_bytes *chain;
	X509 *certificate = NULL;
	EVP_PKEY *key;

	assert_int_equal(root_chain(root, &chain), 2);
	assert_int_equal(chain_read_certificate(chain[0], "x", &certificate, NULL),
			 TOBI_OK);
	key = X509_get_pubkey(certificate);
	X509_free(certificate);
	return key;
}

static void test_file_certify__the_owners_chain_is_kept_and_read(void **state)
{
	struct root *root = make();
	EVP_PKEY *key = platform_public(root);
	struct writer chain = owner_chain(key, true, now + 9 * day);
	const struct tobi_bytes *owner;
	struct stat st;

	(void)state;
	assert_int_equal(root_owner_chain(root, &owner), 0);
	assert_int_equal(root_certify(root, folder, wr_view(&chain), now, NULL), TOBI_OK);
	assert_int_equal(stat(in("owner.pem"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	root_free(root);
	root = NULL;
	assert_int_equal(root_open(folder, &root, NULL), TOBI_OK);
	assert_int_equal(root_owner_chain(root, &owner), 2);
	root_free(root);
	/* Garbage in its place is an error, not silence. */
	assert_int_equal(file_write(in("owner.pem"), 0600, text("garbage"), "x", NULL),
			 TOBI_OK);
	refused(TOBI_E_MALFORMED, "owner.pem", "");
	wr_done(&chain);
	EVP_PKEY_free(key);
}

static void test_file_certify__wrong_chains_are_refused(void **state)
{
	struct root *root = make();
	EVP_PKEY *key = platform_public(root), *other = NULL;
	struct tobi_fault fault = {0};
	struct writer chain;

	(void)state;
	assert_int_equal(key_new(KEY_P384, &other, NULL), TOBI_OK);
	chain = owner_chain(other, true, now + 9 * day);
	assert_int_equal(root_certify(root, folder, wr_view(&chain), now, &fault),
			 TOBI_E_MISMATCH);
	assert_non_null(strstr(fault.message, "another key"));
	/* Put there by hand it is not taken either. */
	assert_int_equal(file_write(in("owner.pem"), 0600, wr_view(&chain), "x", NULL),
			 TOBI_OK);
	refused(TOBI_E_MISMATCH, "owner.pem", "another key");
	assert_int_equal(unlink(in("owner.pem")), 0);
	wr_done(&chain);
	chain = owner_chain(key, false, now + 9 * day);
	assert_int_equal(root_certify(root, folder, wr_view(&chain), now, &fault),
			 TOBI_E_MALFORMED);
	wr_done(&chain);
	chain = owner_chain(key, true, now + 9 * day);
	assert_int_equal(
	    root_certify(root, folder, wr_view(&chain), now + 10 * day, &fault),
	    TOBI_E_CERTIFICATE);
	wr_done(&chain);
	assert_int_equal(root_certify(root, folder, text("garbage"), now, &fault),
			 TOBI_E_MALFORMED);
	assert_int_equal(access(in("owner.pem"), F_OK), -1);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	root_free(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_file_init__all_files_are_the_owners_alone),
	    TEST(test_file_chain__verifies_to_the_platform_ca),
	    TEST(test_file_init__twice__leaves_the_first),
	    TEST(test_file_half_made__is_none_and_is_made_anew),
	    TEST(test_file_inits_at_once__one_wins_and_nothing_is_mixed),
	    TEST(test_file_init__waits_for_one_that_has_begun),
	    TEST(test_file_keys_that_others_can_read__refused_with_what_to_do),
	    TEST(test_file_folder__of_another_kind_or_open_to_others),
	    TEST(test_file_damaged__named),
	    TEST(test_file_certificate_for_another_key__refused),
	    TEST(test_file_sign__verifies_with_the_platform_key),
	    TEST(test_file_seal_keys__deterministic_and_different_by_each_field),
	    TEST(test_file_seal_key__known_answer),
	    TEST(test_file_certify__the_owners_chain_is_kept_and_read),
	    TEST(test_file_certify__wrong_chains_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
