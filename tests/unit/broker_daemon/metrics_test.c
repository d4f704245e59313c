#include "tests/check.h"

#include "base/secret.h"
#include "daemons/broker/metrics.h"

static const struct broker_route first[] = {{HTTP_GET, "/a", ROUTE_OPEN, 0, NULL, "one"},
					    {HTTP_GET, "/b", ROUTE_OPEN, 0, NULL, "one"},
					    {.pattern = NULL}};
static const struct broker_route second[] = {{HTTP_GET, "/c", ROUTE_OPEN, 0, NULL, "two"},
					     {.pattern = NULL}};
static const struct broker_route *const tables[] = {first, second, NULL};

static char *text_of(struct metrics *metrics, struct writer *out)
{
	const struct metrics_gauges gauges = {.connections = 3, .started = 77};

	metrics_write(metrics, &gauges, out);
	wr_u8(out, 0);
	assert_int_equal(wr_err(out), TOBI_OK);
	return (char *)out->ptr;
}

static void test_metrics__requests__by_name_class_and_time(void **state)
{
	struct metrics *metrics = NULL;
	struct writer out = wr_init(1 << 20);
	const char *text;

	(void)state;
	assert_int_equal(metrics_new(tables, &metrics, NULL), TOBI_OK);
	metrics_answered(metrics, &first[0], 200, 400);
	metrics_answered(metrics, &first[1], 204, 600);
	metrics_answered(metrics, &second[0], 503, 20000000);
	metrics_counters(metrics)->malformed = 5;
	text = text_of(metrics, &out);
	assert_non_null(strstr(text, "requests_total{route=\"one\",code=\"2xx\"} 2\n"));
	assert_non_null(strstr(text, "requests_total{route=\"two\",code=\"5xx\"} 1\n"));
	assert_non_null(strstr(text, "bucket{route=\"one\",le=\"0.0005\"} 1\n"));
	assert_non_null(strstr(text, "bucket{route=\"one\",le=\"0.001\"} 2\n"));
	assert_non_null(strstr(text, "bucket{route=\"two\",le=\"10\"} 0\n"));
	assert_non_null(strstr(text, "bucket{route=\"two\",le=\"+Inf\"} 1\n"));
	assert_non_null(strstr(text, "request_seconds_sum{route=\"one\"} 0.001000\n"));
	assert_non_null(strstr(text, "requests_refused_total{reason=\"malformed\"} 5\n"));
	assert_non_null(strstr(text, "tobichi_broker_connections 3\n"));
	assert_non_null(strstr(text, "start_time_seconds 77\n"));
	wr_done(&out);
	metrics_free(metrics);
}

/* Prometheus refuses a page on which a series, or a name's head, comes twice. */
static void test_metrics__page__each_series_once(void **state)
{
	struct metrics *metrics = NULL;
	struct writer out = wr_init(1 << 20);
	char *lines[1000], *rest;
	size_t count = 0;

	(void)state;
	assert_int_equal(metrics_new(tables, &metrics, NULL), TOBI_OK);
	rest = text_of(metrics, &out);
	for (char *line; (line = strsep(&rest, "\n")) && *line; count++) {
		char *value = strrchr(line, ' ');

		assert_true(count < 1000);
		/* Of "# HELP name text" the name is what must not come twice. */
		if (line[0] == '#')
			value = strchr(strchr(line + 2, ' ') + 1, ' ');
		*value = 0;
		for (size_t i = 0; i < count; i++) {
			if (strcmp(lines[i], line) == 0)
				fail_msg("twice: %s", line);
		}
		lines[count] = line;
	}
	assert_true(count > 50);
	wr_done(&out);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_metrics__requests__by_name_class_and_time),
	    cmocka_unit_test(test_metrics__page__each_series_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
