#include "root/counters.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root/counters_file.h"
#include "tests/bytes.h"

/* A platform: its hardware's counter and its one file, either of which can fail. */
static struct {
	char folder[40];
	uint64_t hardware;
	unsigned
	    steps_left; /* until the power goes; each step that is asked for takes one
			 */
	bool late;	/* it goes after that step was done, not before */
	bool off;
} platform;

static const uint8_t first[COUNTER_OWNER_SIZE] = {1}, second[COUNTER_OWNER_SIZE] = {2};

enum { FOR_EVER = 1 << 30 };

static bool power_goes(void)
{
	return platform.off || !platform.steps_left--;
}

static enum tobi_err move_hardware(void *context, bool increment, uint64_t *ret_value,
				   struct tobi_fault *fault)
{
	bool goes = increment && power_goes();

	(void)context, (void)fault;
	if (platform.off || (goes && !platform.late)) {
		platform.off = true;
		return TOBI_E_SYSTEM;
	}
	platform.hardware += increment;
	platform.off = goes;
	*ret_value = platform.hardware;
	return goes ? TOBI_E_SYSTEM : TOBI_OK;
}

static void path_of(char out[static 64])
{
	snprintf(out, 64, "%s/" COUNTERS_FILE, platform.folder);
}

static struct block read_file(void)
{
	uint8_t bytes[COUNTERS_FILE_MAX + 1];
	char path[64];
	int fd;
	ssize_t size;

	path_of(path);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	size = read(fd, bytes, sizeof(bytes));
	assert_true(size > 0);
	close(fd);
	return block_new((struct tobi_bytes){bytes, (size_t)size});
}

static void write_file(struct tobi_bytes bytes)
{
	char path[64];
	int fd;

	path_of(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.ptr, bytes.size), bytes.size);
	assert_int_equal(ftruncate(fd, (off_t)bytes.size), 0);
	close(fd);
}

/* The files that were written last: what somebody who copies them has. */
static struct block copies[64];
static size_t copy_count;

static void keep_copy(struct tobi_bytes bytes)
{
	struct block *copy = &copies[copy_count++ % 64];

	block_done(*copy);
	*copy = block_new(bytes);
}

static enum tobi_err write_or_fail(const char *path, struct tobi_bytes bytes,
				   struct tobi_fault *fault)
{
	bool goes = power_goes();

	(void)path, (void)fault;
	if (platform.off || (goes && !platform.late)) {
		platform.off = true;
		return TOBI_E_SYSTEM;
	}
	write_file(bytes);
	keep_copy(bytes);
	platform.off = goes;
	return goes ? TOBI_E_SYSTEM : TOBI_OK;
}

static struct counters_setup setup_with(bool anchored)
{
	struct counters_setup setup = {.folder = platform.folder,
				       .key = {7},
				       .anchor = anchored ? move_hardware : NULL,
				       .write = write_or_fail};

	return setup;
}

static int enter(void **state)
{
	(void)state;
	memset(&platform, 0, sizeof(platform));
	snprintf(platform.folder, sizeof(platform.folder),
		 "/tmp/tobichi-counters-XXXXXX");
	platform.hardware = 1000;
	platform.steps_left = FOR_EVER;
	return mkdtemp(platform.folder) ? 0 : -1;
}

static int leave(void **state)
{
	char path[64];

	(void)state;
	path_of(path);
	unlink(path);
	for (size_t i = 0; i < 64; i++)
		block_done(copies[i]);
	memset(copies, 0, sizeof(copies));
	copy_count = 0;
	return rmdir(platform.folder);
}

static struct counters *must_open(bool anchored)
{
	struct counters_setup setup = setup_with(anchored);
	struct counters *counters = NULL;

	assert_int_equal(counters_open(&setup, &counters, NULL), TOBI_OK);
	assert_non_null(counters);
	return counters;
}

static enum tobi_err try_open(bool anchored)
{
	struct counters_setup setup = setup_with(anchored);
	struct counters *counters = NULL;
	enum tobi_err err = counters_open(&setup, &counters, NULL);

	counters_free(counters);
	return err;
}

static void must_create(void)
{
	struct counters_setup setup = setup_with(true);

	assert_int_equal(counters_create(&setup, NULL), TOBI_OK);
}

static uint64_t get(struct counters *counters, const uint8_t *owner, const char *name)
{
	uint64_t value = 99;

	assert_int_equal(counters_read(counters, owner, text_bytes(name), &value, NULL),
			 TOBI_OK);
	return value;
}

