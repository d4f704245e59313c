#include "tests/unit/root/counters_world.h"

#include <stdio.h>
#include <unistd.h>

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

static void test_counters__any_file_after_any_cut__nothing_turns_back(void **state)
{
	uint64_t told[2] = {0, 0};
	unsigned seed = 1, refused = 0;

	(void)state;
	must_create();
	for (int round = 0; round < 20000; round++) {
		size_t recent = copy_count < 5 ? copy_count : 5;

		/* The attacker's choice; mostly what may still be good. */
		write_file(block_view(
		    copies[(copy_count - 1 - dice(&seed, (unsigned)recent)) % COPIES]));
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
	    TEST(test_counters__anchored_without_a_file__fails),
	    TEST(test_counters_create__twice__leaves_the_first),
	    TEST(test_counters__an_old_file_put_back__fails),
	    TEST(test_counters__an_old_file_without_an_anchor__is_taken),
	    TEST(test_counters__a_file_of_the_other_kind__fails),
	    TEST(test_counters__hardware_moved_by_another__fails),
	    TEST(test_counters_move__keeps_the_values),
	    TEST(test_counters__power_cut_at_each_step__loses_nothing),
	    TEST(test_counters__a_step_that_failed__is_looked_at_again),
	    TEST(test_counters__any_file_after_any_cut__nothing_turns_back),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
