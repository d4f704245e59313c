#include "daemons/platform/pace.h"
#include "tests/check.h"

enum { NOW = 1000000 };

static void test_pace_take__burst__and_not_one_more(void **state)
{
	struct pace pace = {0};

	(void)state;
	for (int n = 0; n < 100; n++)
		assert_true(pace_take(&pace, NOW, 3, 300));
	assert_false(pace_take(&pace, NOW, 3, 300));
	assert_false(pace_take(&pace, NOW, 1, 300));
}

static void test_pace_take__time_passes__so_much_more(void **state)
{
	struct pace pace = {0};

	(void)state;
	assert_true(pace_take(&pace, NOW, 300, 300));
	assert_false(pace_take(&pace, NOW + 2, 3, 300));
	/* What was refused is not owed. */
	assert_true(pace_take(&pace, NOW + 3, 3, 300));
	assert_false(pace_take(&pace, NOW + 3, 1, 300));
	/* No more than a burst is saved up. */
	assert_true(pace_take(&pace, NOW * 2, 300, 300));
	assert_false(pace_take(&pace, NOW * 2, 1, 300));
}

static void test_pace_take__more_than_a_burst__never(void **state)
{
	struct pace pace = {0};

	(void)state;
	assert_false(pace_take(&pace, NOW, 301, 300));
	assert_true(pace_take(&pace, NOW, 300, 300));
}

static void test_pace_now__goes_on(void **state)
{
	int64_t before = pace_now_ms();

	(void)state;
	assert_true(before > 0 && pace_now_ms() >= before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pace_take__burst__and_not_one_more),
	    cmocka_unit_test(test_pace_take__time_passes__so_much_more),
	    cmocka_unit_test(test_pace_take__more_than_a_burst__never),
	    cmocka_unit_test(test_pace_now__goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