static uint64_t add(struct counters *counters, const uint8_t *owner, const char *name)
{
	uint64_t value = 99;

	assert_int_equal(
	    counters_increment(counters, owner, text_bytes(name), &value, NULL), TOBI_OK);
	return value;
}

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

/* ---- with a counter in hardware ---- */

static void test_counters__anchored_without_a_file__fails(void **state)
{
	(void)state;
	assert_int_equal(try_open(true), TOBI_E_NOT_FOUND);
	must_create();
	assert_int_equal(try_open(true), TOBI_OK);
}

static void test_counters_create__twice__leaves_the_first(void **state)
{
	struct counters_setup setup = setup_with(true);
	struct counters *counters;

	(void)state;
	must_create();
	counters = must_open(true);
	assert_true(counters_are_anchored(counters));
	assert_int_equal(add(counters, first, "a"), 1);
	assert_int_equal(counters_create(&setup, NULL), TOBI_E_EXISTS);
	assert_int_equal(get(counters, first, "a"), 1);
	counters_free(counters);
}

static void test_counters__an_old_file_put_back__fails(void **state)
{
	struct counters *counters;
	struct block old, now;

	(void)state;
	must_create();
	counters = must_open(true);
	add(counters, first, "a");
	old = read_file();
	add(counters, first, "a");
	now = read_file();
	counters_free(counters);
	write_file(block_view(old));
	assert_int_equal(try_open(true), TOBI_E_MISMATCH);
	write_file(block_view(now));
	counters = must_open(true);
	assert_int_equal(get(counters, first, "a"), 2);
	counters_free(counters);
	block_done(old);
	block_done(now);
}

/* The same without hardware is not noticed, and is what the flag says. */
static void test_counters__an_old_file_without_an_anchor__is_taken(void **state)
{
	struct counters *counters = must_open(false);
	struct block old;

	(void)state;
	add(counters, first, "a");
	old = read_file();
	add(counters, first, "a");
	counters_free(counters);
	write_file(block_view(old));
	counters = must_open(false);
	assert_false(counters_are_anchored(counters));
	assert_int_equal(get(counters, first, "a"), 1);
	counters_free(counters);
	block_done(old);
}

static void test_counters__a_file_of_the_other_kind__fails(void **state)
{
	struct counters *counters = must_open(false);

	(void)state;
	add(counters, first, "a");
	counters_free(counters);
	assert_int_equal(try_open(true), TOBI_E_MISMATCH);
	leave(NULL);
	enter(NULL);
	must_create();
	assert_int_equal(try_open(false), TOBI_E_MISMATCH);
}

static void test_counters__hardware_moved_by_another__fails(void **state)
{
	struct counters *counters;
	uint64_t value = 99;

	(void)state;
	must_create();
	counters = must_open(true);
	platform.hardware++;
	assert_int_equal(
	    counters_increment(counters, first, text_bytes("a"), &value, NULL),
	    TOBI_E_MISMATCH);
	assert_int_equal(value, 99);
	counters_free(counters);
}

static void test_counters_move__keeps_the_values(void **state)
{
	struct counters_setup from = setup_with(false), to = setup_with(true);
	struct counters *counters = must_open(false);

	(void)state;
	add(counters, first, "a");
	add(counters, first, "a");
	counters_free(counters);
	to.key[0] = 8;
	assert_int_equal(counters_move(&from, &to, NULL), TOBI_OK);
	assert_int_equal(counters_open(&to, &counters, NULL), TOBI_OK);
	assert_int_equal(get(counters, first, "a"), 2);
	assert_int_equal(add(counters, first, "a"), 3);
	counters_free(counters);
	assert_int_equal(counters_move(&to, &from, NULL), TOBI_OK);
	counters = must_open(false);
	assert_int_equal(get(counters, first, "a"), 3);
	counters_free(counters);
}

/* The power goes at each step of an increment, before or after it: what was confirmed
 * stays, and what was not counts wholly or not at all. */
