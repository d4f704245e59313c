#include "asked.h"

#include "tests/check.h"

static void test_asked__taken__in_the_order_of_asking(void **state)
{
	struct asked asked = {0};

	(void)state;
	assert_int_equal(asked_take(&asked), ASKED_NOTHING);
	/* Around the end of the ring, more than once. */
	for (int i = 0; i < 3 * ASKED_MAX; i++) {
		assert_true(asked_put(&asked, ASKED_REPORT));
		assert_true(asked_put(&asked, ASKED_KEY));
		assert_int_equal(asked_take(&asked), ASKED_REPORT);
		assert_int_equal(asked_take(&asked), ASKED_KEY);
	}
	assert_int_equal(asked_take(&asked), ASKED_NOTHING);
}

static void test_asked__full__takes_no_more(void **state)
{
	struct asked asked = {0};

	(void)state;
	for (int i = 0; i < ASKED_MAX; i++)
		assert_true(asked_put(&asked, ASKED_COUNTER));
	assert_false(asked_put(&asked, ASKED_KEY));
	for (int i = 0; i < ASKED_MAX; i++)
		assert_int_equal(asked_take(&asked), ASKED_COUNTER);
	assert_int_equal(asked_take(&asked), ASKED_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_asked__taken__in_the_order_of_asking),
	    cmocka_unit_test(test_asked__full__takes_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
