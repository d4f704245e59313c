#include <stdio.h>
#include <unistd.h>

#include "root/counters.h"
#include "root/provider.h"
#include "tests/bytes.h"

static char folder[40];
static uint64_t hardware;

static enum tobi_err derive(struct root *root, struct tobi_bytes info,
			    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	(void)root, (void)fault;
	return hkdf_sha256(text_bytes("a seal root"), info, ret_key, 32);
}

static enum tobi_err count(struct root *root, bool increment, uint64_t *ret_value,
			   struct tobi_fault *fault)
{
	(void)root, (void)fault;
	hardware += increment;
	*ret_value = hardware;
	return TOBI_OK;
}

static const struct root_provider with = {
    .kind = "test", .derive = derive, .counter = count};
static const struct root_provider without = {.kind = "test", .derive = derive};

static int enter(void **state)
{
	(void)state;
	hardware = 41;
	snprintf(folder, sizeof(folder), "/tmp/tobichi-counters-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int leave(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/" COUNTERS_FILE, folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" COUNTERS_LOCK, folder);
	unlink(path);
	return rmdir(folder);
}

static void test_counters_make__with_hardware__begins_at_its_value(void **state)
{
	static const uint8_t owner[COUNTER_OWNER_SIZE] = {1};
	struct root root = {.provider = &with};
	struct counters_setup setup;
	struct counters *counters = NULL;
	uint64_t value = 0;

	(void)state;
	assert_int_equal(counters_make(&root, folder, NULL), TOBI_OK);
	assert_int_equal(hardware, 41);
	assert_int_equal(counters_setup_of(&root, folder, &setup, NULL), TOBI_OK);
	assert_int_equal(counters_open(&setup, &counters, NULL), TOBI_OK);
	assert_true(counters_are_anchored(counters));
	assert_int_equal(
	    counters_increment(counters, owner, text_bytes("a"), &value, NULL), TOBI_OK);
	assert_int_equal(value, 1);
	assert_true(hardware > 41);
	counters_free(counters);
	/* It is not made anew over what there is. */
	assert_int_equal(counters_make(&root, folder, NULL), TOBI_E_EXISTS);
}

static void test_counters_make__without_hardware__makes_nothing(void **state)
{
	struct root root = {.provider = &without};
	struct counters_setup setup;
	char path[64];

	(void)state;
	assert_int_equal(counters_make(&root, folder, NULL), TOBI_OK);
	snprintf(path, sizeof(path), "%s/" COUNTERS_FILE, folder);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(counters_setup_of(&root, folder, &setup, NULL), TOBI_OK);
	assert_null(setup.anchor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_counters_make__with_hardware__begins_at_its_value, enter, leave),
	    cmocka_unit_test_setup_teardown(
		test_counters_make__without_hardware__makes_nothing, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