static void power_cut(bool anchored, bool late, unsigned step, bool *ret_completed)
{
	struct counters *counters;
	uint64_t value = 0, after;
	enum tobi_err err;

	if (anchored)
		must_create();
	counters = must_open(anchored);
	assert_int_equal(add(counters, first, "a"), 1);
	assert_int_equal(add(counters, first, "a"), 2);
	platform.late = late;
	platform.steps_left = step;
	err = counters_increment(counters, first, text_bytes("a"), &value, NULL);
	*ret_completed = !err && !platform.off;
	counters_free(counters);
	platform.off = false;
	platform.steps_left = FOR_EVER;
	counters = must_open(anchored);
	after = get(counters, first, "a");
	assert_true(after == 3 || (err && after == 2));
	assert_int_equal(add(counters, first, "a"), after + 1);
	counters_free(counters);
}

static void test_counters__power_cut_at_each_step__loses_nothing(void **state)
{
	unsigned cuts = 0;

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		bool completed = false;

		for (unsigned step = 0; !completed; step++) {
			power_cut(kind & 1, kind & 2, step, &completed);
			cuts += !completed;
			leave(NULL);
			enter(NULL);
		}
	}
	assert_int_equal(cuts, 2 * 1 + 2 * 2); /* a file; a file and the hardware */
}

/* The same in a service that goes on: it reads the file again. */
static void test_counters__a_step_that_failed__is_looked_at_again(void **state)
{
	struct counters *counters;
	uint64_t value;

	(void)state;
	must_create();
	counters = must_open(true);
	for (int late = 0; late < 2; late++) {
		for (unsigned step = 0; step < 2; step++) {
			uint64_t before = get(counters, first, "a"), after;

			platform.late = late;
			platform.steps_left = step;
			assert_int_equal(counters_increment(counters, first,
							    text_bytes("a"), &value,
							    NULL),
					 TOBI_E_SYSTEM);
			assert_int_equal(
			    counters_read(counters, first, text_bytes("a"), &value, NULL),
			    TOBI_E_SYSTEM);
			platform.off = false;
			platform.steps_left = FOR_EVER;
			after = get(counters, first, "a");
			assert_true(after == before || after == before + 1);
		}
	}
	counters_free(counters);
}

/* ---- against who can cut the power at any step, and put any file back ---- */

static unsigned dice(unsigned *seed, unsigned sides)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % sides;
}

/* What an enclave was told; it never gets to hear less. True when the file was refused.
 */
static bool use_counters(unsigned *seed, uint64_t told[static 2])
{
	static const char *const names[] = {"a", "b"};
	struct counters_setup setup = setup_with(true);
	struct counters *counters = NULL;

	enum tobi_err err = counters_open(&setup, &counters, NULL);

	if (err)
		return err == TOBI_E_MISMATCH;
	for (unsigned n = 1 + dice(seed, 2); n; n--) {
		unsigned which = dice(seed, 2);
		struct tobi_bytes name = text_bytes(names[which]);
		uint64_t value = 0;

		err = dice(seed, 2)
			  ? counters_read(counters, first, name, &value, NULL)
			  : counters_increment(counters, first, name, &value, NULL);
		if (err)
			continue;
		assert_true(value >= told[which]);
		told[which] = value;
	}
	counters_free(counters);
	return false;
}

static void
test_counters__any_file_put_back_after_any_cut__nothing_turns_back(void **state)
{
	uint64_t told[2] = {0, 0};
	unsigned seed = 1, refused = 0;

	(void)state;
	must_create();
	for (int round = 0; round < 20000; round++) {
		size_t recent = copy_count < 5 ? copy_count : 5;

		/* The attacker's choice; mostly what may still be good. */
		write_file(block_view(
		    copies[(copy_count - 1 - dice(&seed, (unsigned)recent)) % 64]));
		platform.off = false;
		platform.late = dice(&seed, 2);
		platform.steps_left = dice(&seed, 9);
		refused += use_counters(&seed, told);
	}
	assert_true(refused > 100);
	assert_true(told[0] > 100 && told[1] > 100);
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
	    TEST(test_counters__names_and_limits),
	    TEST(test_counters__anchored_without_a_file__fails),
	    TEST(test_counters_create__twice__leaves_the_first),
	    TEST(test_counters__an_old_file_put_back__fails),
	    TEST(test_counters__an_old_file_without_an_anchor__is_taken),
	    TEST(test_counters__a_file_of_the_other_kind__fails),
	    TEST(test_counters__hardware_moved_by_another__fails),
	    TEST(test_counters_move__keeps_the_values),
	    TEST(test_counters__power_cut_at_each_step__loses_nothing),
	    TEST(test_counters__a_step_that_failed__is_looked_at_again),
	    TEST(test_counters__any_file_put_back_after_any_cut__nothing_turns_back),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
