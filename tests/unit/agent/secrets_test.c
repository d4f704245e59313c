#include "tests/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "codec/cbor.h"
#include "secrets.h"

static char folder[] = "/tmp/tobichi-secrets-XXXXXX";
static struct manifest manifest;

static struct tobi_bytes text(const char *literal)
{
	return (struct tobi_bytes){(const uint8_t *)literal, strlen(literal)};
}

static int setup(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	manifest = (struct manifest){0};
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(folder); /* fails when anything is left behind */
}

static struct secret_store *store_new(void)
{
	struct secret_store *store = NULL;

	assert_int_equal(
	    secret_store_new(folder, &manifest, (uid_t)-1, (gid_t)-1, &store, NULL),
	    TOBI_OK);
	return store;
}

static enum secret_status put(struct secret_store *store, const char *name, size_t size)
{
	static uint8_t content[LIMIT_SECRET + 1];
	struct writer out = wr_init(LIMIT_SECRETS_FRAME);
	struct secrets_message message;
	enum secret_status status;

	memset(content, 's', sizeof(content));
	cbor_write_map(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, 1);
	cbor_write_text(&out, name);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out, (struct tobi_bytes){content, size});
	assert_int_equal(secrets_message_parse(wr_view(&out), &message, NULL), TOBI_OK);
	status = secret_store_put(store, &message);
	wr_done(&out);
	return status;
}

static void path_of(const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", folder, name);
}

static void test_stored_whole_and_read_only(void **state)
{
	struct secret_store *store = store_new();
	struct stat status;
	char path[128];

	(void)state;
	assert_int_equal(put(store, "db.key", 5000), SECRET_STORED);
	path_of("db.key", path, sizeof(path));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 5000);
	assert_int_equal(status.st_mode & 07777, 0400);
	secret_store_free(store);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void test_content_is_wiped_at_the_end(void **state)
{
	struct secret_store *store = store_new();
	char path[128];
	uint8_t byte = 1;
	int fd;

	(void)state;
	assert_int_equal(put(store, "a", 5000), SECRET_STORED);
	path_of("a", path, sizeof(path));
	fd = open(path, O_RDONLY);
	secret_store_free(store);
	assert_int_equal(pread(fd, &byte, 1, 4999), 1);
	assert_int_equal(byte, 0);
	close(fd);
}

static void test_a_name_is_written_once(void **state)
{
	struct secret_store *store = store_new();

	(void)state;
	assert_int_equal(put(store, "a", 1), SECRET_STORED);
	assert_int_equal(put(store, "a", 1), SECRET_EXISTS);
	secret_store_free(store);
}

/* Something that the image already has there is not replaced, and not removed. */
static void test_a_file_in_the_way_stays(void **state)
{
	struct secret_store *store = store_new();
	char path[128];

	(void)state;
	path_of("a", path, sizeof(path));
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(put(store, "a", 1), SECRET_EXISTS);
	secret_store_free(store);
	assert_int_equal(unlink(path), 0);
}

static void test_names(void **state)
{
	static const char *const bad[] = {"",	  ".a",	 "..",	    "a/b",
					  "../a", "a b", "\xc3\xa9"};
	struct secret_store *store = store_new();
	char name[LIMIT_NAME + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(put(store, bad[i], 1), SECRET_NOT_ALLOWED);
	memset(name, 'n', sizeof(name));
	name[LIMIT_NAME + 1] = '\0';
	assert_int_equal(put(store, name, 1), SECRET_NOT_ALLOWED);
	name[LIMIT_NAME] = '\0';
	assert_int_equal(put(store, name, 1), SECRET_STORED);
	secret_store_free(store);
}

static void test_declared_names_only(void **state)
{
	struct secret_store *store;

	(void)state;
	manifest.secrets[0] = text("key");
	manifest.secrets[1] = text("token");
	manifest.secret_count = 2;
	store = store_new();
	assert_false(secret_store_is_complete(store));
	assert_int_equal(put(store, "other", 1), SECRET_NOT_ALLOWED);
	assert_int_equal(put(store, "key", 1), SECRET_STORED);
	assert_false(secret_store_is_complete(store));
	assert_int_equal(put(store, "token", 0), SECRET_STORED);
	assert_true(secret_store_is_complete(store));
	secret_store_free(store);
}

static void test_limits(void **state)
{
	struct secret_store *store = store_new();
	char name[8];

	(void)state;
	assert_int_equal(put(store, "big", LIMIT_SECRET + 1), SECRET_TOO_LARGE);
	for (int i = 0; i < LIMIT_SECRETS_TOTAL / LIMIT_SECRET; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_int_equal(put(store, name, LIMIT_SECRET), SECRET_STORED);
	}
	assert_int_equal(put(store, "more", 1), SECRET_TOO_LARGE);
	secret_store_free(store);
	store = store_new();
	for (int i = 0; i < LIMIT_SECRETS; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_int_equal(put(store, name, 1), SECRET_STORED);
	}
	assert_int_equal(put(store, "more", 1), SECRET_TOO_LARGE);
	secret_store_free(store);
}

static void expect(const uint8_t *bytes, size_t size, enum tobi_err err)
{
	struct secrets_message message;

	assert_int_equal(
	    secrets_message_parse((struct tobi_bytes){bytes, size}, &message, NULL), err);
}

static void test_messages(void **state)
{
	static const uint8_t done[] = {0xa1, 0, 2, 0};
	static const uint8_t put_a[] = {0xa3, 0, 1, 1, 0x61, 'a', 2, 0x41, 9};
	static const uint8_t no_content[] = {0xa2, 0, 1, 1, 0x61, 'a'};
	static const uint8_t done_with_name[] = {0xa2, 0, 2, 1, 0x61, 'a'};
	static const uint8_t reply[] = {0xa2, 0, 3, 1, 0};
	static const uint8_t no_kind[] = {0xa1, 1, 0x61, 'a'};

	(void)state;
	expect(done, 3, TOBI_OK);
	expect(done, 4, TOBI_E_TRAILING);
	for (size_t size = 0; size < sizeof(put_a); size++)
		expect(put_a, size, TOBI_E_TRUNCATED);
	expect(put_a, sizeof(put_a), TOBI_OK);
	expect(no_content, sizeof(no_content), TOBI_E_MALFORMED);
	expect(done_with_name, sizeof(done_with_name), TOBI_E_MALFORMED);
	expect(reply, sizeof(reply), TOBI_E_LIMIT);
	expect(no_kind, sizeof(no_kind), TOBI_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_stored_whole_and_read_only, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_content_is_wiped_at_the_end, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_a_name_is_written_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_file_in_the_way_stays, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_names, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_declared_names_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
	    cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
