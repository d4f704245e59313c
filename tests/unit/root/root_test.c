#include "tests/check.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "root/provider.h"

static void test_root_providers__each_row__is_found_by_its_kind(void **state)
{
	static const char *const kinds[] = {"file", "tpm", "pkcs11"};
	size_t count = 0;

	(void)state;
	while (root_provider_at(count))
		count++;
	assert_int_equal(count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct root_provider *provider = root_provider_find(kinds[i]);

		assert_ptr_equal(provider, root_provider_at(i));
		assert_string_equal(root_provider_kind(provider), kinds[i]);
		assert_non_null(strstr(root_provider_summary(provider), "keys in "));
	}
	assert_null(root_provider_find("fil"));
	assert_null(root_provider_find(""));
	assert_null(root_provider_at(1000));
}

static void test_root_init__of_a_kind_that_is_not_here__makes_nothing(void **state)
{
	struct tobi_fault fault = {0};
	char folder[] = "/tmp/tobichi-root-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(root_init(folder, "paper", NULL, 1000, &fault), TOBI_E_ARGUMENT);
	assert_non_null(strstr(fault.message, "paper"));
	assert_int_equal(rmdir(folder), 0);
}

static void test_root_open__where_nothing_is__says_what_to_do(void **state)
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;

	(void)state;
	assert_int_equal(root_open("/nonexistent/platform", &root, &fault),
			 TOBI_E_NOT_FOUND);
	assert_non_null(strstr(fault.message, "tobichi platform init"));
	assert_null(root);
	root_free(NULL);
}

/* Of 64 bytes at most, whatever ends its line. Without a TPM: it is read before that. */
static void init_with_owner(const char *text, enum tobi_err expected)
{
	char folder[] = "/tmp/tobichi-root-XXXXXX", file[] = "/tmp/tobichi-owner-XXXXXX";
	const struct root_options options = {.device = "swtpm:path=/nonexistent/tpm",
					     .pin_file = file};
	struct tobi_fault fault = {0};
	int fd = mkstemp(file);

	assert_non_null(mkdtemp(folder));
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(root_init(folder, "tpm", &options, 1000, &fault), expected);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void test_root_init__owner_authorisation__has_64_bytes_at_most(void **state)
{
	const struct root_provider *provider;
	char text[80];

	(void)state;
	if (root_provider_usable("tpm", &provider, NULL))
		skip();
	snprintf(text, sizeof(text), "%064d\r\n", 0);
	init_with_owner(text, TOBI_E_NOT_FOUND); /* the TPM */
	snprintf(text, sizeof(text), "%065d", 0);
	init_with_owner(text, TOBI_E_LIMIT);
	snprintf(text, sizeof(text), "%066d", 0);
	init_with_owner(text, TOBI_E_LIMIT);
	snprintf(text, sizeof(text), "%067d", 0);
	init_with_owner(text, TOBI_E_LIMIT);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

/* A write that was killed leaves its temporary file, and that may have a key in it. */
static void test_root_init__after_a_killed_one__keeps_nothing_of_it(void **state)
{
	static const char *const left[] = {"platform.key.AbCdEf", "seal-root.AbCdEf",
					   "tpm.new.AbCdEf", "pkcs11.new"};
	char folder[] = "/tmp/tobichi-root-XXXXXX", path[80];
	struct tobi_fault fault = {0};

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < 4; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", folder, left[i]);
		file = fopen(path, "w");
		assert_non_null(file);
		fputs("half a key", file);
		fclose(file);
	}
	assert_int_equal(root_init(folder, "file", NULL, 1000, &fault), TOBI_OK);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, left[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
	snprintf(path, sizeof(path), "%s/platform.key", folder);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_root_providers__each_row__is_found_by_its_kind),
	    cmocka_unit_test(test_root_init__of_a_kind_that_is_not_here__makes_nothing),
	    cmocka_unit_test(test_root_init__owner_authorisation__has_64_bytes_at_most),
	    cmocka_unit_test(test_root_init__after_a_killed_one__keeps_nothing_of_it),
	    cmocka_unit_test(test_root_open__where_nothing_is__says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
