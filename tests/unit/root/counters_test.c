#include "tests/unit/root/counters_world.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_counters__without_a_file__are_zero_and_count(void **state)
{
	struct counters *counters = must_open(false);

	(void)state;
	assert_false(counters_are_anchored(counters));
	assert_int_equal(get(counters, first, "a"), 0);
	assert_int_equal(add(counters, first, "a"), 1);
	assert_int_equal(add(counters, first, "a"), 2);
	assert_int_equal(add(counters, first, "b"), 1);
	/* Of another owner, by the same name. */
	assert_int_equal(get(counters, second, "a"), 0);
	assert_int_equal(add(counters, second, "a"), 1);
	counters_free(counters);
	counters = must_open(false);
	assert_int_equal(get(counters, first, "a"), 2);
	assert_int_equal(get(counters, first, "b"), 1);
	assert_int_equal(get(counters, second, "a"), 1);
	counters_free(counters);
}

static void test_counters__on_the_disk__are_a_private_file(void **state)
{
	struct counters_setup setup = setup_with(false);
	struct counters *counters = NULL;
	struct stat st;
	char path[64];

	(void)state;
	setup.write = NULL;
	assert_int_equal(counters_open(&setup, &counters, NULL), TOBI_OK);
	assert_int_equal(add(counters, first, "a"), 1);
	counters_free(counters);
	path_of(path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	counters = must_open(false);
	assert_int_equal(get(counters, first, "a"), 1);
	counters_free(counters);
}

static void test_counters__every_bit_of_the_file_changed__fails(void **state)
{
	struct counters *counters = must_open(false);
	struct block file;

	(void)state;
	add(counters, first, "a");
	counters_free(counters);
	file = read_file();
	for (size_t bit = 0; bit < 8 * file.size; bit++) {
		file.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		write_file(block_view(file));
		assert_int_equal(try_open(false), TOBI_E_MISMATCH);
		file.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	write_file(block_view(file));
	assert_int_equal(try_open(false), TOBI_OK);
	block_done(file);
}

static void test_counters__the_file_truncated_or_longer__fails(void **state)
{
	struct counters *counters = must_open(false);
	struct block file;

	(void)state;
	add(counters, first, "a");
	counters_free(counters);
	file = read_file();
	for (size_t size = 0; size < file.size; size++) {
		write_file((struct tobi_bytes){file.ptr, size});
		assert_int_not_equal(try_open(false), TOBI_OK);
	}
	block_done(file);
}

static void test_counters__another_platforms_file__fails(void **state)
{
	struct counters_setup setup = setup_with(false);
	struct counters *counters = must_open(false);

	(void)state;
	add(counters, first, "a");
	counters_free(counters);
	counters = NULL;
	setup.key[0] ^= 1;
	assert_int_equal(counters_open(&setup, &counters, NULL), TOBI_E_MISMATCH);
	assert_null(counters);
}

static void test_counters__open_twice__fails(void **state)
{
	struct counters *counters = must_open(false);

	(void)state;
	assert_int_equal(try_open(false), TOBI_E_EXISTS);
	counters_free(counters);
	assert_int_equal(try_open(false), TOBI_OK);
}

static void test_counters__names_and_limits(void **state)
{
	struct counters *counters = must_open(false);
	uint8_t owner[COUNTER_OWNER_SIZE] = {0};
	char name[COUNTER_NAME_SIZE + 2];
	uint64_t value;

	(void)state;
	assert_int_equal(
	    counters_read(counters, first, (struct tobi_bytes){0}, &value, NULL),
	    TOBI_E_ARGUMENT);
	memset(name, 'n', sizeof(name));
	name[COUNTER_NAME_SIZE] = 0;
	assert_int_equal(add(counters, first, name), 1);
	name[COUNTER_NAME_SIZE] = 'n';
	name[COUNTER_NAME_SIZE + 1] = 0;
	assert_int_equal(
	    counters_increment(counters, first, text_bytes(name), &value, NULL),
	    TOBI_E_ARGUMENT);
	assert_int_equal(
	    counters_increment(counters, first, BYTES('a', 0, 'b'), &value, NULL),
	    TOBI_E_ARGUMENT);
	for (int i = 1; i < LIMIT_COUNTERS_EACH; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(add(counters, first, name), 1);
	}
	assert_int_equal(
	    counters_increment(counters, first, text_bytes("more"), &value, NULL),
	    TOBI_E_LIMIT);
	/* Those that are there still count. */
	assert_int_equal(add(counters, first, "n1"), 2);
	for (int i = LIMIT_COUNTERS_EACH; i < LIMIT_COUNTERS; i++) {
		owner[0] = (uint8_t)(3 + i / LIMIT_COUNTERS_EACH);
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(add(counters, owner, name), 1);
	}
	assert_int_equal(
	    counters_increment(counters, second, text_bytes("more"), &value, NULL),
	    TOBI_E_LIMIT);
	counters_free(counters);
	assert_int_equal(try_open(false), TOBI_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	    TEST(test_counters__without_a_file__are_zero_and_count),
	    TEST(test_counters__on_the_disk__are_a_private_file),
	    TEST(test_counters__every_bit_of_the_file_changed__fails),
	    TEST(test_counters__the_file_truncated_or_longer__fails),
	    TEST(test_counters__another_platforms_file__fails),
	    TEST(test_counters__open_twice__fails),
	    TEST(test_counters__names_and_limits),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
