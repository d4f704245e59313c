/* Which modules are loaded, and which are not. */
#include <dlfcn.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/root/token.h"

static void test_module_path__relative_or_not_there__refused(void **state)
{
	char path[128];

	(void)state;
	token.options.device = "fake.so";
	token_not_made(TOBI_E_ARGUMENT, "module", "whole path");
	snprintf(path, sizeof(path), "%s/none.so", token.base);
	token.options.device = path;
	token_not_made(TOBI_E_SYSTEM, "module", "cannot find");
	token.options.device = token.base;
	token_not_made(TOBI_E_ARGUMENT, "module", "not a file");
}

static void test_module_that_others_can_change__refused(void **state)
{
	static const mode_t modes[] = {0775, 0757};

	(void)state;
	root_free(token_platform());
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(chmod(token.module, modes[i]), 0);
		token_refused(TOBI_E_DENIED, "module", "others can change");
	}
	assert_int_equal(chmod(token.module, 0755), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(chmod(token.base, modes[i]), 0);
		token_refused(TOBI_E_DENIED, "module", "others can change");
	}
	/* With the sticky bit others cannot take the file away. */
	assert_int_equal(chmod(token.base, 01777), 0);
	token_opens();
	assert_int_equal(chmod(token.base, 0700), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(token.module, 12345, 0), 0);
	token_refused(TOBI_E_DENIED, "module", "others can change");
	assert_int_equal(chown(token.module, 0, 0), 0);
	assert_int_equal(chown(token.base, 12345, 0), 0);
	token_refused(TOBI_E_DENIED, "module", "others can change");
	assert_int_equal(chown(token.base, 0, 0), 0);
}

/* What is looked at is where the link leads, and that is what is loaded. */
static void test_module_link__into_a_folder_of_others__refused(void **state)
{
	char folder[96], moved[128];

	(void)state;
	snprintf(folder, sizeof(folder), "%s/open", token.base);
	snprintf(moved, sizeof(moved), "%s/fake.so", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(rename(token.module, moved), 0);
	assert_int_equal(symlink(moved, token.module), 0);
	root_free(token_platform());
	assert_int_equal(chmod(folder, 0777), 0);
	token_refused(TOBI_E_DENIED, "module", "others can change");
	assert_int_equal(chmod(folder, 0700), 0);
}

static void test_module_of_another_kind__refused(void **state)
{
	union {
		const EVP_MD *(*function)(void);
		void *symbol;
	} entry = {EVP_sha256};
	Dl_info library = {0};

	(void)state;
	token.options.device = token.pin_file;
	token_not_made(TOBI_E_MALFORMED, "module", "cannot be loaded");
	assert_true(dladdr(entry.symbol, &library) != 0);
	token.options.device = library.dli_fname;
	token_not_made(TOBI_E_MALFORMED, "module", "not a PKCS#11 module");
}

static void test_module_that_does_not_start__said(void **state)
{
	(void)state;
	token_fail(FAKE_FUNCTION_LIST, CKR_GENERAL_ERROR, 1);
	token_not_made(TOBI_E_SYSTEM, "module", "gives no functions");
	token_fail(FAKE_INITIALIZE, CKR_HOST_MEMORY, 1);
	token_not_made(TOBI_E_MEMORY, "module", "does not start");
	token.fake->old = true;
	token_not_made(TOBI_E_UNSUPPORTED, "module", "all functions");
	token.fake->old = false;
	root_free(token_platform());
}

/* Two platforms in one process: the first to end must not end the other. */
static void test_module_started_twice__both_work(void **state)
{
	struct root *first = token_platform(), *second = NULL;
	uint8_t key[32], same[32];

	(void)state;
	assert_int_equal(root_open(token.folder, &second, NULL), TOBI_OK);
	assert_int_equal(root_derive(second, text_bytes("x"), key, NULL), TOBI_OK);
	root_free(first);
	assert_int_equal(root_derive(second, text_bytes("x"), same, NULL), TOBI_OK);
	assert_memory_equal(key, same, 32);
	root_free(second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, token_enter, token_leave)

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_module_path__relative_or_not_there__refused),
	    TEST(test_module_that_others_can_change__refused),
	    TEST(test_module_link__into_a_folder_of_others__refused),
	    TEST(test_module_of_another_kind__refused),
	    TEST(test_module_that_does_not_start__said),
	    TEST(test_module_started_twice__both_work),
	};

	token_module(count, arguments);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
