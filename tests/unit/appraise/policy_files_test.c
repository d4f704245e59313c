/* A policy's files: found beside it, and nowhere else. */
#include "appraise/policy_files.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "corim/write.h"
#include "pki/key.h"
#include "tests/bytes.h"

static char folder[64];

static void put(const char *name, struct tobi_bytes bytes)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write(path, 0600, bytes, "test", NULL), 0);
}

static int set_up(void **state)
{
	static const uint8_t id[SHA384_SIZE] = {1};
	const struct corim_image image = {.image_id = {id, sizeof(id)}};
	struct writer corim = wr_init(8192);

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/policy-files-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(corim_write_image(&image, &corim, NULL), 0);
	put("a.corim", wr_view(&corim));
	put("damaged.corim", (struct tobi_bytes){corim.ptr, corim.size - 1});
	wr_done(&corim);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"a.corim", "damaged.corim", "p.yaml"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

/* A policy of that folder, with this under files. */
static enum tobi_err read_with(const char *file, struct tobi_fault *fault)
{
	struct writer yaml = wr_init(8192);
	struct tobi_policy *policy = NULL;
	char path[256];
	enum tobi_err err;

	wr_printf(&yaml,
		  "version: 1\ntiers: [snp]\nidentity:\n  mode: any-instance\n"
		  "reference-values:\n  unsigned: allowed\n  files: [\"%s\"]\n",
		  file);
	put("p.yaml", wr_view(&yaml));
	snprintf(path, sizeof(path), "%s/p.yaml", folder);
	err = policy_read_file(path, &policy, fault);
	if (!err)
		assert_int_equal(policy_is_whole(policy, "test", NULL), 0);
	tobi_policy_free(policy);
	wr_done(&yaml);
	return err;
}

static void test_policy_files__beside_the_policy__are_read(void **state)
{
	char whole[256];

	(void)state;
	assert_int_equal(read_with("a.corim", NULL), 0);
	assert_int_equal(read_with("./a.corim", NULL), 0);
	snprintf(whole, sizeof(whole), "%s/a.corim", folder);
	assert_int_equal(read_with(whole, NULL), 0);
}

static void test_policy_files__what_is_not_there_or_wrong__is_an_error(void **state)
{
	struct writer path = wr_init(8192);

	(void)state;
	assert_int_equal(read_with("none.corim", NULL), TOBI_E_NOT_FOUND);
	assert_int_equal(read_with("damaged.corim", NULL), TOBI_E_TRUNCATED);
	for (int i = 0; i < 3000; i++)
		wr_u8(&path, 'x');
	wr_u8(&path, 0);
	assert_int_equal(read_with((const char *)path.ptr, NULL), TOBI_E_LIMIT);
	wr_done(&path);
}

/* A policy that came without a file has nothing beside it. */
static void test_policy_files__a_policy_without_its_file__is_not_whole(void **state)
{
	static const char yaml[] =
	    "version: 1\ntiers: [snp]\nidentity:\n  mode: any-instance\n"
	    "reference-values:\n  unsigned: allowed\n  files: [a.corim]\n";
	struct tobi_policy *policy = NULL;

	(void)state;
	assert_int_equal(tobi_policy_parse(text_bytes(yaml), "test", &policy, NULL), 0);
	assert_int_equal(policy_is_whole(policy, "test", NULL), TOBI_E_UNSUPPORTED);
	tobi_policy_free(policy);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_files__beside_the_policy__are_read),
	    cmocka_unit_test(test_policy_files__what_is_not_there_or_wrong__is_an_error),
	    cmocka_unit_test(test_policy_files__a_policy_without_its_file__is_not_whole),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
