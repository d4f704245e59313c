#include "base/date.h"
#include "tests/check.h"

static void test_date_read__a_time__in_seconds(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} dates[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2000-02-29T23:59:59Z", 951868799},
	    {"2025-06-19T10:32:27Z", 1750329147},
	    {"2106-02-07T06:28:16Z", INT64_C(1) << 32},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		int64_t seconds = -1;

		assert_true(date_read(dates[i].text, &seconds));
		assert_int_equal(seconds, dates[i].seconds);
	}
}

static void test_date_read__no_such_time_or_form__false(void **state)
{
	static const char *const bad[] = {
	    "",
	    "2025",
	    "2025-06-19T10:32:27",
	    "2025-06-19T10:32:27z",
	    "2025-06-19T10:32:27Z ",
	    " 2025-06-19T10:32:27Z",
	    "2025-06-19 10:32:27Z",
	    "2025-6-19T10:32:27Z",
	    "2025-06-19T10:32:27.5Z",
	    "2025-06-19T10:32:27+00:00",
	    "02025-06-19T10:32:27Z",
	    "12025-06-19T10:32:27Z",
	    "2025-02-30T10:32:27Z",
	    "2025-02-29T10:32:27Z",
	    "2025-13-01T10:32:27Z",
	    "2025-00-01T10:32:27Z",
	    "2025-06-00T10:32:27Z",
	    "2025-06-19T24:00:00Z",
	    "2025-06-19T10:60:27Z",
	    "2025-06-19T10:32:60Z",
	    "1969-12-31T23:59:59Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t seconds = 7;

		if (date_read(bad[i], &seconds))
			fail_msg("%s", bad[i]);
		assert_int_equal(seconds, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_date_read__a_time__in_seconds),
	    cmocka_unit_test(test_date_read__no_such_time_or_form__false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
