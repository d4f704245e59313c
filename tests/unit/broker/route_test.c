#include "tests/check.h"

#include "base/secret.h"
#include "broker/route.h"

static const struct broker_route first[] = {
    {HTTP_GET | HTTP_PUT, "/a/{}", ROUTE_OPEN, 0, NULL, "one"},
    {HTTP_GET, "/a/fixed", ROUTE_OPEN, 0, NULL, "hidden"},
    {HTTP_DELETE, "/a/fixed", ROUTE_OPEN, 0, NULL, "fixed"},
    {HTTP_GET, "/", ROUTE_OPEN, 0, NULL, "root"},
    {.pattern = NULL}};
static const struct broker_route second[] = {
    {HTTP_GET, "/b/{}/c/{}", ROUTE_OPEN, 0, NULL, "two"},
    {HTTP_POST, "/d/{}/{...}", ROUTE_OPEN, 0, NULL, "rest"},
    {.pattern = NULL}};
static const struct broker_route *const tables[] = {first, second, NULL};

static void expect(int status, const char *name, enum http_method method,
		   const char *path)
{
	const struct broker_route *route = NULL;
	unsigned allowed = 0;

	assert_int_equal(route_find(tables, method, path, &route, &allowed), status);
	if (name)
		assert_string_equal(route->name, name);
	else
		assert_null(route);
}

static void test_route_find__patterns__first_that_fits(void **state)
{
	(void)state;
	expect(0, "one", HTTP_GET, "/a/b");
	expect(0, "one", HTTP_GET, "/a/fixed");
	expect(0, "fixed", HTTP_DELETE, "/a/fixed");
	expect(0, "root", HTTP_GET, "/");
	expect(0, "two", HTTP_GET, "/b/x/c/y");
	expect(0, "rest", HTTP_POST, "/d/x/y");
	expect(0, "rest", HTTP_POST, "/d/x/y/z/");
	expect(404, NULL, HTTP_GET, "/a");
	expect(404, NULL, HTTP_GET, "/a/");
	expect(404, NULL, HTTP_GET, "/a/b/");
	expect(404, NULL, HTTP_GET, "/a/b/c");
	expect(404, NULL, HTTP_GET, "/ab/c");
	expect(404, NULL, HTTP_GET, "/b/x/d/y");
	expect(404, NULL, HTTP_GET, "/b/x/c/");
	expect(404, NULL, HTTP_POST, "/d/x");
	expect(404, NULL, HTTP_POST, "/d/x/");
	expect(404, NULL, HTTP_GET, "/{}");
}

static void test_route_find__other_method__allowed_are_told(void **state)
{
	const struct broker_route *route = NULL;
	char text[ROUTE_ALLOWED_SIZE];
	unsigned allowed = 0;

	(void)state;
	assert_int_equal(route_find(tables, HTTP_POST, "/a/fixed", &route, &allowed),
			 405);
	assert_int_equal(allowed, HTTP_GET | HTTP_PUT | HTTP_DELETE);
	route_allowed(allowed, text);
	assert_string_equal(text, "GET, PUT, DELETE");
	route_allowed(HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_DELETE, text);
	assert_string_equal(text, "GET, POST, PUT, DELETE");
	route_allowed(0, text);
	assert_string_equal(text, "");
	assert_string_equal(route_method(HTTP_PUT), "PUT");
}

static void test_route_part__index__what_stands_there(void **state)
{
	static const char pattern[] = "/d/{}/x/{...}";

	(void)state;
	assert_true(
	    bytes_equal_text(route_part(pattern, "/d/one/x/two/three", 0), "one"));
	assert_true(
	    bytes_equal_text(route_part(pattern, "/d/one/x/two/three", 1), "two/three"));
	assert_null(route_part(pattern, "/d/one/x/two", 2).ptr);
	assert_null(route_part(pattern, "/d/one/y/two", 0).ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_route_find__patterns__first_that_fits),
	    cmocka_unit_test(test_route_find__other_method__allowed_are_told),
	    cmocka_unit_test(test_route_part__index__what_stands_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
