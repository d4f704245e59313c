#include <limits.h>

#include "base/deadline.h"
#include "tests/bytes.h"

static void test_deadline_in__later__is_left(void **state)
{
	struct timespec deadline = deadline_in(3600 * 1000 + 999);

	(void)state;
	assert_true(deadline.tv_nsec >= 0 && deadline.tv_nsec < 1000000000);
	assert_in_range(deadline_left_ms(&deadline), 1800 * 1000, 3600 * 1000 + 999);
}

static void test_deadline_left_ms__passed__zero(void **state)
{
	struct timespec deadline = deadline_in(0);

	(void)state;
	assert_int_equal(deadline_left_ms(&deadline), 0);
	deadline.tv_sec -= 100;
	assert_int_equal(deadline_left_ms(&deadline), 0);
}

static void test_deadline_left_ms__far__no_overflow(void **state)
{
	struct timespec deadline = deadline_in(0);

	(void)state;
	deadline.tv_sec += 100000000;
	assert_int_equal(deadline_left_ms(&deadline), INT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_deadline_in__later__is_left),
	    cmocka_unit_test(test_deadline_left_ms__passed__zero),
	    cmocka_unit_test(test_deadline_left_ms__far__no_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
